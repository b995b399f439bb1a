import { expect, test } from "vitest";
import { topological } from "../../src/compile/graph.ts";
import { compile } from "../../src/compile/index.ts";
import { dropout, trainingContext } from "../../src/nn/index.ts";
import { grad, input, ones, sum } from "../../src/tensor/index.ts";
import { isNoise } from "../../src/tensor/leaf.ts";

test("identity in evaluation and at rate 0: the very same tensor", () => {
  const x = input("x", [3]);
  expect(dropout(0.5, { site: "d" }).apply(x)).toBe(x);
  expect(dropout(0, { site: "d" }).apply(x, trainingContext())).toBe(x);
});

test("draws under its site", () => {
  const y = dropout(0.5, { site: "encoder/drop" }).apply(input("x", [3, 2]), trainingContext());
  const noises = topological([y]).filter(isNoise);
  expect(noises.map((t) => [t.attributes.site, t.attributes.kind, ...t.shape])).toEqual([
    ["encoder/drop", "uniform", 3, 2],
  ]);
});

test("in training, elements are 0 or x / (1 − rate), in a share that keeps the mean", async () => {
  const rate = 0.3;
  const n = 20000;
  const layer = dropout(rate, { site: "d" });
  const y = Array.from((await layer.apply(ones([n]), trainingContext()).value({ seed: 1 })).data, Number);
  const kept = y.filter((v) => v !== 0);
  expect(new Set(kept)).toEqual(new Set([Math.fround(1 / (1 - rate))]));
  // Of n Bernoulli(0.7) / 0.7: standard error √(0.3 / 0.7 / n) = 0.0046. Five of them: a false alarm once in 1.7 million.
  const mean = y.reduce((a, b) => a + b, 0) / n;
  expect(Math.abs(mean - 1)).toBeLessThan(5 * Math.sqrt(rate / (1 - rate) / n));
});

test("each call drops others, and the gradient goes where the value went", async () => {
  const layer = dropout(0.5, { site: "d" });
  const f = compile(
    (x) => {
      const y = layer.apply(x, trainingContext());
      return [y, ...grad(sum(y), [x])];
    },
    { executor: "host" },
  );
  const feed = Float32Array.from({ length: 64 }, () => 1);
  const [y, g] = await f(feed);
  expect(g.toArray()).toEqual(y.toArray());
  const [again] = await f(feed);
  // Equal by chance once in 2^64.
  expect(again.toArray()).not.toEqual(y.toArray());
});

test("arguments that cannot be", () => {
  expect(() => dropout(1, { site: "d" })).toThrow(
    "dropout: the rate must be at least 0 and below 1, found 1.",
  );
  expect(() => dropout(0.1, { site: "" })).toThrow(
    'dropout: expected a name for its noise, as in { site: "encoder/dropout" }.',
  );
});
