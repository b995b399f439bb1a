import { type Distribution, Normal, OneHotCategorical } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import type { ActivationName, NamedParameter } from "../nn/index.ts";
import type { Objective } from "../optim/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { model, type Program } from "../program/index.ts";
import { add, sqrt, type Tensor } from "../tensor/index.ts";
import type { ClassPrior } from "./class-shares.ts";
import type { LikelihoodName } from "./likelihood.ts";
import { logJointOf } from "./log-joint.ts";
import { latentColumns, type ParameterValues } from "./m1.ts";
import { M2 } from "./m2.ts";
import type { M2ObjectiveOptions } from "./m2-objective.ts";
import type { Vae } from "./vae.ts";

/** Options of {@link Stacked}. */
export interface StackedOptions {
  /** The trained VAE, which is not changed, and the values of its parameters. */
  readonly m1: Vae;
  /** Values of the parameters of `m1`, by name. */
  readonly frozen: ParameterValues;
  /** Dimensions of M1's latent variable that M2 models; the others stay standard normal. Default all. */
  readonly active?: readonly number[];
  /** How many classes there are. */
  readonly classes: number;
  /** Dimensions of z2. Default 50. */
  readonly latent?: number;
  /** Widths of the hidden layers of each of M2's networks. Default [300]. */
  readonly hidden?: readonly number[];
  /** Default softplus. */
  readonly activation?: ActivationName;
  /** Fraction of q(y|z1)'s hidden units dropped in training. Default 0. */
  readonly dropout?: number;
  /** p(y), as {@link M2} has it. Default learned. */
  readonly classPrior?: ClassPrior;
}

const rules: OptionRules<StackedOptions> = {
  m1: required(given("a trained VAE")),
  frozen: required(given("its parameters")),
  active: anything,
  classes: required(given("the number of classes")),
  latent: anything,
  hidden: anything,
  activation: anything,
  dropout: anything,
  classPrior: anything,
};

/** M1+M2: M2 over the latent variable of a VAE that was trained first. */
export interface Stacked {
  readonly kind: "m1m2";
  /** Its options, with defaults filled in, as a run records them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly m1: Vae;
  readonly frozen: ParameterValues;
  readonly m2: M2;
  readonly active: readonly number[];
  /** Number of values of a datum. */
  readonly features: number;
  readonly classes: number;
  /** Dimensions of z2. */
  readonly latent: number;
  /** M1's. */
  readonly likelihood: LikelihoodName;
  /** The trained parameters: M2's. */
  readonly parameters: readonly NamedParameter[];
  /** y ~ p(y), z2 ~ N(0, I), the active part of z1 | y, z2, its inactive part ~ N(0, I), x | z1. */
  readonly model: Program<[x: Tensor]>;
  /** q(z1|x) q(y|z1) q(z2|z1, y). */
  readonly guide: Program<[x: Tensor]>;
  /** The active part of the mean of q(z1|x): [batch, active]. */
  encode(x: Tensor): Tensor;
  /** log q(y | mean of q(z1|x)): [batch, classes]. */
  classify(x: Tensor): Tensor;
  /** log p(x, y) of every class by importance samples from q(z1|x) q(z2|z1, y): [batch, classes]. */
  logJoint(x: Tensor, samples: number): Tensor;
  /** p(x|z1) for the mean of the active part under p(z1|y, z2), the inactive part at 0. */
  decode(y: Tensor, z2: Tensor): Distribution;
  /** M2's, whose inputs are draws of the active part of z1. */
  objective(options: M2ObjectiveOptions): Objective;
}

/**
 * The stacked model M1+M2 of Kingma, Mohamed, Rezende and Welling (2014, section 3.3): p(y) p(z2) p(z1|y, z2) p(x|z1). M1 is a VAE that was
 * trained first and does not change; M2 models draws from its posterior with Gaussians whose means and variances depend on y and z2.
 * Dimensions of z1 that M1 does not use may be left out of M2: their posterior equals the prior.
 *
 * Model and guide together give a lower bound on log p(x), with y summed out.
 *
 * @example
 * const m1 = await train(VAE({ shape: [28, 28], latent: 50, hidden: [500, 500], activation: "softplus" }), digits, { epochs: 200 });
 * const active = activeDimensions(await posteriorOf(m1.model, m1.parameters, digits));
 * const stacked = Stacked({ m1: m1.model, frozen: m1.parameters, active, classes: 10 });
 *
 * @throws UsageError when no dimension is active, one is not a dimension of M1, or as {@link M2} does
 */
export function Stacked(options: StackedOptions): Stacked {
  checkOptions("Stacked", options, rules);
  const { m1, frozen, classes, latent = 50, hidden = [300], activation = "softplus", dropout = 0 } = options;
  const { active = Array.from({ length: m1.latent }, (_, d) => d) } = options;
  const wrong = active.find((d) => !Number.isInteger(d) || d < 0 || d >= m1.latent);
  if (wrong !== undefined) {
    throw new UsageError(`m1m2: dimension ${wrong} is not one of M1's, which are 0 to ${m1.latent - 1}.`);
  }
  if (active.length === 0) {
    throw new UsageError(
      "m1m2: no dimension of M1 is active, so M2 would get no information about the data. Train M1 longer, or keep inactive dimensions.",
    );
  }
  const used = latentColumns(active, m1.latent);
  const rest = latentColumns(
    Array.from({ length: m1.latent }, (_, d) => d).filter((d) => !active.includes(d)),
    m1.latent,
  );
  const likelihood = "gaussian-heteroscedastic";
  const { classPrior = "learned" } = options;
  const m2 = M2({
    features: active.length,
    classes,
    latent,
    hidden,
    activation,
    likelihood,
    dropout,
    classPrior,
  });
  const standard = (size: number) => Normal(0, 1).expand([size]).toEvent(1);

  const generative = model(
    ({ plate, sample, observe }, x: Tensor) => {
      plate("row", x.shape[0], () => {
        const y = sample("y", m2.prior);
        const z2 = sample("z2", standard(latent));
        const active1 = used.place(sample("z1", m2.decode(y, z2)));
        const z1 =
          rest.size === 0 ? active1 : add(active1, rest.place(sample("inactive", standard(rest.size))));
        observe("x", m1.decode(z1), x);
      });
    },
    { name: "m1m2" },
  );
  const guide = model(
    ({ plate, sample }, x: Tensor) => {
      plate("row", x.shape[0], () => {
        const q = m1.encode(x);
        const [mean, scale] = [q.mean(), sqrt(q.variance())];
        const part = ({ pick }: typeof used) => Normal(pick(mean), pick(scale)).toEvent(1);
        const z1 = sample("z1", part(used));
        if (rest.size > 0) sample("inactive", part(rest));
        const y = sample("y", OneHotCategorical({ logits: m2.classify(z1) }));
        sample("z2", m2.encode(z1, y));
      });
    },
    { name: "m1m2 guide" },
  );
  const encode = (x: Tensor) => used.pick(m1.encode(x).mean());
  return {
    kind: "m1m2",
    settings: { latent, hidden, activation, dropout, classPrior },
    m1,
    frozen,
    m2,
    active,
    features: m1.features,
    classes,
    latent,
    likelihood: m1.likelihood.name,
    parameters: m2.parameters,
    model: generative,
    guide,
    encode,
    classify: (x) => m2.classify(encode(x)),
    logJoint: (x, samples) => logJointOf({ model: generative, guide, classes }, x, samples),
    decode: (y, z2) => m1.decode(used.place(m2.decode(y, z2).mean())),
    objective: (settings) => m2.objective(settings),
  };
}
