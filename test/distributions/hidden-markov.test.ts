/** Hidden Markov models against sums over all courses of the states. */
import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/compile.ts";
import { Categorical, HiddenMarkov, Mixture, Normal } from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import { allocate, type DType } from "../../src/tensor/dtype.ts";
import { constant, grad, isNoise, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

const K = 3;
const initial = [0.2, 0.5, 0.3];
const rows = [
  [0.7, 0.2, 0.1],
  [0, 0.6, 0.4],
  [0.3, 0.3, 0.4],
];
const loc = [-1, 0.5, 2];
const scale = [0.5, 1, 0.8];
const sequence = [0.1, -0.7, 1.9, 2.4, 0.3, -1.2];

const chain = (length: number, dtype: DType = "float64") => {
  const t = (values: number[] | number[][]): Tensor => tensor(values, { dtype });
  return HiddenMarkov(
    Categorical({ probs: t(initial) }),
    Categorical({ probs: t(rows) }),
    Normal(t(loc), t(scale)),
    length,
  );
};

const normal = (x: number, k: number): number =>
  Math.exp(-0.5 * ((x - loc[k]) / scale[k]) ** 2) / (scale[k] * Math.sqrt(2 * Math.PI));

/** All courses of states with their joint density. */
function courses(x: readonly number[]): { states: number[]; p: number }[] {
  let all = initial.map((p, k) => ({ states: [k], p: p * normal(x[0], k) }));
  for (const seen of x.slice(1))
    all = all.flatMap(({ states, p }) =>
      rows[states[states.length - 1]].map((step, k) => ({
        states: [...states, k],
        p: p * step * normal(seen, k),
      })),
    );
  return all;
}

async function numbers(
  outputs: readonly Tensor[],
  executor: Executor = "host",
  seed = 0,
): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const out = outputs.map((t) =>
    executor === "host" ? new Float64Array(t.size) : allocate(t.dtype, t.size),
  );
  const leaves = program.leaves.map((l) => {
    const array = allocate(l.dtype, l.size) as Float64Array;
    if (isNoise(l)) fillUniform(array, stream(seed, l.attributes.site));
    return array;
  });
  await program.bind(leaves, out)();
  await program.release();
  return out.map((o) => Array.from(o, Number));
}

const seen = (length: number, dtype: DType = "float64"): Tensor =>
  tensor(sequence.slice(0, length), { dtype });

describe.each(["host", "native"] as const)("%s", (executor) => {
  test.each([1, 2, 6])("density, state probabilities and Viterbi's course, %i steps", async (length) => {
    for (const dtype of ["float64", "float32"] as const) {
      const d = chain(length, dtype);
      const x = seen(length, dtype);
      const all = courses(sequence.slice(0, length));
      const total = all.reduce((s, { p }) => s + p, 0);
      const digits = executor === "native" && dtype === "float32" ? 4 : 6;
      const [[density], probs, best] = await numbers([d.logProb(x), d.stateProbs(x), d.viterbi(x)], executor);
      expect(density).toBeCloseTo(Math.log(total), digits);
      for (let t = 0; t < length; t++)
        for (let k = 0; k < K; k++) {
          const expected = all.reduce((s, { states, p }) => s + (states[t] === k ? p : 0), 0) / total;
          expect(probs[t * K + k]).toBeCloseTo(expected, digits);
        }
      const most = all.reduce((a, b) => (b.p > a.p ? b : a));
      expect(best).toEqual(most.states);
    }
  });

  // 27 courses, 20,000 draws: each share within 5 standard errors; all of them hold in all but one of 60,000 seeds.
  test("states drawn back have their posterior", async () => {
    const length = 3;
    const draws = 20_000;
    const x = seen(length).expand([draws, length]);
    const [states] = await numbers([chain(length).sampleStates("states", x)], executor, 3);
    const all = courses(sequence.slice(0, length));
    const total = all.reduce((s, { p }) => s + p, 0);
    const counts = new Map<string, number>();
    for (let i = 0; i < draws; i++) {
      const key = states.slice(i * length, (i + 1) * length).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const { states: course, p } of all) {
      const share = p / total;
      const error = Math.sqrt((share * (1 - share)) / draws);
      expect(Math.abs((counts.get(course.join()) ?? 0) / draws - share)).toBeLessThanOrEqual(5 * error);
    }
  });
});

test("a thousand steps keep their digits in float32, and impossible states cost nothing", async () => {
  const length = 1000;
  const x = Array.from({ length }, (_, i) => 1.5 * Math.sin(i * 0.37));
  const [[wide]] = await numbers([chain(length).logProb(tensor(x, { dtype: "float64" }))]);
  const [[narrow]] = await numbers([chain(length, "float32").logProb(tensor(x))], "native");
  expect(Math.abs(narrow / wide - 1)).toBeLessThan(2e-6);
  const stuck = HiddenMarkov(
    Categorical({ probs: [1, 0] }),
    Categorical({
      probs: [
        [1, 0],
        [0, 1],
      ],
    }),
    Normal([0, 5], 1),
    3,
  );
  const loc = tensor([0, 5]);
  const value = tensor([0.3, -0.1, 0.2]);
  const [[density], probs] = await numbers([stuck.logProb(value), stuck.stateProbs(value)]);
  const expected = [0.3, -0.1, 0.2].reduce((s, v) => s - 0.5 * v * v - 0.5 * Math.log(2 * Math.PI), 0);
  expect(density).toBeCloseTo(expected, 5);
  expect(probs).toEqual([1, 0, 1, 0, 1, 0]);
  const moving = HiddenMarkov(stuck.initial, stuck.transition, Normal(loc, 1), 3);
  const [gradient] = await numbers([grad(sum(moving.logProb(value)), [loc])[0]]);
  expect(gradient[0]).toBeCloseTo(0.4, 5);
  expect(gradient[1]).toBe(0);
});

test("batches of parameters and samples", async () => {
  const many = HiddenMarkov(
    Categorical({ probs: constant([...initial, 0.6, 0.2, 0.2], [2, 3], "float64") }),
    Categorical({ probs: tensor(rows, { dtype: "float64" }) }),
    Normal(tensor(loc, { dtype: "float64" }), tensor(scale, { dtype: "float64" })),
    4,
  );
  expect([many.batchShape, many.eventShape]).toEqual([[2], [4]]);
  const x = tensor(
    [sequence.slice(0, 4), sequence.slice(2)].map((row) => [row]),
    { dtype: "float64" },
  );
  const logs = many.logProb(x);
  expect(logs.shape).toEqual([2, 2]);
  const [all, one] = await numbers([logs, chain(4).logProb(seen(4))]);
  expect(all[0]).toBeCloseTo(one[0], 10);
  expect(many.viterbi(x).shape).toEqual([2, 2, 4]);
  expect(many.stateProbs(x).shape).toEqual([2, 2, 4, 3]);
  expect(many.sampleStates("s", x).shape).toEqual([2, 2, 4]);
  expect(many.sample("x", [5]).shape).toEqual([5, 2, 4]);
});

test("a missing whole number is missing in whatever wraps its family", async () => {
  const counts = Categorical({
    logits: [
      [0, 1],
      [2, 0],
      [1, 1],
    ],
  });
  const wrapped = [
    HiddenMarkov(Categorical({ probs: initial }), Categorical({ probs: rows }), counts, 2).logProb([
      1,
      Number.NaN,
    ]),
    Mixture(Categorical({ probs: initial }), counts).logProb(Number.NaN),
    counts.toEvent(1).logProb([0, Number.NaN, 1]),
  ];
  expect(await numbers(wrapped)).toEqual([[Number.NaN], [Number.NaN], [Number.NaN]]);
  expect(await numbers(wrapped, "native")).toEqual([[Number.NaN], [Number.NaN], [Number.NaN]]);
});

test("what does not fit is refused", () => {
  const c = Categorical({ probs: initial });
  const t = Categorical({ probs: rows });
  expect(() => HiddenMarkov(c, c, Normal(loc, 1), 3)).toThrow(/3 initial states need a transition of shape/);
  expect(() => HiddenMarkov(c, t, Normal(0, 1), 3)).toThrow(ShapeError);
  expect(() => HiddenMarkov(c, t, Normal(loc, 1), 0)).toThrow(UsageError);
  expect(() => HiddenMarkov(c, t, Normal(loc, 1), 3).viterbi([1, 2])).toThrow(/expected a sequence of shape/);
});
