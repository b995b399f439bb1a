/**
 * Gradients through discrete variables: a sigmoid belief network with 200 binary units on binarised MNIST, trained for the same
 * number of steps with each control variate of the score function. For each, the table gives the bound on test images, the cost of a
 * step, and the noise of the guide's gradient: at the end of its own training, and at one point that is the same for all.
 */
import {
  ArrayValue,
  adam,
  binarize,
  compile,
  type Dataset,
  elbo,
  input,
  loadData,
  rowsOf,
  sgd,
  svi,
  type Tensor,
  take,
} from "tightbound";
import { minibatches } from "tightbound/data";
import { importanceWeighted, neuralBaseline, type SviOptions, type SviResult } from "tightbound/inference";
import { BeliefNetwork } from "tightbound/models";
import * as nn from "tightbound/nn";
import { gradientMoments } from "./support/gradients.ts";
import { table } from "./table.ts";

export const estimators = [
  "no baseline",
  "decaying average",
  "leave-one-out",
  "NVIL",
  "VIMCO",
  "REBAR",
  "RELAX",
] as const;
export type EstimatorName = (typeof estimators)[number];

export interface Settings {
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
  /** Number of draws: inside the logarithm for VIMCO, averaged for leave-one-out. The others use one. */
  readonly particles: number;
  readonly estimators: readonly EstimatorName[];
  /** Number of gradients for estimating a variance. */
  readonly draws: number;
  /** Number of rows of the data that are used. */
  readonly train: number;
  readonly test: number;
  readonly seed: number;
}

export interface Row {
  readonly estimator: EstimatorName;
  /** Mean over test images, nats: with one draw, and with 50 draws inside the logarithm. */
  readonly elbo: number;
  readonly importanceWeighted: number;
  readonly millisecondsPerStep: number;
  /** Mean variance of a component of the guide's gradient (of the bound, per image), at the end of its own training. */
  readonly variance: number;
  /** The same, at the end of the first estimator's training. */
  readonly varianceAtOnePoint: number;
}

/** The options that select each estimator. */
const optionsOf = (name: EstimatorName, x: Tensor, { particles }: Settings): SviOptions => {
  const score = { estimators: "score" } as const;
  switch (name) {
    case "no baseline":
      return { ...score, baseline: "none" };
    case "decaying average":
      return { ...score, baseline: "decaying-average" };
    case "leave-one-out":
      return { ...score, baseline: "leave-one-out", particles };
    case "NVIL": {
      const network = nn.mlp({ inputs: x.shape[1], hidden: [100], outputs: 1, activation: "tanh" });
      return { ...score, baseline: neuralBaseline(network, x) };
    }
    case "VIMCO":
      return { bound: "importance-weighted", particles };
    case "REBAR":
      return { estimators: "rebar" };
    case "RELAX":
      return { estimators: "relax" };
  }
};

/** Mean of each pixel. */
function meanOf({ x, rows, scale }: Dataset, features: number): Float64Array {
  const mean = new Float64Array(features);
  for (let i = 0; i < rows * features; i++) mean[i % features] += (x[i] * scale) / rows;
  return mean;
}

/** Trains the network with each estimator and measures the results. */
export async function beliefNetwork(
  settings: Settings,
  log: (line: string) => void = () => undefined,
): Promise<Row[]> {
  const { steps, batch, units, seed } = settings;
  const data = await loadData("mnist");
  const train = take(data.train, settings.train);
  const test = binarize(take(data.test, settings.test), seed);
  const features = 784;
  const digits = () => minibatches(train, { batch, seed, binarize: "dynamic" });
  const x = input("x", [batch, features]);
  // One network for all: every run starts from the same parameters, which depend only on its seed.
  const network = BeliefNetwork({ features, units: [units], mean: meanOf(train, features) });
  const machine = svi(network.model, network.guide);

  const results: { name: EstimatorName; fit: SviResult; milliseconds: number }[] = [];
  for (const name of settings.estimators) {
    const batches = digits();
    const marks: number[] = [];
    const fit = await machine.run([x], {
      ...optionsOf(name, x, settings),
      steps,
      seed,
      executor: "native",
      scale: 1 / batch,
      optimizer: adam({ learningRate: 1e-3 }),
      feed: (step, i) => batches.fill(i, step.input("x")),
      onStep: () => marks.push(performance.now()),
    });
    const milliseconds = (marks[marks.length - 1] - marks[0]) / Math.max(1, steps - 1);
    log(`${name}: ${steps} steps, ${milliseconds.toFixed(1)} ms each`);
    results.push({ name, fit, milliseconds });
  }

  /** Mean variance over the components of the guide's gradient, on one minibatch. */
  const variance = async (name: EstimatorName, own: SviResult, at: SviResult): Promise<number> => {
    const still = await machine.init([x], {
      ...optionsOf(name, x, settings),
      seed: seed + 1,
      executor: "native",
      scale: 1 / batch,
      optimizer: sgd({ learningRate: 0 }),
    });
    const { compiled } = still;
    const known = new Map(own.state.compiled.arena.state().map((t) => [t.name, t]));
    for (const t of at.state.compiled.arena.state()) if (at.values.has(t.name)) known.set(t.name, t);
    for (const { name: path } of compiled.arena.tensors) {
      const value = known.get(path);
      if (value !== undefined) compiled.arena.parameter(path).set(value.data);
    }
    compiled.loadBuffers(own.state.compiled.buffers());
    digits().fill(0, compiled.input("x"));
    const names = network.guide.parameters().map((p) => p.name);
    return (await gradientMoments(compiled, names, settings.draws)).meanVariance;
  };

  const rows: Row[] = [];
  for (const { name, fit, milliseconds } of results) {
    const held = await evaluate(fit);
    rows.push({
      estimator: name,
      ...held,
      millisecondsPerStep: milliseconds,
      variance: await variance(name, fit, fit),
      varianceAtOnePoint: await variance(name, fit, results[0].fit),
    });
    log(`${name}: test bound ${held.elbo.toFixed(2)}`);
  }
  return rows;

  async function evaluate({ parameters }: SviResult) {
    const size = Math.min(100, test.rows);
    const bounds = compile(
      (rows: Tensor) => ({
        one: elbo(network.model, network.guide, [rows], { estimators: "score" }).value,
        many: importanceWeighted(network.model, network.guide, [rows], { particles: 50, stream: "many/" })
          .value,
      }),
      { parameters, seed },
    );
    const pixels = new ArrayValue([size, features], "float32");
    let [one, many] = [0, 0];
    const chunks = Math.floor(test.rows / size);
    for (let c = 0; c < chunks; c++) {
      rowsOf(
        test,
        Array.from({ length: size }, (_, i) => c * size + i),
        pixels.data as Float32Array,
      );
      const out = await bounds(pixels);
      one += out.one.item() / (chunks * size);
      many += out.many.item() / (chunks * size);
    }
    return { elbo: one, importanceWeighted: many };
  }
}

export const columns = [
  "estimator",
  "ELBO, test",
  "50 samples",
  "ms a step",
  "gradient variance",
  "at one point",
] as const;

export const asTable = (rows: readonly Row[]): string =>
  table(
    columns,
    rows.map((r) => [
      r.estimator,
      r.elbo.toFixed(2),
      r.importanceWeighted.toFixed(2),
      r.millisecondsPerStep.toFixed(1),
      r.variance.toExponential(2),
      r.varianceAtOnePoint.toExponential(2),
    ]),
  );

/** `npm run example -- belief-network [steps]` */
export async function main([steps = "10000"]: readonly string[]): Promise<void> {
  const rows = await beliefNetwork(
    {
      steps: Number(steps),
      batch: 100,
      units: 200,
      particles: 10,
      estimators: ["NVIL", "decaying average", "leave-one-out", "VIMCO", "REBAR", "RELAX"],
      draws: 100,
      train: 50_000,
      test: 2000,
      seed: 0,
    },
    console.log,
  );
  console.log(`\n${asTable(rows)}`);
}
