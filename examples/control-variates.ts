/**
 * Control variates on the toy problem that papers use to compare them: min E[(b − t)²] over θ for b ~ Bernoulli(θ). All estimators have the
 * same mean. They differ in their noise, and so in how directly the parameter moves to its optimum (Tucker et al. 2017).
 */
import { writeFileSync } from "node:fs";
import { adam, Bernoulli, model, svi, tensor } from "tightbound";
import { neuralBaseline, type SviOptions } from "tightbound/inference";
import * as nn from "tightbound/nn";
import { drawCurves } from "./support/curves.ts";
import { gradientMoments } from "./support/gradients.ts";
import { table } from "./table.ts";

/** Each way to maximise E[−(b − t)²], by its name in the table. */
export const estimators: Readonly<Record<string, () => SviOptions>> = {
  "score function": () => ({ estimators: "score", baseline: "none" }),
  "decaying average": () => ({ estimators: "score", baseline: "decaying-average" }),
  "leave-one-out": () => ({ estimators: "score", baseline: "leave-one-out", particles: 2 }),
  "neural baseline": () => ({ estimators: "score", baseline: neuralBaseline(nn.dense(1, 1), tensor([1])) }),
  REBAR: () => ({ estimators: "rebar" }),
  RELAX: () => ({ estimators: "relax" }),
  enumeration: () => ({ estimators: "enumeration" }),
};

export interface Settings {
  readonly t: number;
  /** Steps of the parameter, and steps in which the controls learn for its gradient at θ = ½. */
  readonly steps: number;
  /** Gradients at θ = ½. */
  readonly draws: number;
  readonly seed: number;
}

export interface Row {
  readonly estimator: string;
  /** Mean and variance of the gradient in the logit, at θ = ½. */
  readonly mean: number;
  readonly variance: number;
  /** θ at each step, starting at ½. */
  readonly walk: Float64Array;
}

/** The gradient of E[(b − t)²] in the logit, at θ = ½; and the variance of its score-function estimate. */
export const exact = (t: number) => ({
  gradient: (1 - 2 * t) / 4,
  variance: ((t ** 2 + (1 - t) ** 2) / 4) ** 2,
});

/** b ~ Bernoulli(θ) and its cost, (b − t)². */
export function programs(t: number) {
  const cost = model(({ sample, factor }) => {
    factor(
      "cost",
      sample("b", Bernoulli({ probs: 0.5 }))
        .sub(t)
        .square()
        .neg(),
    );
  });
  const guide = model(({ sample, param }) =>
    sample("b", Bernoulli({ logits: param("logit", [], nn.initializers.zeros) })),
  );
  return { cost, guide };
}

/** Runs each estimator from θ = ½, and measures its gradient there. */
export async function controlVariates({ t, steps, draws, seed }: Settings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [estimator, optionsOf] of Object.entries(estimators)) {
    const { cost, guide } = programs(t);
    // The cost alone, without the divergence from a prior.
    const options = { ...optionsOf(), beta: 0, seed };
    const walk = new Float64Array(steps);
    const machine = svi(cost, guide);
    await machine.run([], {
      ...options,
      steps,
      optimizer: adam({ learningRate: 0.01 }),
      feed: (step, i) => {
        walk[i] = 1 / (1 + Math.exp(-step.value("logit")[0]));
      },
    });
    // The controls learn at θ = ½, where the parameter is fixed and the gradient is known.
    const held = adam({ learningRate: 0.02, groups: [{ match: /^logit$/, learningRate: 0 }] });
    const { state } = await machine.run([], { ...options, steps, optimizer: held });
    const { mean, variance } = await gradientMoments(state.compiled, ["logit"], draws, { from: steps });
    // The bound is minus the cost.
    rows.push({ estimator, mean: -mean[0], variance: variance[0], walk });
  }
  return rows;
}

/** `npm run example -- control-variates [figure.svg]` */
export async function main([path = "control-variates.svg"]: readonly string[]): Promise<void> {
  const settings = { t: 0.45, steps: 4000, draws: 20_000, seed: 0 };
  const rows = await controlVariates(settings);
  const { gradient, variance } = exact(settings.t);
  console.log(
    table(
      ["estimator", "gradient", "variance", "fraction"],
      rows.map((row) => [
        row.estimator,
        `${row.mean.toFixed(5)} ± ${Math.sqrt(row.variance / settings.draws).toFixed(5)}`,
        row.variance.toExponential(2),
        (row.variance / variance).toPrecision(2),
      ]),
    ),
  );
  console.log(
    `\nexact: gradient ${gradient.toFixed(5)}, variance of the score function ${variance.toFixed(7)}`,
  );
  const every = Array.from({ length: 200 }, (_, i) => (i * settings.steps) / 200);
  const figure = await drawCurves({
    title: `Minimising E[(b − ${settings.t})²]`,
    xLabel: "step",
    yLabel: "θ, whose optimum is 0",
    curves: rows.map(({ estimator, walk }) => ({
      name: estimator,
      x: every,
      y: every.map((i) => walk[i]),
      ...(estimator === "enumeration" && { mark: "dashed" }),
    })),
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
