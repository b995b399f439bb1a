import { describe, expect, test } from "vitest";
import { batchNorm, layerNorm, trainingContext } from "../../src/nn/index.ts";
import { constant, input, ones, type Tensor, tensor } from "../../src/tensor/index.ts";
import { evaluate, largestDifference } from "./evaluate.ts";

const x = tensor(
  [
    [1, 2],
    [3, -1],
    [0, 4],
    [-2, 0.5],
  ],
  { dtype: "float64" },
);
const options = { dtype: "float64" } as const;

/** The value that a pass recorded for a buffer. */
function recorded(updates: ReadonlyMap<Tensor, Tensor>, buffer: Tensor): Tensor {
  const next = updates.get(buffer);
  if (next === undefined) throw new Error("no update was recorded");
  return next;
}

describe("batchNorm against torch 1.13, x = [[1, 2], [3, −1], [0, 4], [−2, .5]]", () => {
  const norm = batchNorm(2, options);
  const context = trainingContext();
  const y = norm.apply(x, context);
  const [mean, variance] = [norm.runningMean, norm.runningVariance].map((b) => recorded(context.updates, b));

  test("bn = BatchNorm1d(2).double(); bn(x)", () => {
    const expected = [
      0.2773496714211406, 0.3378681955114161, 1.3867483571057029, -1.2838991429433815, -0.2773496714211406,
      1.4190464211479479, -1.3867483571057029, -0.4730154737159826,
    ];
    expect(largestDifference(evaluate([y])[0], expected)).toBeLessThan(1e-14);
  });

  test("bn.running_mean, bn.running_var after one step", () => {
    const [m, v] = evaluate([mean, variance]);
    expect(largestDifference(m, [0.05, 0.1375])).toBeLessThan(1e-15);
    expect(largestDifference(v, [1.3333333333333335, 1.3562500000000002])).toBeLessThan(1e-15);
  });

  test("bn.eval()(x) reads the running statistics", () => {
    const [m, v] = evaluate([mean, variance]);
    const values = new Map([
      [norm.runningMean, m],
      [norm.runningVariance, v],
    ]);
    const expected = [
      0.8227210483970699, 1.5992810995542477, 2.5547653608119543, -0.9767421480499097, -0.04330110781037211,
      3.3166299312903527, -1.775345420225256, 0.311269475752169,
    ];
    expect(largestDifference(evaluate([norm.apply(x)], values)[0], expected)).toBeLessThan(1e-14);
  });

  test("BatchNorm2d(2).double()(r(2, 2, 2, 2)), r: ((7 k) mod 11 − 5)", () => {
    const image = constant(
      Array.from({ length: 16 }, (_, k) => ((7 * k) % 11) - 5),
      [2, 2, 2, 2],
      "float64",
    );
    const layer = batchNorm(2, options);
    const pass = trainingContext();
    const expected = [
      -1.1503072404560195, 0.8017292888026802, -0.31372015648800533, 1.6383163727706944, 0,
      -1.568927874238341, 1.1766959056787558, -0.39223196855958525, -0.8714448791333481, 1.0805916501253516,
      -0.03485779516533394, -1.1503072404560195, 0.39223196855958525, -1.1766959056787558, 1.568927874238341,
      0,
    ];
    expect(largestDifference(evaluate([layer.apply(image, pass)])[0], expected)).toBeLessThan(1e-14);
    const [m, v] = evaluate([layer.runningMean, layer.runningVariance].map((b) => recorded(pass.updates, b)));
    // bn.running_mean, bn.running_var
    expect(largestDifference(m, [-0.0875, 0.1])).toBeLessThan(1e-15);
    expect(largestDifference(v, [2.3696428571428574, 1.6428571428571428])).toBeLessThan(1e-15);
  });
});

test("scale, bias and epsilon enter as (x − m) / √(v + ε) · scale + bias", () => {
  const norm = batchNorm(2, { ...options, epsilon: 0.5 });
  const values = new Map([
    [norm.scale, [2, -1]],
    [norm.bias, [10, 0]],
    [norm.runningMean, [1, 0]],
    [norm.runningVariance, [3.5, 15.5]],
  ]);
  // Feature 0: (x − 1) / 2 · 2 + 10; feature 1: −x / 4
  const expected = [10, -0.5, 12, 0.25, 9, -1, 7, -0.125];
  expect(largestDifference(evaluate([norm.apply(x)], values)[0], expected)).toBeLessThan(1e-14);
});

test("a layer applied twice in one pass updates its statistics in turn", () => {
  const norm = batchNorm(2, { ...options, momentum: 0.5 });
  const context = trainingContext();
  norm.apply(x, context);
  norm.apply(x.add(4), context);
  const [m] = evaluate([recorded(context.updates, norm.runningMean)]);
  // Batch means (0.5, 1.375) and (4.5, 5.375): 0 → (0.25, 0.6875) → the mean with the second.
  expect(m).toEqual([2.375, 3.03125]);
});

test("evaluation records nothing", () => {
  const norm = batchNorm(2, options);
  const context = { ...trainingContext(), training: false };
  norm.apply(x, context);
  expect(context.updates.size).toBe(0);
});

describe("layerNorm", () => {
  test("F.layer_norm(tensor([[1, 2, 4], [3, −1, .5]]), (3,)) of torch 1.13", () => {
    const rows = tensor(
      [
        [1, 2, 4],
        [3, -1, 0.5],
      ],
      { dtype: "float64" },
    );
    const expected = [
      -1.069041531450298, -0.2672603828625746, 1.3363019143128718, 1.313195895927627, -1.1111657580926075,
      -0.20203013783501955,
    ];
    const [y] = evaluate([layerNorm(3, options).apply(rows)]);
    expect(largestDifference(y, expected)).toBeLessThan(1e-14);
    // Over both axes at once, each example is one row.
    const [deep] = evaluate([layerNorm([3, 1], options).apply(rows.reshape([2, 3, 1]))]);
    expect(largestDifference(deep, expected)).toBeLessThan(1e-14);
  });

  test("scale and bias are each element's", () => {
    const norm = layerNorm([2], { ...options, epsilon: 0 });
    const values = new Map([
      [norm.scale, [2, 3]],
      [norm.bias, [0, 10]],
    ]);
    // (−1, 1) · scale + bias for every pair in ascending order, (1, −1) in descending
    const pairs = tensor(
      [
        [0, 4],
        [7, 5],
      ],
      { dtype: "float64" },
    );
    expect(evaluate([norm.apply(pairs)], values)).toEqual([[-2, 13, 2, 7]]);
  });
});

describe("faults", () => {
  test("shapes name the layer, the expected and the found", () => {
    expect(() => batchNorm(20).apply(input("x", [8, 400]))).toThrow(
      "batchNorm: expected [batch, 20] or [batch, 20, height, width], found [8, 400].",
    );
    expect(() => layerNorm([4, 5]).apply(input("x", [8, 5]))).toThrow(
      "layerNorm: expected last axes [4, 5], found [8, 5].",
    );
    expect(() => batchNorm(2).apply(ones([1, 2]), trainingContext())).toThrow(
      "batchNorm: training needs more than one value for each feature, found [1, 2]; use a larger batch.",
    );
    expect(() => trainingContext().update(ones([2]), ones([3]))).toThrow(
      "update of a buffer: expected [2], found [3].",
    );
  });
  test("options", () => {
    expect(() => batchNorm(2, { momentum: 2 })).toThrow(
      "batchNorm: momentum must be between 0 and 1, found 2.",
    );
    expect(() => layerNorm(2, { epsilon: -1 })).toThrow("layerNorm: epsilon must be at least 0, found -1.");
  });
});
