/** Every estimator of the registry, under every bound, at every kind of site: it has the bound's gradient, or it is refused. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { Bernoulli, type Distribution, Normal, OneHotCategorical } from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { elbo } from "../../../src/inference/bounds/elbo.ts";
import { importanceWeighted } from "../../../src/inference/bounds/importance-weighted.ts";
import { neuralBaseline } from "../../../src/inference/estimators/baselines.ts";
import { estimators } from "../../../src/inference/estimators/registry.ts";
import type { Bound, BoundOptions, Estimator } from "../../../src/inference/index.ts";
import { mlp } from "../../../src/nn/index.ts";
import { model } from "../../../src/program/index.ts";
import { arange, grad, parameter, type Tensor, tensor } from "../../../src/tensor/index.ts";

const F = "float64";
const X = 0.9;
/** Observed: x ~ Normal(z, 0.8). */
const likelihood = (z: number) => -0.5 * ((X - z) / 0.8) ** 2 - Math.log(0.8) - 0.5 * Math.log(2 * Math.PI);

/** A kind of site: what it is drawn from, and the numbers that an independent calculation of the bound needs. */
interface Site {
  readonly kind: string;
  readonly at: readonly number[];
  prior(): Distribution;
  guide(theta: Tensor): Distribution;
  /** The number that the likelihood sees. */
  read(z: Tensor): Tensor;
  /** The guide's values with their weights, log w of each (prior · likelihood / guide). */
  exact(theta: readonly number[]): readonly { readonly weight: number; readonly logWeight: number }[];
}

const softmax = (t: readonly number[]) => {
  const e = t.map(Math.exp);
  return e.map((v) => v / e.reduce((a, b) => a + b));
};
const logNormal = (x: number, m: number, s: number) =>
  -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);

const sites: readonly Site[] = [
  {
    kind: "Normal",
    at: [0.3, -0.4],
    prior: () => Normal(tensor(0, { dtype: F }), 1),
    guide: (t) => {
      const [m, s] = [0, 1].map((i) => t.slice({ axis: 0, start: i, end: i + 1 }).reshape([]));
      return Normal(m, s.exp());
    },
    read: (z) => z,
    exact([m, logS]) {
      // The trapezoid rule in z = m + s ε, which converges faster than any power of its width 0.16.
      const s = Math.exp(logS);
      return Array.from({ length: 101 }, (_, i) => {
        const e = (i - 50) * 0.16;
        const z = m + s * e;
        return {
          weight: 0.16 * Math.exp(logNormal(e, 0, 1)),
          logWeight: logNormal(z, 0, 1) + likelihood(z) - logNormal(z, m, s),
        };
      });
    },
  },
  {
    kind: "Bernoulli",
    at: [0.6],
    prior: () => Bernoulli({ probs: tensor(0.3, { dtype: F }) }),
    guide: (t) => Bernoulli({ logits: t.reshape([]) }),
    read: (z) => z,
    exact([logit]) {
      const q = 1 / (1 + Math.exp(-logit));
      return [
        { weight: 1 - q, logWeight: Math.log(0.7) + likelihood(0) - Math.log(1 - q) },
        { weight: q, logWeight: Math.log(0.3) + likelihood(1) - Math.log(q) },
      ];
    },
  },
  {
    kind: "OneHotCategorical",
    at: [0.2, -0.5, 0.4],
    prior: () => OneHotCategorical({ probs: tensor([0.5, 0.2, 0.3], { dtype: F }) }),
    guide: (t) => OneHotCategorical({ logits: t }),
    read: (z) => z.mul(arange(3, F)).sum(-1),
    exact(theta) {
      return softmax(theta).map((q, k) => ({
        weight: q,
        logWeight: Math.log([0.5, 0.2, 0.3][k]) + likelihood(k) - Math.log(q),
      }));
    },
  },
];

/** The bound, exactly: the mean of log w, or of log ½(w₁ + w₂) over pairs of draws, or its Rényi form. */
function exactBound(
  site: Site,
  { bound = "elbo", alpha = 0 }: BoundOptions,
  theta: readonly number[],
): number {
  const values = site.exact(theta);
  if (bound === "elbo") return values.reduce((sum, v) => sum + v.weight * v.logWeight, 0);
  return values.reduce(
    (sum, a) =>
      sum +
      values.reduce((inner, b) => {
        const mean = (Math.exp((1 - alpha) * a.logWeight) + Math.exp((1 - alpha) * b.logWeight)) / 2;
        return inner + (a.weight * b.weight * Math.log(mean)) / (1 - alpha);
      }, 0),
    0,
  );
}

const slope = (f: (t: readonly number[]) => number, at: readonly number[]): number[] =>
  at.map((_, i) => {
    const moved = (h: number) => f(at.map((v, j) => (i === j ? v + h : v)));
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });

const programs = (site: Site, theta: Tensor) => ({
  p: model(({ sample, observe }) => {
    const z = sample("z", site.prior());
    observe("x", Normal(site.read(z), 0.8), tensor(X, { dtype: F }));
  }),
  q: model(({ sample }) => void sample("z", site.guide(theta))),
});

const bounds: readonly (BoundOptions & { readonly called: string })[] = [
  { called: "elbo", bound: "elbo" },
  { called: "elbo of three particles", bound: "elbo", particles: 3 },
  { called: "elbo, KL in closed form", bound: "elbo", analyticKl: true },
  { called: "importance-weighted", bound: "importance-weighted", particles: 2 },
  { called: "renyi", bound: "renyi", particles: 2, alpha: 0.5 },
];

function boundOf(
  site: Site,
  theta: Tensor,
  { called: _, bound, ...options }: (typeof bounds)[number],
  estimator: Estimator,
): Bound {
  const { p, q } = programs(site, theta);
  const settings = {
    ...options,
    estimators: { z: { estimator, ...(estimator === "relax" && { network: network(site) }) } },
  };
  return bound === "elbo" ? elbo(p, q, [], settings) : importanceWeighted(p, q, [], settings);
}
// In float64, as the rest.
const network = (site: Site) =>
  mlp({ inputs: site.kind === "Bernoulli" ? 1 : 3, hidden: [4], outputs: 1, activation: "tanh" });

/** Estimators whose gradient is that of another function, as their docstrings say. */
const isBiased = (estimator: Estimator, { bound }: BoundOptions): boolean =>
  estimator === "gumbel-softmax" || (estimator === "sticking-the-landing" && bound !== "elbo");

describe.each(bounds.map((b) => [b.called, b] as const))("%s", (_, options) => {
  test.each(sites.flatMap((site) => estimators.map(({ name }) => [name, site.kind, site] as const)))(
    "%s at a %s site",
    async (estimator, _, site) => {
      const theta = parameter([site.at.length], { name: "theta", values: () => site.at }, { dtype: F });
      let found: Bound;
      try {
        found = boundOf(site, theta, options, estimator);
      } catch (error) {
        // Refused, with ways out that are open.
        if (!(error instanceof UsageError)) throw error;
        expect(error.message).toMatch(/^site 'z': /);
        const ways = [...(/Use (.*)\.$/.exec(error.message)?.[1] ?? "").matchAll(/"([a-z-]+)"/g)].map(
          ([, n]) => n,
        );
        expect(ways.length).toBeGreaterThan(0);
        for (const { name } of estimators) if (ways.includes(name)) boundOf(site, theta, options, name);
        return;
      }
      const draw = compile(() => [found.value, grad(found.surrogate, [theta])[0]], {
        executor: "host",
        seed: 11,
      });
      const n = 4000;
      const columns = site.at.map((): number[] => []);
      const values: number[] = [];
      for (let i = 0; i < n; i++) {
        const [value, g] = await draw();
        values.push(value.item());
        for (const [j, column] of columns.entries()) column.push(Number(g.data[j]));
      }
      const check = (list: readonly number[], expected: number) => {
        const mean = list.reduce((a, b) => a + b) / n;
        const error = Math.sqrt(list.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1) / n);
        // Five standard errors: a false alarm in 1.7 million, were the seed not fixed.
        expect(Math.abs(mean - expected)).toBeLessThan(5 * error + 1e-8);
      };
      if (estimator !== "gumbel-softmax") check(values, exactBound(site, options, site.at));
      if (!isBiased(estimator, options))
        for (const [j, g] of slope((t) => exactBound(site, options, t), site.at).entries())
          check(columns[j], g);
    },
  );
});

describe("what is refused", () => {
  const bit = model(({ sample }) => void sample("k", Bernoulli({ probs: 0.5 })));

  test("an estimator that does not exist, a setting that it does not take, a temperature that is none", () => {
    const asked = (settings: object) => () => elbo(bit, bit, [], { estimators: { k: settings as never } });
    expect(asked({ estimator: "reinforce" })).toThrow(
      /site 'k': there is no estimator "reinforce"; there are "pathwise", .*"score"/,
    );
    expect(asked({ estimator: "score", temperature: 0.1 })).toThrow(
      new UsageError("site 'k': \"score\" has no setting 'temperature'; it has baseline."),
    );
    expect(asked({ estimator: "enumeration", baseline: "none" })).toThrow(
      new UsageError("site 'k': \"enumeration\" has no setting 'baseline'; it has none."),
    );
    for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(asked({ estimator: "rebar", temperature })).toThrow(
        /temperature must be a positive number, found/,
      );
  });
});

describe("rooms", () => {
  const inference = join(import.meta.dirname, "..", "..", "..", "src", "inference");
  const read = (folder: string) =>
    readdirSync(join(inference, folder)).map((file) => [
      `${folder}/${file}`,
      readFileSync(join(inference, folder, file), "utf8"),
    ]);

  test("bounds know the estimators, and no estimator a bound", () => {
    const imports = read("estimators").filter(([, text]) => /from "\.\.\/bounds/.test(text));
    expect(imports.map(([path]) => path)).toEqual([]);
  });

  test("bounds and the choice for a site ask the registry, never for a name", () => {
    const names = new RegExp(estimators.map(({ name }) => `"${name}"`).join("|"));
    const code = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    const askers = [...read("bounds"), ...read("estimators").filter(([path]) => path.endsWith("/choose.ts"))];
    expect(askers.filter(([, text]) => names.test(code(text))).map(([path]) => path)).toEqual([]);
  });
});

test.each(["elbo", "importance-weighted"] as const)(
  "a network's baseline, whose weights are float32, serves a program in float64: %s",
  async (bound) => {
    const [, site] = sites;
    const theta = parameter([1], { name: "theta", values: () => site.at }, { dtype: F });
    const { p, q } = programs(site, theta);
    const options = {
      particles: 2,
      estimators: "score",
      baseline: neuralBaseline(mlp({ inputs: 1, hidden: [], outputs: 1, activation: "tanh" }), tensor([1])),
    } as const;
    const { surrogate } = bound === "elbo" ? elbo(p, q, [], options) : importanceWeighted(p, q, [], options);
    const [g] = await compile(() => grad(surrogate, [theta]), { executor: "host", seed: 1 })();
    expect(g.dtype).toBe(F);
    expect(Number.isFinite(Number(g.data[0]))).toBe(true);
  },
);
