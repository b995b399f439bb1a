/** Finite sites that are summed out, drawn back from their posterior. */
import { expect, test } from "vitest";
import { ArrayValue } from "../../src/compile/index.ts";
import { Bernoulli, Categorical, Normal } from "../../src/distributions/index.ts";
import { nuts, predictive } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { gather, tensor } from "../../src/tensor/index.ts";

const normal = (x: number, m: number, s: number) => Math.exp(-0.5 * ((x - m) / s) ** 2) / s;
const still = model(({ sample }) => {
  sample("mu", Normal(0, 1e-6));
});
const draws = 2000;
const average = (data: ArrayLike<number | bigint>, size: number): number[] =>
  Array.from({ length: size }, (_, j) => {
    let total = 0;
    for (let i = j; i < data.length; i += size) total += Number(data[i]);
    return (total * size) / data.length;
  });
/** Four standard errors of a share: a false alarm for 1 in 16,000 comparisons. */
const near = (found: number, p: number) =>
  expect(Math.abs(found - p)).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / draws) + 1e-9);

test("one for all data: what is replicated follows it", async () => {
  const program = model(({ sample, observe, plate }) => {
    const k = sample("k", Bernoulli({ probs: 0.5 }));
    const mu = sample("mu", Normal(0, 1));
    plate("row", 8, () => observe("y", Normal(k.mul(5).add(mu), 1), tensor([5, 4, 6, 5, 5.5, 4.5, 5, 6])));
  });
  const found = await predictive(program, [], { guide: still, draws: 200 });
  expect(average(found.get("k")?.data ?? [], 1)).toEqual([1]);
  expect(found.get("k.probabilities")?.shape).toEqual([200, 2]);
  const [y] = average(found.get("y")?.data ?? [], 1);
  expect(Math.abs(y - 5)).toBeLessThan(4 / Math.sqrt(1600));
});

test("one for each row: by Bayes' rule", async () => {
  const y = [-0.3, 0.2, 1.4, 0.9, 0.5, 2.2];
  const program = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    plate("row", 6, () => {
      const k = sample("k", Bernoulli({ probs: 0.3 }));
      observe("y", Normal(k.add(mu), 0.7), tensor(y));
    });
  });
  const found = await predictive(program, [], { guide: still, draws, seed: 1 });
  const exact = y.map((v) => {
    const [zero, one] = [0.7 * normal(v, 0, 0.7), 0.3 * normal(v, 1, 0.7)];
    return one / (zero + one);
  });
  average(found.get("k")?.data ?? [], 6).forEach((share, i) => {
    near(share, exact[i]);
  });
  const probabilities = found.get("k.probabilities");
  expect(probabilities?.shape).toEqual([draws, 6, 2]);
  average(probabilities?.data ?? [], 12).forEach((p, i) => {
    expect(p).toBeCloseTo(i % 2 === 1 ? exact[(i - 1) / 2] : 1 - exact[i / 2], 4);
  });
});

test("a chain of sites under a global one: their joint posterior, by listing all paths", async () => {
  const move = [
    [0.8, 0.15, 0.05],
    [0.1, 0.6, 0.3],
    [0.3, 0.3, 0.4],
  ];
  const start = [0.5, 0.3, 0.2];
  const y = [0.2, 1.4, 1.7];
  const program = model(({ sample, observe }) => {
    const mu = sample("mu", Normal(0, 1));
    const wide = sample("wide", Bernoulli({ probs: 0.4 }));
    let state = sample("z0", Categorical({ probs: start }));
    y.forEach((v, t) => {
      if (t > 0) state = sample(`z${t}`, Categorical({ probs: gather(tensor(move), state, 0) }));
      observe(`y${t}`, Normal(state.cast("float32").add(mu), wide.add(0.5)), v);
    });
  });
  const found = await predictive(program, [], { guide: still, draws, seed: 2 });
  const weights = new Map<string, number>();
  for (const w of [0, 1])
    for (const a of [0, 1, 2])
      for (const b of [0, 1, 2])
        for (const c of [0, 1, 2]) {
          const prior = (w === 1 ? 0.4 : 0.6) * start[a] * move[a][b] * move[b][c];
          const likelihood = [a, b, c].reduce((p, z, t) => p * normal(y[t], z, 0.5 + w), 1);
          weights.set([w, a, b, c].join(), prior * likelihood);
        }
  const total = [...weights.values()].reduce((p, q) => p + q);
  const counts = new Map<string, number>();
  const of = (name: string, i: number) => Number(found.get(name)?.data[i]);
  for (let i = 0; i < draws; i++) {
    const key = ["wide", "z0", "z1", "z2"].map((name) => of(name, i)).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, weight] of weights) near((counts.get(key) ?? 0) / draws, weight / total);
});

test("after chains: each draw of theirs is answered for", async () => {
  const y = [-2.1, -1.7, 2.2, 1.9, -2.4, 2.0];
  const program = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(2, 0.5));
    plate("row", 6, () => {
      const k = sample("k", Bernoulli({ probs: 0.5 }));
      observe("y", Normal(k.mul(2).sub(1).mul(mu), 0.5), tensor(y));
    });
  });
  const run = await nuts(program).run([], { chains: 2, warmUp: 200, draws: 200, seed: 0 });
  const found = await predictive(program, [], { posterior: run.values, draws: 100 });
  expect([...found].map(([name, v]) => [name, v.shape])).toEqual([
    ["mu", [100]],
    ["k", [100, 6]],
    ["y", [100, 6]],
    ["k.probabilities", [100, 6, 2]],
  ]);
  expect(average(found.get("k")?.data ?? [], 6)).toEqual(y.map((v) => Number(v > 0)));
  // Every fourth of 400 draws, as they came.
  const mu = found.get("mu")?.data ?? [];
  for (let i = 0; i < 100; i++)
    expect(Number(mu[i])).toBeCloseTo(Number(run.values.get("mu")?.data[4 * i]), 5);
  // By Bayes' rule at the first of them.
  const [zero, one] = [normal(y[0], -Number(mu[0]), 0.5), normal(y[0], Number(mu[0]), 0.5)];
  expect(Number(found.get("k.probabilities")?.data[1])).toBeCloseTo(one / (zero + one), 5);
});

test("a posterior that is not of the program, or of two kinds, is refused", async () => {
  const program = model(({ sample, observe }) => {
    const mu = sample("mu", Normal(0, 1));
    observe("y", Normal(mu, 1), 1);
  });
  await expect(predictive(program, [], { posterior: new Map(), draws: 5 })).rejects.toThrow(
    /predictive: posterior has no values of site 'mu'/,
  );
  const posterior = new Map([["mu", new ArrayValue([2, 5, 3], "float64")]]);
  await expect(predictive(program, [], { posterior, guide: still, draws: 5 })).rejects.toThrow(
    /guide or posterior/,
  );
});
