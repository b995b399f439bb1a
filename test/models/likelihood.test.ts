import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import type { Distribution } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { checkLikelihood, type LikelihoodName } from "../../src/models/index.ts";
import { likelihood } from "../../src/models/likelihood.ts";
import { tensor } from "../../src/tensor/index.ts";

const host = { executor: "host" } as const;

describe("log densities by hand", () => {
  const outputs = tensor([[0.5, -2]]);
  const x = tensor([[0.25, 1]]);
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const bernoulli = (v: number, logit: number) =>
    v * Math.log(sigmoid(logit)) + (1 - v) * Math.log(1 - sigmoid(logit));
  // log of C(λ) λˣ (1 − λ)¹⁻ˣ, C = 2 artanh(1 − 2λ) / (1 − 2λ) (Loaiza-Ganem and Cunningham 2019).
  const normaliser = (logit: number) => {
    const lambda = sigmoid(logit);
    return Math.log((2 * Math.atanh(1 - 2 * lambda)) / (1 - 2 * lambda));
  };
  const cases: readonly (readonly [LikelihoodName, number])[] = [
    ["bernoulli-on-grey", bernoulli(0.25, 0.5) + bernoulli(1, -2)],
    ["continuous-bernoulli", bernoulli(0.25, 0.5) + bernoulli(1, -2) + normaliser(0.5) + normaliser(-2)],
    // ln σ starts at 0: −½ ((x − μ)² + ln 2π) each.
    ["gaussian", -0.5 * (0.25 ** 2 + 3 ** 2 + 2 * Math.log(2 * Math.PI))],
    ["gaussian-per-feature", -0.5 * (0.25 ** 2 + 3 ** 2 + 2 * Math.log(2 * Math.PI))],
  ];
  test.each(cases)("%s", async (name, expected) => {
    const p = likelihood(name, 2).distribution(outputs);
    expect([p.batchShape, p.eventShape]).toEqual([[1], [2]]);
    expect((await compile(() => p.logProb(x), host)()).item()).toBeCloseTo(expected, 5);
  });

  test("table: a normal for each number and a categorical for each block, in the layout's order", async () => {
    const of = (categories: readonly number[], numeric: number) =>
      likelihood("table", 3, { numeric, categories }).distribution(tensor([[0.5, -2, 1]]));
    const value = async (p: Distribution, row: readonly number[]) =>
      (await compile(() => p.logProb(tensor([row])), host)()).item();
    const normal = (z: number) => -0.5 * (z ** 2 + Math.log(2 * Math.PI));
    const category = -2 - Math.log(Math.exp(-2) + Math.exp(1));
    expect(await value(of([2], 1), [0.25, 1, 0])).toBeCloseTo(normal(0.25) + category, 5);
    expect(await value(of([2], 1), [Number.NaN, 1, 0])).toBeCloseTo(category, 5);
    expect(await value(of([], 3), [1.5, Number.NaN, 1])).toBeCloseTo(normal(1) + normal(0), 5);
    const total = Math.log(Math.exp(0.5) + Math.exp(-2) + Math.exp(1));
    expect(await value(of([3], 0), [0, 0, 1])).toBeCloseTo(1 - total, 5);
    expect(likelihood("table", 3, { numeric: 1, categories: [2] }).logScale?.shape).toEqual([1]);
    expect(likelihood("table", 3, { numeric: 0, categories: [3] }).logScale).toBeUndefined();
  });

  test("table: without a layout of its features it is refused", () => {
    const needs = "a table likelihood of 3 features needs their layout, as featureLayout gives it; found ";
    expect(() => likelihood("table", 3)).toThrow(new UsageError(`${needs}none.`));
    expect(() => likelihood("table", 3, { numeric: 2, categories: [2] })).toThrow(
      new UsageError(`${needs}one of 4.`),
    );
  });

  test("one variance for all features, or one for each", () => {
    expect(likelihood("gaussian", 5).logScale?.shape).toEqual([1]);
    expect(likelihood("gaussian-per-feature", 5).logScale?.shape).toEqual([5]);
    expect(likelihood("bernoulli", 5).logScale).toBeUndefined();
  });
});

describe("checkLikelihood", () => {
  const grey = { name: "digits", isBinary: false, range: [0, 1] } as const;
  const binary = { name: "bits", isBinary: true, range: [0, 1] } as const;
  const real = { name: "table", isBinary: false, range: [-2, 3.5] } as const;
  const gaps = { ...real, hasMissing: true } as const;

  test.each([
    ["bernoulli", "dynamic", grey],
    ["bernoulli", "fixed", grey],
    ["bernoulli", "none", binary],
    ["bernoulli-on-grey", "none", grey],
    ["continuous-bernoulli", "none", grey],
    ["gaussian", "none", real],
    ["gaussian-per-feature", "none", real],
    ["gaussian", "none", grey],
    ["table", "none", gaps],
  ] as const)("%s with binarize %s fits %o", (name, binarize, data) => {
    expect(() => checkLikelihood(name, binarize, data)).not.toThrow();
  });

  test.each([
    [
      "bernoulli",
      "none",
      grey,
      'digits: a Bernoulli likelihood on grey pixels does not bound any density. Use `binarize: "dynamic"` or `binarize: "fixed"` to ' +
        'draw binary pixels, `likelihood: "continuous-bernoulli"` for a density on [0, 1], or ask for the cross entropy by ' +
        'name with `likelihood: "bernoulli-on-grey"`.',
    ],
    [
      "continuous-bernoulli",
      "none",
      real,
      'table: a continuous-bernoulli likelihood needs values in [0, 1], found -2 to 3.5; use `likelihood: "gaussian"`, or ' +
        "scale the data to [0, 1].",
    ],
    [
      "gaussian",
      "dynamic",
      real,
      'table: values from -2 to 3.5 are not probabilities, so they cannot be binarised; use `binarize: "none"` with a ' +
        "gaussian likelihood, or scale the data to [0, 1].",
    ],
    [
      "gaussian",
      "none",
      gaps,
      'table: values are missing, which a gaussian likelihood cannot handle; use `likelihood: "table"`, or fill them in.',
    ],
    [
      "table",
      "fixed",
      real,
      'table: columns of a table cannot be binarised; use `binarize: "none"` with a table likelihood.',
    ],
  ] as const)("%s with binarize %s is refused", (name, binarize, data, message) => {
    expect(() => checkLikelihood(name, binarize, data)).toThrow(new UsageError(message));
  });
});
