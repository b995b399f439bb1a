import { describe, expect, test } from "vitest";
import { NonFiniteError, UsageError } from "../../src/errors.ts";
import { Arena, checkFinite, clipGlobalNorm, findNonFinite, globalNorm, sgd } from "../../src/optim/index.ts";

const arena = () =>
  Arena.allocate(
    [
      { name: "a", shape: [3] },
      { name: "frozen", shape: [2] },
      { name: "b", shape: [1] },
    ],
    sgd({ learningRate: 1, groups: [{ match: /^frozen$/, frozen: true }] }),
  );

describe("clipping", () => {
  test("as in PyTorch, without the frozen", () => {
    const it = arena();
    it.gradient("a").set([3, 4, 0]);
    it.gradient("b").set([12]);
    it.gradient("frozen").set([1e6, Number.NaN]);
    expect(globalNorm(it)).toBe(13);
    const { norm, scale } = clipGlobalNorm(it, { maxNorm: 2, step: 0 });
    expect(norm).toBe(13);
    it.update({ step: 0, gradientScale: scale });
    // torch 1.13: clip_grad_norm_([tensor with grad (3, 4, 0, 12)], 2.0) → 13, grads 0.4615, 0.6154, 0, 1.8462.
    const moved = [...it.parameter("a"), ...it.parameter("b")];
    for (const [i, expected] of [-0.4615, -0.6154, 0, -1.8462].entries())
      expect(moved[i]).toBeCloseTo(expected, 4);
    expect([...it.parameter("frozen")]).toEqual([0, 0]);
  });

  test("a gradient within the bound is left alone", () => {
    const it = arena();
    it.gradient("a").set([3, 4, 0]);
    expect(clipGlobalNorm(it, { maxNorm: 5, step: 0 })).toEqual({ norm: 5, scale: 1 });
    expect(clipGlobalNorm(arena(), { maxNorm: 5, step: 0 })).toEqual({ norm: 0, scale: 1 });
  });

  test("mistakes and broken gradients are named", () => {
    const it = arena();
    expect(() => clipGlobalNorm(it, { maxNorm: 0, step: 0 })).toThrow(
      new UsageError("clipGlobalNorm: expected maxNorm to be positive, found 0"),
    );
    it.gradient("b").set([Number.NEGATIVE_INFINITY]);
    expect(() => clipGlobalNorm(it, { maxNorm: 1, step: 17 })).toThrow(
      new NonFiniteError(
        'step 17: expected a finite gradient of parameter "b", found -Infinity at element 0; try a lower learning ' +
          "rate or gradient clipping",
      ),
    );
  });
});

test("findNonFinite looks at gradients, then values, in the order of declaration", () => {
  const it = arena();
  expect(findNonFinite(it)).toBeUndefined();
  expect(() => checkFinite(it, 0)).not.toThrow();
  it.parameter("frozen")[1] = Number.POSITIVE_INFINITY;
  expect(findNonFinite(it)).toEqual({
    parameter: "frozen",
    kind: "value",
    index: 1,
    value: Number.POSITIVE_INFINITY,
  });
  it.parameter("a")[2] = Number.NaN;
  expect(findNonFinite(it)).toMatchObject({ parameter: "a", kind: "value", index: 2 });
  it.gradient("b")[0] = Number.NaN;
  expect(findNonFinite(it)).toMatchObject({ parameter: "b", kind: "gradient", index: 0 });
});
