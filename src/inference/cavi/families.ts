/** The factors that coordinate ascent supports: for each family, how its sufficient statistics appear in a product. */
import {
  Bernoulli,
  BernoulliDistribution,
  Beta,
  BetaDistribution,
  Categorical,
  CategoricalDistribution,
  ChiSquaredDistribution,
  Dirichlet,
  DirichletDistribution,
  type Distribution,
  ExponentialDistribution,
  type ExponentialFamily,
  Gamma,
  GammaDistribution,
  IndependentDistribution,
  InverseGamma,
  InverseGammaDistribution,
  MultivariateNormal,
  MultivariateNormalDistribution,
  Normal,
  NormalDistribution,
  OneHotCategorical,
  OneHotCategoricalDistribution,
} from "../../distributions/index.ts";
import {
  add,
  eye,
  log,
  log1p,
  matmul,
  mul,
  neg,
  noise,
  ones,
  type Shape,
  squeeze,
  sub,
  type Tensor,
  transpose,
  unsqueeze,
  zeros,
} from "../../tensor/index.ts";
import type { Atom, Index, ValueKind } from "./atoms.ts";
import type { Factor } from "./polynomial.ts";

/** The expected statistic that equals a product of a site's atoms, and the positions in it. */
export interface Match {
  readonly statistic: number;
  readonly indices: readonly Index[];
}

/** The definition of a site's factor. */
export interface Conjugacy {
  readonly name: string;
  readonly kind: ValueKind;
  /** The statistics of an element x, for messages. */
  readonly statistics: readonly string[];
  /** A distribution in float64, of the site's shape; the values of its parameters do not matter. */
  readonly family: ExponentialFamily;
  /** Shapes of the natural parameters and of the statistics: batch + own. */
  readonly shapes: readonly Shape[];
  /** The statistic that equals the product of some atoms of one site, if there is one. */
  match(factors: readonly Factor[]): Match | undefined;
  /** Natural parameters in the family's own form, from a gradient: the coefficient of x xᵀ is made symmetric. */
  tidy(gradient: readonly Tensor[]): readonly Tensor[];
  /** Initial natural parameters, from those of the prior. Noise in them breaks ties between exchangeable sites. */
  start(prior: readonly Tensor[], site: string, family: ExponentialFamily): readonly Tensor[];
}

type Kind = Atom["kind"];

/** One atom to a power. */
const alone =
  (wanted: readonly (readonly [Kind, Kind | undefined, number])[]) =>
  ([f, ...others]: readonly Factor[]): Match | undefined => {
    if (f === undefined || others.length > 0) return undefined;
    const inner = f.atom.kind === "log" ? f.atom.of.kind : undefined;
    const statistic = wanted.findIndex(([k, of, c]) => k === f.atom.kind && of === inner && c === f.exponent);
    return statistic < 0 ? undefined : { statistic, indices: f.indices };
  };

const asIs = (prior: readonly Tensor[]): readonly Tensor[] => prior;

const uniform = (site: string, shape: Shape): Tensor => noise("uniform", `start/${site}`, shape, "float64");

/** Starts at probabilities drawn from Dirichlet(1, …, 1): normalised exponentials. */
const randomCategories = ([prior]: readonly Tensor[], site: string): Tensor[] => [
  log(neg(log(uniform(site, prior.shape)))),
];

interface Definition extends Omit<Conjugacy, "name" | "family" | "shapes" | "tidy"> {
  readonly tidy?: Conjugacy["tidy"];
  /** A member of the family with a batch shape. */
  readonly member: (batch: Shape, event: Shape) => Distribution;
}

const normal: Definition = {
  kind: "real",
  statistics: ["x", "x²"],
  member: (batch) => Normal(zeros(batch, "float64"), ones(batch, "float64")),
  match: alone([
    ["value", undefined, 1],
    ["value", undefined, 2],
  ]),
  // The prior's precision, around a draw from the prior.
  start: ([a, b], site, family) => [
    mul(mul(b, -2), family.distributionAt([a, b]).sample(`start/${site}`)),
    b,
  ],
};

const multivariateNormal: Definition = {
  kind: "real",
  statistics: ["x", "x xᵀ"],
  tidy: ([a, b]) => [a, mul(add(b, transpose(b)), 0.5)],
  member: (batch, [n]) =>
    MultivariateNormal(zeros([...batch, n], "float64"), { scaleTril: eye(n, "float64") }),
  match: (factors) => {
    if (factors.some((f) => f.atom.kind !== "value")) return undefined;
    const [f, g] = factors;
    if (f === undefined || factors.length > 2) return undefined;
    if (g === undefined) {
      if (f.exponent === 1) return { statistic: 0, indices: f.indices };
      return f.exponent === 2 ? { statistic: 1, indices: [...f.indices, ...f.indices.slice(-1)] } : undefined;
    }
    const batch = f.indices.slice(0, -1);
    const pair = f.exponent === 1 && g.exponent === 1 && batch.every((i, n) => i === g.indices[n]);
    return pair ? { statistic: 1, indices: [...f.indices, ...g.indices.slice(-1)] } : undefined;
  },
  start: ([a, b], site, family) => {
    const x = family.distributionAt([a, b]).sample(`start/${site}`);
    return [squeeze(matmul(mul(b, -2), unsqueeze(x, -1)), -1), b];
  },
};

const gamma: Definition = {
  kind: "positive",
  statistics: ["ln x", "x"],
  member: (batch) => Gamma(ones(batch, "float64"), ones(batch, "float64")),
  match: alone([
    ["log", "value", 1],
    ["value", undefined, 1],
  ]),
  start: asIs,
};

const inverseGamma: Definition = {
  kind: "positive",
  statistics: ["ln x", "1/x"],
  member: (batch) => InverseGamma(ones(batch, "float64"), ones(batch, "float64")),
  match: alone([
    ["log", "value", 1],
    ["value", undefined, -1],
  ]),
  start: asIs,
};

const beta: Definition = {
  kind: "unit",
  statistics: ["ln x", "ln (1 − x)"],
  member: (batch) => Beta(ones(batch, "float64"), ones(batch, "float64")),
  match: alone([
    ["log", "value", 1],
    ["log", "complement", 1],
  ]),
  start: asIs,
};

const dirichlet: Definition = {
  kind: "simplex",
  statistics: ["ln x"],
  member: (batch, event) => Dirichlet(ones([...batch, ...event], "float64")),
  match: alone([["log", "value", 1]]),
  start: asIs,
};

const bernoulli: Definition = {
  kind: "binary",
  statistics: ["x"],
  member: (batch) => Bernoulli({ logits: zeros(batch, "float64") }),
  match: alone([["value", undefined, 1]]),
  start: ([prior], site) => {
    const u = uniform(site, prior.shape);
    return [sub(log(u), log1p(neg(u)))];
  },
};

const categorical = (member: Definition["member"]): Definition => ({
  kind: "category",
  statistics: ["the indicators of x"],
  member,
  match: alone([["indicator", undefined, 1]]),
  start: randomCategories,
});

/** The definition for a distribution without `toEvent`. */
function definitionOf(d: Distribution): readonly [string, Definition] | undefined {
  if (d instanceof NormalDistribution) return ["Normal", normal];
  if (d instanceof MultivariateNormalDistribution) return ["MultivariateNormal", multivariateNormal];
  if (
    d instanceof GammaDistribution ||
    d instanceof ExponentialDistribution ||
    d instanceof ChiSquaredDistribution
  )
    return ["Gamma", gamma];
  if (d instanceof InverseGammaDistribution) return ["InverseGamma", inverseGamma];
  if (d instanceof BetaDistribution) return ["Beta", beta];
  if (d instanceof DirichletDistribution) return ["Dirichlet", dirichlet];
  if (d instanceof BernoulliDistribution) return ["Bernoulli", bernoulli];
  if (d instanceof CategoricalDistribution) {
    const k = d.cardinality ?? 1;
    return ["Categorical", categorical((batch) => Categorical({ logits: zeros([...batch, k], "float64") }))];
  }
  if (d instanceof OneHotCategoricalDistribution) {
    return [
      "OneHotCategorical",
      categorical((batch, event) => OneHotCategorical({ logits: zeros([...batch, ...event], "float64") })),
    ];
  }
  return undefined;
}

export const conjugateNames =
  "Normal, MultivariateNormal, Gamma (Exponential, ChiSquared), InverseGamma, Beta, Dirichlet, Bernoulli, Categorical and OneHotCategorical";

/**
 * The factor for a site's distribution, if coordinate ascent has one. A vector of normals that is one event (`toEvent(1)`) gets a
 * MultivariateNormal factor, the optimum over all distributions of the vector; the parts of any other event have independent factors.
 */
export function conjugacyOf(distribution: Distribution): Conjugacy | undefined {
  const n = distribution instanceof IndependentDistribution ? distribution.reinterpreted : 0;
  const base = distribution instanceof IndependentDistribution ? distribution.base : distribution;
  const joined = n === 1 && base instanceof NormalDistribution;
  const found = joined ? (["MultivariateNormal", multivariateNormal] as const) : definitionOf(base);
  if (found === undefined) return undefined;
  const [name, { member, ...rest }] = found;
  const whole = [...distribution.batchShape, ...distribution.eventShape];
  const rank = joined ? 1 : base.eventShape.length;
  const split = whole.length - rank;
  const single = member(whole.slice(0, split), whole.slice(split));
  const family = (joined || n === 0 ? single : single.toEvent(n)).exponentialFamily;
  if (family === undefined) return undefined;
  return { tidy: asIs, ...rest, name, family, shapes: family.naturalParameters.map((t) => t.shape) };
}
