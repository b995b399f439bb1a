/** Edges of ops, alike on both executors: powers at 0, choices, what is not a number, integers out of range. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import {
  add,
  argmax,
  cast,
  type DType,
  div,
  grad,
  greater,
  lgamma,
  log,
  log1p,
  max,
  min,
  mul,
  pow,
  reciprocal,
  reshape,
  sin,
  slice,
  sqrt,
  sum,
  type Tensor,
  where,
} from "../../src/tensor/index.ts";

const executors = ["host", "native"] as const;
const numbers = (v: ArrayValue): number[] => Array.from(v.data, Number);

/** The values of f at the numbers, natively and on the host, which must agree. */
async function at(
  f: (x: Tensor) => Tensor,
  values: readonly number[],
  dtype: DType = "float64",
): Promise<number[]> {
  const feed = new ArrayValue([values.length], dtype);
  values.forEach((v, i) => {
    feed.data[i] = v;
  });
  const [host, native] = await Promise.all(
    executors.map(async (executor) => numbers(await compile(f, { executor, threads: 1 })(feed))),
  );
  expect(native).toHaveLength(host.length);
  host.forEach((v, i) => {
    if (Number.isFinite(v)) expect(native[i]).toBeCloseTo(v, 6);
    else expect(native[i]).toBe(v);
  });
  return host;
}

const slope = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad(sum(f(x)), [x])[0];

describe("powers", () => {
  test("derivatives of any order of whole powers are finite at 0", async () => {
    const points = [0, 2, -3];
    expect(
      await at(
        slope((x) => pow(x, 0)),
        points,
      ),
    ).toEqual([0, 0, 0]);
    expect(
      await at(
        slope((x) => pow(x, 2)),
        points,
      ),
    ).toEqual([0, 4, -6]);
    expect(await at(slope(slope((x) => pow(x, 2))), points)).toEqual([2, 2, 2]);
    expect(await at(slope(slope(slope((x) => pow(x, 2)))), points)).toEqual([0, 0, 0]);
    expect(await at(slope(slope((x) => pow(x, 1))), points)).toEqual([0, 0, 0]);
    expect(await at(slope(slope((x) => pow(x, 3))), points)).toEqual([0, 12, -18]);
  });

  test("in the power: 0ᵇ is flat for b > 0", async () => {
    const inPower = (x: Tensor) => {
      const b = add(mul(x, 0), 2);
      return grad(sum(pow(x, b)), [b])[0];
    };
    const [zero, two] = await at(inPower, [0, 2]);
    expect(zero).toBe(0);
    expect(two).toBeCloseTo(4 * Math.LN2, 12);
  });
});

describe("the side of a choice that is not taken has gradient 0, however infinite its own derivative", () => {
  const list: [string, (x: Tensor) => Tensor, number][] = [
    ["log x", log, 0],
    ["x log x", (x) => mul(x, log(x)), 0],
    ["√x", sqrt, 0],
    ["1 / x", reciprocal, 0],
    ["sin(1 / x)", (x) => sin(reciprocal(x)), 0],
    ["log log x", (x) => log(log(x)), 1],
    ["log(1 + x)", log1p, -1],
    ["x^½", (x) => pow(x, 0.5), 0],
    ["log Γ", lgamma, 0],
    ["x / x²", (x) => div(x, mul(x, x)), 0],
  ];
  test.each(list)("%s", async (_, f, edge) => {
    const guarded = (x: Tensor) => where(greater(x, edge), f(x), mul(x, 3));
    const points = [edge, edge - 0.5, edge + 1.5];
    const [first, below, above] = await at(slope(guarded), points);
    expect([first, below]).toEqual([3, 3]);
    expect(above).toBe((await at(slope(f), [edge + 1.5]))[0]);
    expect((await at(slope(slope(guarded)), points)).slice(0, 2)).toEqual([0, 0]);
  });

  test("as the other side", async () => {
    expect(
      await at(
        slope((x) => where(greater(x, 0), x, log(mul(x, 0)))),
        [1, 2],
      ),
    ).toEqual([1, 1]);
  });
});

describe("what is not a number is the largest and the smallest, wherever it stands", () => {
  const N = Number.NaN;
  test.each(["float32", "float64"] as const)("%s", async (dtype) => {
    for (const length of [3, 20, 33]) {
      for (const place of [0, 1, length - 1]) {
        const values = Array.from({ length }, (_, i) => (i === place ? N : Math.sin(i)));
        expect(await at(max, values, dtype)).toEqual([N]);
        expect(await at(min, values, dtype)).toEqual([N]);
        expect(await at((x) => argmax(x), values, dtype)).toEqual([place]);
        expect(await at((x) => max(reshape(x, [length, 1]), 0), values, dtype)).toEqual([N]);
        expect(await at((x) => max(reshape(x, [1, length]), 0), values, dtype)).toEqual(
          values.map((v) => (dtype === "float32" ? Math.fround(v) : v)),
        );
      }
    }
  });
  test("two of them: the first; infinities are numbers", async () => {
    expect(await at((x) => argmax(x), [1, N, 3, N])).toEqual([1]);
    expect(await at((x) => argmax(x), [1, Number.POSITIVE_INFINITY, N])).toEqual([2]);
    expect(await at(max, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])).toEqual([
      Number.NEGATIVE_INFINITY,
    ]);
  });
});

describe("floats outside the integers become the nearest, NaN 0", () => {
  const values = [1.9, -1.9, 2147483520, 3e9, -3e9, 1e20, -1e20, Number.NaN, Infinity, -Infinity, -0.5];
  test.each(["float32", "float64"] as const)("from %s", async (dtype) => {
    const [most, least] = [2147483647, -2147483648];
    expect(await at((x) => cast(x, "int32"), values, dtype)).toEqual([
      1,
      -1,
      2147483520,
      most,
      least,
      most,
      least,
      0,
      most,
      least,
      0,
    ]);
    // 2⁶³ − 1 as float64 holds it.
    const [large, small] = [2 ** 63, -(2 ** 63)];
    expect(await at((x) => cast(x, "int64"), values, dtype)).toEqual([
      1,
      -1,
      2147483520,
      3e9,
      -3e9,
      dtype === "float32" ? large : large,
      small,
      0,
      large,
      small,
      0,
    ]);
    expect(await at((x) => cast(cast(x, "int32"), "float64"), [3e9, Number.NaN], dtype)).toEqual([most, 0]);
  });
});

test("slices and rows of one array: their gradients are added up in place", async () => {
  const f = (x: Tensor) => {
    const parts = [0, 2, 1, 4].map((i) => mul(slice(x, { axis: 0, start: i, end: i + 2 }), i + 1));
    return parts.map((t) => sum(mul(t, t))).reduce((a, b) => add(a, b));
  };
  // d/dx of Σ (i + 1)² (xᵢ² + xᵢ₊₁²), i in 0, 2, 1, 4.
  const weights = [1, 1 + 4, 4 + 9, 9, 25, 25];
  const points = [1, 2, 3, 4, 5, 6];
  expect(await at(slope(f), points)).toEqual(points.map((v, i) => 2 * v * weights[i]));
});
