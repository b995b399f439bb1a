/**
 * Ranks train the model of one process: the same training in float64, without MPI. Nothing is rounded to float32, so what remains is the
 * order of float64 sums.
 */
import { expect, test } from "vitest";
import { build, type Executor, initialValues, noiseFiller } from "../../src/compile/index.ts";
import { loadMnist, minibatches, take } from "../../src/data/index.ts";
import { M2 } from "../../src/models/index.ts";
import { alone, type Ranks } from "../../src/mpi/index.ts";
import { type NamedLeaf, type Objective, togetherOf } from "../../src/optim/index.ts";
import { grad, isInput, isNoise, isParameter, type Tensor } from "../../src/tensor/index.ts";
import { type Batches, semiSupervisedBatches } from "../../src/train/index.ts";

type Floats = Float64Array | Float32Array;

interface Job {
  readonly parameters: readonly NamedLeaf[];
  /** Of the rows of `size` ranks. */
  objective(rows: number): Objective;
  readonly batch: number;
  batches(ranks: Ranks): Batches;
}

/** One rank of several: its inputs, noise and compiled gradient. */
async function rankOf(job: Job, ranks: Ranks, values: readonly Floats[], executor: Executor) {
  const leaves = job.parameters.map(({ tensor }) => tensor);
  const { loss } = job.objective(job.batch / ranks.size);
  const together = togetherOf(ranks, { loss, metrics: {} }, () => ({
    loss: job.objective(job.batch).loss,
    metrics: {},
  }));
  const program = await build(grad(loss, leaves), { executor, threads: 1 });
  const held = new Map(
    program.leaves
      .filter((leaf) => !leaves.includes(leaf))
      .map((leaf) => [leaf, new Float32Array(leaf.size)]),
  );
  const arrayOf = (leaf: Tensor): Float32Array => held.get(leaf) ?? new Float32Array();
  const inputs = new Map(
    [...held].flatMap(([leaf, array]) => (isInput(leaf) ? [[leaf.attributes.name, array] as const] : [])),
  );
  const gradients = values.map((v) => v.slice().fill(0));
  const batches = job.batches(ranks);
  const noise = noiseFiller(
    program.leaves.filter(isNoise),
    arrayOf,
    together && { axes: together.axes, rank: ranks.rank, size: ranks.size },
  );
  const run = program.bind(
    program.leaves.map((leaf) => values[leaves.indexOf(leaf)] ?? arrayOf(leaf)),
    gradients,
  );
  return async (step: number) => {
    batches.fill(step, { input: (name) => inputs.get(name) ?? new Float32Array(1) } as Parameters<
      Batches["fill"]
    >[1]);
    noise(0, step);
    await run();
    return gradients;
  };
}

/** The parameters that `size` ranks reach by Adam (Kingma and Ba 2015, algorithm 1) with clipping, and the last gradient. */
async function train(
  job: Job,
  {
    size,
    steps,
    maxNorm = 5,
    executor = "host",
  }: { size: number; steps: number; maxNorm?: number; executor?: Executor },
) {
  const Array_ = executor === "host" ? Float64Array : Float32Array;
  const values = job.parameters.map(({ name, tensor }) =>
    // Both executors start from the same numbers.
    Array_.from(Float32Array.from(isParameter(tensor) ? initialValues(tensor, name, 0) : [])),
  );
  const zeros = () => values.map((v) => new Float64Array(v.length));
  const [gradient, first, second] = [zeros(), zeros(), zeros()];
  const parts = await Promise.all(
    Array.from({ length: size }, (_, rank) => rankOf(job, { ...alone, rank, size }, values, executor)),
  );
  for (let step = 0; step < steps; step++) {
    for (const g of gradient) g.fill(0);
    for (const part of parts)
      for (const [t, own] of (await part(step)).entries())
        for (let i = 0; i < own.length; i++) gradient[t][i] += own[i] / size;
    const norm = Math.sqrt(gradient.flatMap((g) => [...g]).reduce((sum, g) => sum + g * g, 0));
    const scale = Math.min(1, maxNorm / norm);
    const [c1, c2] = [1 - 0.9 ** (step + 1), 1 - 0.999 ** (step + 1)];
    for (const [t, v] of values.entries()) {
      for (let i = 0; i < v.length; i++) {
        const g = gradient[t][i] * scale;
        first[t][i] = 0.9 * first[t][i] + 0.1 * g;
        second[t][i] = 0.999 * second[t][i] + 0.001 * g * g;
        v[i] -= (1e-3 * (first[t][i] / c1)) / (Math.sqrt(second[t][i] / c2) + 1e-8);
      }
    }
  }
  return { values, gradient };
}

/** The largest difference in each tensor, relative to the tensor's largest value. */
const farthest = (a: readonly Floats[], b: readonly Floats[]): readonly number[] =>
  a.map((values, t) => {
    let [scale, most] = [1e-3, 0];
    for (const [i, value] of values.entries()) {
      scale = Math.max(scale, Math.abs(value));
      most = Math.max(most, Math.abs(value - b[t][i]));
    }
    return most / scale;
  });

/** M2 with dropout and a learned p(y) on 784 pixels that are drawn anew at each step. */
function m2Job(): Job {
  const data = take(loadMnist("train"), 100);
  const rows = Uint32Array.from({ length: 100 }, (_, i) => i);
  const batch = 8;
  const m2 = M2({ features: 784, classes: 10, latent: 3, hidden: [16], dropout: 0.2 });
  return {
    parameters: m2.parameters,
    batch,
    objective: (count) =>
      m2.objective({
        labelled: { size: 20, rows: count },
        unlabelled: { size: 80, rows: count },
        shares: "input",
      }),
    batches(ranks) {
      const of = (site: string, subset: Uint32Array) =>
        minibatches(data, { batch, seed: 0, site, subset, ranks, binarize: "dynamic" });
      return semiSupervisedBatches({
        labelled: of("labelled/", rows.subarray(0, 20)),
        labels: data.labels ?? new Int32Array(),
        classes: 10,
        unlabelled: of("", rows.subarray(20)),
        warmup: 0,
        sharesFrom: 1,
      });
    },
  };
}

test("M2 on 784 pixels: four ranks train the model of one to rounding, after 50 steps in float64", async () => {
  const job = m2Job();
  const one = await train(job, { size: 1, steps: 50 });
  const four = await train(job, { size: 4, steps: 50 });
  // Sums in another order differ by 1e-16; Adam divides by the size of a gradient, which may be what is left of larger terms.
  expect(Math.max(...farthest(one.values, four.values))).toBeLessThan(1e-12);
});

test("M2: float32 rounds the gradient of q(y|x) more than any other, since it weighs differences between bounds", async () => {
  const job = m2Job();
  const double = await train(job, { size: 1, steps: 1 });
  const single = await train(job, { size: 1, steps: 1, executor: "native" });
  const error = farthest(double.gradient, single.gradient);
  for (const [t, { name }] of job.parameters.entries()) {
    // The bound of a row is about -540 nats, whose float32 neighbours are 6e-5 nats apart; between classes it differs by tenths of a nat.
    expect(error[t]).toBeLessThan(name.startsWith("discriminator") ? 1e-3 : 2e-6);
  }
});
