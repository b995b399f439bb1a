/** Where naive formulas overflow, round to the edge of a set or divide by zero. */
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { type Transform, transforms } from "../../../src/distributions/index.ts";
import { grad, type Nested, sum, type Tensor, tensor } from "../../../src/tensor/index.ts";
import { arrayOf, type Float } from "./cases.ts";

type Row = Readonly<Record<"value" | "logDet" | "gradient" | "back", number[]>>;

/** Value, log determinant, inverse of the value, and the gradient of value and log determinant together. */
async function at(t: Transform, x: Nested, dtype: Float): Promise<Row> {
  const run = compile(
    (v: Tensor) => {
      const { value, logDet } = t.forwardAndLogDet(v);
      const gradient = grad(sum(value).add(sum(logDet)), [v])[0];
      return { value, logDet, gradient, back: t.hasInverse ? t.inverse(value) : v };
    },
    dtype === "float64" ? { executor: "host" } : { executor: "native", threads: 1 },
  );
  const found = await run(arrayOf(x, dtype));
  const list = (key: keyof Row) => Array.from(found[key].data, Number);
  return { value: list("value"), logDet: list("logDet"), gradient: list("gradient"), back: list("back") };
}

async function inverse(t: Transform, y: Nested, dtype: Float): Promise<number[]> {
  const run = compile(
    (v: Tensor) => t.inverse(v),
    dtype === "float64" ? { executor: "host" } : { threads: 1 },
  );
  return Array.from((await run(arrayOf(y, dtype))).data, Number);
}

const closeTo = (found: readonly number[], expected: readonly number[], relative: number): void => {
  expect(found).toHaveLength(expected.length);
  found.forEach((f, i) => {
    expect(Math.abs(f - expected[i]), `${f} against ${expected[i]}`).toBeLessThanOrEqual(
      relative * Math.max(Math.abs(expected[i]), Number.MIN_VALUE),
    );
  });
};

const finite = (row: Row): void => {
  for (const [k, values] of Object.entries(row)) expect(values.every(Number.isFinite), k).toBe(true);
};

// Roundings of a handful of operations in each dtype.
const DTYPES: readonly (readonly [Float, number])[] = [
  ["float64", 1e-14],
  ["float32", 1e-6],
];

describe.each(DTYPES)("%s", (dtype, tolerance) => {
  test("softplus keeps its tail below 0, and does not overflow above", async () => {
    const row = await at(transforms.softplus, [-80, -20, 0, 20, 500], dtype);
    finite(row);
    // ln(1 + e^x) = e^x (1 − e^x / 2 + …) below; x + e^−x above.
    const expected = [
      Math.exp(-80),
      Math.exp(-20) * (1 - Math.exp(-20) / 2),
      Math.LN2,
      20 + Math.exp(-20),
      500,
    ];
    closeTo(row.value, expected, 4 * tolerance);
    closeTo(row.back.slice(0, 2).concat(row.back.slice(3)), [-80, -20, 20, 500], 4 * tolerance);
    // d/dx [softplus + ln σ] at 0 = 1/2 + 1/2.
    closeTo([row.gradient[2]], [1], tolerance);
  });

  test("the inverse of softplus near 0 is the logarithm", async () => {
    const small = dtype === "float64" ? 1e-300 : 2 ** -100;
    // ln(e^y − 1) = ln y + y/2 + …
    closeTo(
      await inverse(transforms.softplus, [small, 1e-6], dtype),
      [Math.log(small), Math.log(1e-6) + 5e-7],
      tolerance,
    );
  });

  test("sigmoid knows where a value came from that rounds to 1, and its log determinant exactly", async () => {
    const row = await at(transforms.sigmoid, [-40, 40, -500, 500], dtype);
    finite(row);
    for (const y of row.value) expect(y >= 0 && y <= 1).toBe(true);
    expect(row.back).toEqual([-40, 40, -500, 500]);
    // ln σ'(±x) = −x − 2 ln(1 + e^−x), e^−40 = 4e-18.
    closeTo(row.logDet, [-40, -40, -500, -500], tolerance);
    closeTo([row.value[0]], [Math.exp(-40)], 4 * tolerance);
  });

  test("tanh knows where a value came from that rounds to ±1, and its log determinant exactly", async () => {
    const row = await at(transforms.tanh, [-40, 40, 500], dtype);
    finite(row);
    for (const y of row.value) expect(Math.abs(y)).toBeLessThanOrEqual(1);
    expect(row.back).toEqual([-40, 40, 500]);
    // ln sech² x = 2 (ln 2 − |x|) − 2 ln(1 + e^−2|x|).
    closeTo(row.logDet, [2 * Math.LN2 - 80, 2 * Math.LN2 - 80, 2 * Math.LN2 - 1000], tolerance);
  });

  test("an interval far from 0 keeps its log determinant", async () => {
    const row = await at(transforms.interval(0, 2), [-40, 40], dtype);
    finite({ ...row, back: [] });
    closeTo(row.logDet, [Math.LN2 - 40, Math.LN2 - 40], tolerance);
  });

  test("stick breaking: the parts sum to 1, and the smallest keep their logarithms", async () => {
    const rows = [
      [200, 0, -5],
      [-200, 200, 3],
      [-40, -40, -40],
      [0, 0, 600],
    ];
    const row = await at(transforms.stickBreaking, rows, dtype);
    finite(row);
    rows.forEach((_, i) => {
      const y = row.value.slice(4 * i, 4 * i + 4);
      expect(y.every((v) => v >= 0)).toBe(true);
      closeTo([y.reduce((a, b) => a + b, 0)], [1], tolerance);
    });
  });

  test("lowerCholesky: a large number off the diagonal reaches no exponential", async () => {
    const row = await at(transforms.lowerCholesky(), [[0, 1e4, 1]], dtype);
    finite(row);
    closeTo(row.value, [1, 0, 1e4, Math.E], tolerance);
    closeTo(row.logDet, [1], tolerance);
  });

  test("planar: hostile parameters leave the determinant above 0", async () => {
    const run = compile(
      (v: Tensor, u: Tensor, w: Tensor, b: Tensor) => {
        const { value, logDet } = transforms.planar({ u, w, b }).forwardAndLogDet(v);
        return { value, logDet, gradient: grad(sum(logDet), [v])[0] };
      },
      dtype === "float64" ? { executor: "host" } : { threads: 1 },
    );
    const points = [
      [0.5, 1],
      [-3, 0],
      [0.01, 0],
    ];
    const found = await run(...[points, [-30, 0], [1, 0], 0].map((v) => arrayOf(v, dtype)));
    // wᵀu = −30: |J| = tanh² + sech² ln(1 + e^−30), e^−30 = 9e-14.
    const exact = [0.5, -3, 0.01].map((x) => Math.log(Math.tanh(x) ** 2 + 9.4e-14 / Math.cosh(x) ** 2));
    // The logarithm of a number that float32 rounds by 6e-8, relative to numbers that are no smaller.
    exact.forEach((l, i) => {
      const error = Math.abs((found.logDet.data[i] as number) - l);
      expect(error).toBeLessThan(1e-6 * Math.max(1, Math.abs(l)));
    });
    expect(Array.from(found.gradient.data, Number).every(Number.isFinite)).toBe(true);
  });

  test("a spline is the identity outside its bound, and joins it smoothly", async () => {
    const t = transforms.rationalQuadraticSpline({
      widths: tensor([1, -2, 3], { dtype }),
      heights: tensor([-1, 0, 2], { dtype }),
      derivatives: tensor([4, -6], { dtype }),
    });
    const row = await at(t, [-1e6, -3, 3, 1e6, 2.9999, 2.999999], dtype);
    finite(row);
    closeTo(row.value.slice(0, 4), [-1e6, -3, 3, 1e6], tolerance);
    closeTo(
      row.logDet.slice(0, 4).map((l) => l + 1),
      [1, 1, 1, 1],
      10 * tolerance,
    );
    // The slope at the end is 1 and its own slope is below 100 for these parameters.
    expect(Math.abs(row.logDet[4])).toBeLessThan(1e-2);
  });
});
