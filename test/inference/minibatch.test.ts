/** A scaled minibatch is not the data: sums over it are right on average, and what is no sum is refused. */
import { describe, expect, test } from "vitest";
import { Bernoulli, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { elbo } from "../../src/inference/bounds/elbo.ts";
import { importanceWeighted } from "../../src/inference/bounds/importance-weighted.ts";
import {
  annealedImportanceSampling,
  autoNormal,
  bidirectionalMonteCarlo,
  cavi,
  hmc,
  importance,
  laplace,
  map,
  nuts,
  reweightedWakeSleep,
  simulationBasedCalibration,
  svi,
} from "../../src/inference/index.ts";
import { model, type Program } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const y = Array.from({ length: 12 }, (_, i) => 2 * Math.sin(1.7 * i) + 0.5);
const batches = (rows: number) =>
  Array.from({ length: y.length / rows }, (_, b) => y.slice(b * rows, (b + 1) * rows));

const mean = (data: readonly number[]) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    plate("row", 12, () => observe("y", Normal(mu, 1), tensor(data)), { rows: data.length });
  });
const mixture = (data: readonly number[]) =>
  model(({ sample, observe, plate }) => {
    const k = sample("k", Bernoulli({ probs: 0.5 }));
    const mu = sample("mu", Normal(0, 1));
    plate("row", 12, () => observe("y", Normal(k.add(mu), 1), tensor(data)), { rows: data.length });
  });
const rows = (data: readonly number[]) =>
  model(({ sample, observe, plate }) => {
    plate(
      "row",
      12,
      () => {
        const z = sample("z", Normal(0, 1));
        observe("y", Normal(z, 1), tensor(data));
      },
      { rows: data.length },
    );
  });

const value = async (t: { value(options: { seed: number }): Promise<{ item(): number }> }) =>
  (await t.value({ seed: 0 })).item();
/** A bound of all data, and the mean of those of a partition's parts. */
const compared = async (bound: (data: readonly number[]) => Parameters<typeof value>[0], size: number) => {
  const parts = await Promise.all(batches(size).map((data) => value(bound(data))));
  return { whole: await value(bound(y)), mean: parts.reduce((a, b) => a + b) / parts.length };
};

describe("sums over rows are right on average", () => {
  const narrow = model(({ sample }) => {
    sample("mu", Normal(0.3, 1e-6));
  });
  const enumerated = model(({ sample }) => {
    sample("mu", Normal(0.3, 1e-6));
    sample("k", Bernoulli({ probs: 0.3 }));
  });
  test.each([2, 3, 4, 6])("minibatches of %d", async (size) => {
    for (const bound of [
      (data: readonly number[]) => elbo(mean(data), narrow, []).value,
      (data: readonly number[]) => elbo(mixture(data), enumerated, []).value,
      (data: readonly number[]) => importanceWeighted(mean(data), narrow, [], { particles: 1 }).value,
      (data: readonly number[]) =>
        importanceWeighted(mean(data), narrow, [], { particles: 3, alpha: 1 }).value,
    ]) {
      const { whole, mean: average } = await compared(bound, size);
      expect(average).toBeCloseTo(whole, 3);
    }
  });

  test("a weighted bound whose every site is in the plate takes minibatches", async () => {
    const [data] = batches(4);
    const program = rows(data);
    const guide = model(({ sample, plate }) => {
      plate("row", 12, () => sample("z", Normal(0, 1)), { rows: 4 });
    });
    await svi(program, guide).run([], { steps: 2, bound: "importance-weighted", particles: 3 });
  });
});

describe("what is no sum is refused", () => {
  const refused = /which only 2 of 12 rows are seen/;
  const [data] = batches(2);
  const guide = autoNormal(mean(data));

  const posteriors: Readonly<Record<string, (p: Program<[]>) => Promise<unknown>>> = {
    nuts: (p) => nuts(p).run([]),
    hmc: (p) => hmc(p).run([]),
    map: (p) => map(p).run([]),
    laplace: (p) => laplace(p).run([]),
    "annealed importance sampling": (p) => annealedImportanceSampling(p, []),
    "bidirectional Monte Carlo": (p) => bidirectionalMonteCarlo(p, []),
    "simulation-based calibration": (p) => simulationBasedCalibration(p, [], { simulations: 2 }),
    importance: (p) => importance(p, guide, [], { draws: 100 }),
    cavi: (p) => cavi(p).run([]),
  };
  test.each(Object.entries(posteriors))("a posterior of it: %s", async (_, run) => {
    await expect(run(mean(data))).rejects.toThrow(UsageError);
    await expect(run(mean(data))).rejects.toThrow(refused);
    await expect(run(mean(data))).rejects.toThrow(
      /observed site 'y' is in plate 'row'.*Open the plate without rows/,
    );
  });

  test("a finite site outside, summed out", async () => {
    const run = svi(mixture(data), guide).run([], { steps: 1 });
    await expect(run).rejects.toThrow(
      /^site 'k' is summed out, and site 'y' below it is in plate 'row', of which only 2 of 12 rows are seen: .*Give 'k' a site in the guide/,
    );
  });

  test("the weights of several draws of a site outside", async () => {
    for (const options of [
      { bound: "importance-weighted", particles: 5 },
      { bound: "renyi", alpha: 0.5, particles: 5 },
      { bound: "renyi", alpha: -1, particles: 2 },
    ] as const) {
      const run = svi(mean(data), guide).run([], { steps: 1, ...options });
      await expect(run).rejects.toThrow(
        /^site 'y' is in plate 'row', of which only 2 of 12 rows are seen, and site 'mu' outside it: /,
      );
    }
    await expect(reweightedWakeSleep(mean(data), guide).run([], { steps: 1, particles: 5 })).rejects.toThrow(
      refused,
    );
  });
});
