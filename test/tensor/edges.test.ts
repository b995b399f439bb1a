/** Edges of ops, alike on both executors: powers at 0, choices, what is not a number, integers out of range. */
import { describe, expect, test } from "vitest";
import { ArrayValue, build, compile } from "../../src/compile/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  abs,
  add,
  argmax,
  cast,
  cos,
  type DType,
  div,
  elu,
  erf,
  exp,
  expand,
  expm1,
  floor,
  grad,
  greater,
  input,
  leakyRelu,
  lgamma,
  log,
  log1p,
  logSigmoid,
  logsumexp,
  max,
  min,
  mul,
  neg,
  positive,
  pow,
  prod,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  sign,
  silu,
  sin,
  slice,
  softplus,
  sqrt,
  square,
  sum,
  type Tensor,
  tanh,
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
    // Of large values float32 has seven digits too.
    if (Number.isFinite(v)) expect(Math.abs(native[i] - v)).toBeLessThan(5e-7 * Math.max(1, Math.abs(v)));
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

describe("products", () => {
  /** Π of the factors but those at the given places: each is a derivative of the product, by its definition. */
  const without = (x: readonly number[], ...left: number[]): number =>
    new Set(left).size < left.length ? 0 : x.reduce((p, v, i) => (left.includes(i) ? p : p * v), 1);

  const draws = Array.from({ length: 30 }, (_, seed) => {
    const n = 1 + (seed % 7);
    const zeros = seed % 4;
    return Array.from({ length: n }, (_, i) => ((i * 5 + seed) % n < zeros ? 0 : Math.sin(seed + 3 * i) * 3));
  });

  test("have their derivatives, of first to third order, whichever factors are 0", async () => {
    for (const x of draws) {
      const all = x.map((_, i) => i);
      const first = await at(slope(prod), x);
      const second = await at(slope(slope(prod)), x);
      const third = await at(slope(slope(slope(prod))), x);
      // Of the sum of all derivatives: Σ over the other places, in turn.
      all.forEach((i) => {
        expect(first[i]).toBeCloseTo(without(x, i), 10);
        const twice = all.map((j) => without(x, i, j));
        expect(second[i]).toBeCloseTo(
          twice.reduce((a, b) => a + b, 0),
          9,
        );
        const thrice = all.flatMap((j) => all.map((k) => without(x, i, j, k)));
        expect(third[i]).toBeCloseTo(
          thrice.reduce((a, b) => a + b, 0),
          8,
        );
      });
    }
  });

  test("over several axes, kept or not", async () => {
    const x = Array.from({ length: 24 }, (_, i) => (i % 5 === 0 ? 0 : 1 + i / 20));
    const [a, b] = await Promise.all(
      [true, false].map((keepDims) =>
        at((t) => reshape(grad(sum(prod(reshape(t, [2, 3, 4]), [0, 2], { keepDims })), [t])[0], [24]), x),
      ),
    );
    x.forEach((_, i) => {
      const row = Math.floor(i / 4) % 3;
      const others = x.filter((_, j) => Math.floor(j / 4) % 3 === row && j !== i);
      expect(a[i]).toBeCloseTo(
        others.reduce((p, v) => p * v, 1),
        10,
      );
    });
    expect(b).toEqual(a);
  });

  test("the derivative does not overflow where the product does", async () => {
    expect(await at(slope(prod), [1e200, 1e200, 1e-300])).toEqual([1e-100, 1e-100, Number.POSITIVE_INFINITY]);
  });
});

describe("log-sum-exp", () => {
  const [I, N] = [Number.POSITIVE_INFINITY, Number.NaN];
  const ends: readonly (readonly [number[], number, number[]])[] = [
    [[-I, -I], -I, [0, 0]],
    [[-I], -I, [0]],
    [[-I, 1], 1, [0, 1]],
    [[-800, -I, -800], -800 + Math.LN2, [0.5, 0, 0.5]],
    [[-1e300, -1e300], -1e300, [0.5, 0.5]],
    [[1e300, 0], 1e300, [1, 0]],
    [[N, 1], N, [N, N]],
  ];
  test.each(ends)("of %j", async (x, value, gradient) => {
    const [total] = await at((t) => expand(logsumexp(t), [x.length]), x);
    expect(total).toBe(value);
    expect(await at(slope(logsumexp), x)).toEqual(gradient);
  });

  test("is flat where no term is possible, in every order", async () => {
    for (const f of [slope(logsumexp), slope(slope(logsumexp)), slope(slope(slope(logsumexp)))])
      expect((await at(f, [-I, -I, -I])).map(Math.abs)).toEqual([0, 0, 0]);
  });

  test("keeps its rounding", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const x = Array.from({ length: 2 + (seed % 5) }, (_, i) => 30 * Math.sin(seed * 7 + i * 3));
      const top = Math.max(...x);
      const [total] = await at((t) => expand(logsumexp(t), [x.length]), x);
      const right = top + Math.log(x.reduce((s, v) => s + Math.exp(v - top), 0));
      expect(Math.abs(total - right)).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(right)));
    }
  });
});

test("the host computes the slope of logsumexp in float64 where the graph is of float32", async () => {
  const logits = stream(3, "logits");
  const values = Float64Array.from({ length: 5 }, () => 0);
  fillNormal(values, logits);
  const x = input("x", [5]);
  const slopes = [slope(logsumexp)(x), slope((t) => slope(logsumexp)(t).square())(x)];
  const program = await build(slopes, { executor: "host" });
  const out = slopes.map(() => new Float64Array(5));
  await program.bind([values], out)();
  const total = values.reduce((sofar, v) => sofar + Math.exp(v), 0);
  const p = values.map((v) => Math.exp(v) / total);
  const squares = p.reduce((sofar, v) => sofar + v * v, 0);
  p.forEach((v, i) => {
    expect(Math.abs(out[0][i] - v)).toBeLessThan(1e-15);
    expect(Math.abs(out[1][i] - 2 * v * (v - squares))).toBeLessThan(1e-15);
  });
});

describe("functions of one number, at numbers that are none, at the ends and far out", () => {
  const special = [NaN, Infinity, 0, 1, 0.5, 1e-30, 1e30, 10, 100, 1e5, 3.5].flatMap((v) => [v, -v]);
  const functions = {
    abs,
    cos,
    elu,
    erf,
    exp,
    expm1,
    floor,
    leakyRelu,
    log,
    log1p,
    logSigmoid,
    neg,
    positive,
  };
  const more = { reciprocal, relu, sigmoid, sign, silu, sin, softplus, sqrt, square, tanh };
  test.each(Object.entries({ ...functions, ...more }))("%s", async (_, f) => {
    for (const dtype of ["float32", "float64"] as const) {
      await at(f, special, dtype);
      // 0 · ∞ in a product of slopes is not the question here.
      if (f !== erf) await at(slope(f), special.filter(Number.isFinite).concat(NaN), dtype);
    }
  });

  test("what is not a number stays so through relu and its slope", async () => {
    for (const dtype of ["float32", "float64"] as const) {
      expect(await at(relu, [NaN, 2], dtype)).toEqual([NaN, 2]);
      expect(await at(slope(relu), [NaN, 2, -1], dtype)).toEqual([NaN, 1, 0]);
    }
  });
});
