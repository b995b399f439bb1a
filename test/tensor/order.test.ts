/** Order, running products, windows and eigenvalues, against values written down by hand or independent loops; both executors. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  argsort,
  cholesky,
  choleskyLogdet,
  conv1d,
  conv2d,
  cumprod,
  eigh,
  eye,
  grad,
  input,
  logdet,
  matmul,
  maxPool1d,
  maxPool2d,
  meanPool1d,
  meanPool2d,
  slice,
  solve,
  sort,
  sum,
  type Tensor,
  takeAlong,
  tensor,
  topk,
  transpose,
  vmap,
} from "../../src/tensor/index.ts";

const executors = ["host", "native"] as const;

const drawn = (site: string, shape: readonly number[]): ArrayValue => {
  const value = new ArrayValue(shape, "float64");
  fillNormal(value.data as Float64Array, stream(5, site));
  return value;
};
const numbers = (v: ArrayValue): number[] => Array.from(v.data, Number);
const wide = (values: readonly number[], shape: readonly number[] = [values.length]): ArrayValue => {
  const value = new ArrayValue(shape, "float64");
  (value.data as Float64Array).set(values);
  return value;
};

/** The values of f on both executors, which must agree to rounding. */
async function both(f: (...x: Tensor[]) => Tensor, ...feeds: ArrayValue[]): Promise<number[]> {
  const [host, native] = await Promise.all(
    executors.map(async (executor) => numbers(await compile(f, { executor, threads: 1 })(...feeds))),
  );
  expect(native).toHaveLength(host.length);
  host.forEach((v, i) => {
    if (Number.isFinite(v)) expect(Math.abs(native[i] - v)).toBeLessThan(1e-11 * Math.max(1, Math.abs(v)));
    else expect(native[i]).toBe(v);
  });
  return host;
}

describe("order", () => {
  const x = wide([2, NaN, -1, 2, Infinity, 0, NaN, -Infinity]);
  test("equal elements keep their order, and NaN is the largest", async () => {
    expect(await both((t) => argsort(t).cast("float64"), x)).toEqual([7, 2, 5, 0, 3, 4, 1, 6]);
    expect(await both((t) => argsort(t, 0, { descending: true }).cast("float64"), x)).toEqual([
      1, 6, 4, 0, 3, 5, 2, 7,
    ]);
    expect(await both((t) => sort(t), x)).toEqual([-Infinity, -1, 0, 2, 2, Infinity, NaN, NaN]);
    expect(await both((t) => topk(t, 3).values, wide([3, 1, 4, 1, 5]))).toEqual([5, 4, 3]);
    expect(await both((t) => topk(t, 3).indices.cast("float64"), wide([3, 1, 4, 1, 5]))).toEqual([4, 2, 0]);
  });
  test("along any axis, as sorting each line", async () => {
    const cube = drawn("cube", [2, 5, 3]);
    const sorted = await both((t) => sort(t, 1), cube);
    for (let a = 0; a < 2; a++)
      for (let c = 0; c < 3; c++) {
        const line = (values: readonly number[]) => [0, 1, 2, 3, 4].map((b) => values[(a * 5 + b) * 3 + c]);
        expect(line(sorted)).toEqual(line(numbers(cube)).sort((p, q) => p - q));
      }
  });
  test("the gradient goes back to where an element came from", async () => {
    const weights = tensor([1, 10, 100], { dtype: "float64" });
    const slope = await both((t) => grad(sum(sort(t).mul(weights)), [t])[0], wide([5, -1, 2]));
    expect(slope).toEqual([100, 1, 10]);
    expect(await both((t) => grad(sum(topk(t, 1).values), [t])[0], wide([5, -1, 7]))).toEqual([0, 0, 1]);
  });
  test("nothing to order, and nothing wanted", async () => {
    expect(await both((t) => sum(sort(t)).add(1), wide([], [0]))).toEqual([1]);
    expect(await both((t) => sum(topk(t, 0).values).add(1), wide([1, 2]))).toEqual([1]);
    expect(() => topk(input("x", [3]), 4)).toThrow("topk: k is 4, and axis -1 of [3] has 3 elements.");
  });
  test("over a batch", async () => {
    const rows = drawn("rows", [3, 4]);
    const one = input("row", [4], "float64");
    const lifted = await both((t) => vmap([sort(one)], new Map([[one, t]]))[0], rows);
    expect(lifted).toEqual(await both((t) => sort(t, 1), rows));
  });
});

describe("takeAlong", () => {
  const x = wide([1, 2, 3, 4, 5, 6], [2, 3]);
  const at = tensor(
    [
      [2, -3],
      [0, 1],
    ],
    { dtype: "int64" },
  );
  test("reads by row, and by column; negative places count from the end", async () => {
    expect(await both((t) => takeAlong(t, at, 1), x)).toEqual([3, 1, 4, 5]);
    const rows = tensor([[1, 0, 1]], { dtype: "int32" });
    expect(await both((t) => takeAlong(t, rows, 0), x)).toEqual([4, 2, 6]);
  });
  test("its gradient adds up where a place is read twice", async () => {
    const twice = tensor(
      [
        [0, 0],
        [2, 1],
      ],
      { dtype: "int64" },
    );
    const f = (t: Tensor) => grad(sum(takeAlong(t, twice, 1)), [t])[0];
    expect(await both(f, x)).toEqual([2, 0, 0, 0, 1, 1]);
  });
  test("a place outside its own line is refused, also where another line would have it", async () => {
    for (const place of [3, -4]) {
      const wrong = tensor([[place], [0]], { dtype: "int64" });
      for (const executor of executors)
        await expect(compile((t) => takeAlong(t, wrong, 1), { executor, threads: 1 })(x)).rejects.toThrow();
    }
  });
  test("shapes", () => {
    expect(() => takeAlong(input("x", [2, 3]), input("i", [3, 1], "int64"), 1)).toThrow(
      "takeAlong: the indices [3, 1] must have the shape of x, [2, 3], but for axis 1.",
    );
    expect(() => takeAlong(input("x", [2]), input("i", [2]), 0)).toThrow("indices must be int32 or int64");
  });
});

describe("running products", () => {
  test("forwards, from the end, without the element", async () => {
    const x = wide([2, 3, 0.5, -1]);
    expect(await both((t) => cumprod(t, 0), x)).toEqual([2, 6, 3, -3]);
    expect(await both((t) => cumprod(t, 0, { reverse: true }), x)).toEqual([-3, -1.5, -0.5, -1]);
    expect(await both((t) => cumprod(t, 0, { exclusive: true }), x)).toEqual([1, 2, 6, 3]);
    expect(await both((t) => cumprod(t, 0, { exclusive: true, reverse: true }), x)).toEqual([
      -1.5, -0.5, -1, 1,
    ]);
  });
  test("derivatives at zeros: of 2 · 0 · 3 and its beginnings", async () => {
    // Sum of x, xy, xyz at (2, 0, 3): 1 + y + yz, x + xz, xy.
    expect(await both((t) => grad(sum(cumprod(t, 0)), [t])[0], wide([2, 0, 3]))).toEqual([1, 8, 0]);
    expect(await both((t) => grad(sum(cumprod(t, 0)), [t])[0], wide([0, 0, 3]))).toEqual([1, 0, 0]);
  });
  test("an axis in the middle", async () => {
    const x = drawn("middle", [2, 3, 2]);
    const found = await both((t) => cumprod(t, 1), x);
    const values = numbers(x);
    found.forEach((v, i) => {
      const [a, b, c] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
      let product = 1;
      for (let k = 0; k <= b; k++) product *= values[a * 6 + k * 2 + c];
      expect(v).toBeCloseTo(product, 14);
    });
  });
});

describe("systems and determinants", () => {
  test("by Cramer's rule, with a zero where elimination begins", async () => {
    const a = wide([0, 2, 1, 1], [2, 2]);
    expect(await both((t) => solve(t, tensor([4, 3], { dtype: "float64" })), a)).toEqual([1, 2]);
    // |A| = −2: NaN; exchanged rows: ln 2; a singular matrix: −∞; no rows: 0.
    expect(await both((t) => logdet(t), a)).toEqual([NaN]);
    expect((await both((t) => logdet(t), wide([1, 1, 0, 2], [2, 2])))[0]).toBeCloseTo(Math.LN2, 15);
    expect(await both((t) => logdet(t), wide([1, 2, 2, 4], [2, 2]))).toEqual([-Infinity]);
    expect(await both((t) => logdet(t).add(1), wide([], [0, 0]))).toEqual([1]);
  });
  test.each([1, 2, 5, 12, 70])("A x = b and ln |A|, %i rows", async (n) => {
    const [a, b] = [drawn("a", [2, n, n]), drawn("b", [n, 2])];
    const residual = await both((s, t) => matmul(s, solve(s, t)).sub(t), a, b);
    // The condition number of such a matrix is below 10⁴.
    for (const v of residual) expect(Math.abs(v)).toBeLessThan(1e-10);
    const gram = (s: Tensor) => matmul(s, s, { transposeB: true }).add(eye(n, "float64"));
    const [plain] = [await both((s) => logdet(gram(s)).sub(choleskyLogdet(cholesky(gram(s)))), a)];
    for (const v of plain) expect(Math.abs(v)).toBeLessThan(1e-10 * n);
  });
  test("shapes", () => {
    expect(() => solve(input("a", [2, 2]), input("b", [3, 1]))).toThrow(
      "solve: a [2, 2] needs a right-hand side with 2 rows, [..., n, m] or [n], found [3, 1].",
    );
  });
});

describe("eigenvalues", () => {
  const onHost = (f: (x: Tensor) => Tensor, x: ArrayValue) =>
    compile(f, { executor: "host" })(x).then((v) => numbers(v as ArrayValue));
  test("[[2, 1], [1, 2]]: 1 and 3, with (−1, 1) and (1, 1) over √2", async () => {
    const a = wide([2, 1, 1, 2], [2, 2]);
    const values = await onHost((t) => eigh(t).values, a);
    expect(values[0]).toBeCloseTo(1, 15);
    expect(values[1]).toBeCloseTo(3, 15);
    const vectors = await onHost((t) => eigh(t).vectors, a);
    const r = Math.SQRT1_2;
    [r, r, -r, r].forEach((v, i) => {
      expect(Math.abs(vectors[i])).toBeCloseTo(Math.abs(v), 15);
    });
    expect(vectors[0] * vectors[2]).toBeCloseTo(-0.5, 15);
  });
  test.each([1, 2, 3, 8, 30])(
    "V diag(λ) Vᵀ is A and VᵀV the identity, %i rows; scales from 1e-150 to 1e150",
    async (n) => {
      for (const scale of [1e-150, 1, 1e150]) {
        const a = drawn(`eigh ${n}`, [n, n]);
        (a.data as Float64Array).forEach((v, i, all) => {
          all[i] = v * scale;
        });
        const f = (t: Tensor) => {
          const { values, vectors } = eigh(t);
          const whole = matmul(vectors.mul(values.unsqueeze(-2)), vectors, { transposeB: true });
          const symmetric = t.add(transpose(t)).mul(0.5);
          return whole
            .sub(symmetric)
            .div(scale)
            .abs()
            .max()
            .add(matmul(vectors, vectors, { transposeA: true }).sub(eye(n, "float64")).abs().max());
        };
        expect((await onHost(f, a))[0]).toBeLessThan(1e-13 * n);
        const order = await onHost((t) => eigh(t).values, a);
        expect(order).toEqual([...order].sort((p, q) => p - q));
      }
    },
  );
  test("derivatives: ln |A| by eigenvalues, also where two are equal; of vectors there they are not finite", async () => {
    const byValues = (t: Tensor) => grad(sum(eigh(t).values.log()), [t])[0];
    expect(await onHost(byValues, wide([2, 0, 0, 2], [2, 2]))).toEqual([0.5, 0, 0, 0.5]);
    const byVectors = (t: Tensor) => grad(sum(slice(eigh(t).vectors, { axis: 0, end: 1 })), [t])[0];
    const slopes = await onHost(byVectors, wide([2, 0, 0, 2], [2, 2]));
    expect(slopes.some((v) => !Number.isFinite(v))).toBe(true);
  });
  test("a matrix with NaN is NaN, and the native executor refuses", async () => {
    expect((await onHost((t) => eigh(t).values, wide([1, NaN, NaN, 1], [2, 2]))).every(Number.isNaN)).toBe(
      true,
    );
    await expect(compile((t) => eigh(t).values)(wide([1, 0, 0, 1], [2, 2]))).rejects.toThrow(
      "op 'eigh' is not available there (ONNX has no eigenvalues)",
    );
  });
});

describe("windows", () => {
  const series = wide([1, 5, 2, 4, 3], [1, 1, 5]);
  test("largest and mean of a series", async () => {
    expect(await both((t) => maxPool1d(t, 2), series)).toEqual([5, 4]);
    expect(await both((t) => meanPool1d(t, 2), series)).toEqual([3, 3]);
    expect(await both((t) => maxPool1d(t, 3, { strides: 1, padding: "same" }), series)).toEqual([
      5, 5, 5, 4, 4,
    ]);
    expect(await both((t) => meanPool1d(t, 3, { strides: 2, padding: 1 }), series)).toEqual([3, 11 / 3, 3.5]);
  });
  test("in two dimensions, against loops over windows", async () => {
    const x = drawn("image", [2, 2, 5, 6]);
    const values = numbers(x);
    const [kh, kw, sh, sw, p] = [3, 2, 2, 1, 1];
    const options = { strides: [sh, sw], padding: [p, 0] } as const;
    const [largest, means] = [
      await both((t) => maxPool2d(t, [kh, kw], options), x),
      await both((t) => meanPool2d(t, [kh, kw], options), x),
    ];
    let o = 0;
    for (let image = 0; image < 4; image++)
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 5; j++, o++) {
          const inside: number[] = [];
          for (let a = 0; a < kh; a++)
            for (let b = 0; b < kw; b++) {
              const row = i * sh + a - p;
              if (row >= 0 && row < 5) inside.push(values[(image * 5 + row) * 6 + j * sw + b]);
            }
          expect(largest[o]).toBe(Math.max(...inside));
          expect(means[o]).toBeCloseTo(inside.reduce((s, v) => s + v, 0) / inside.length, 13);
        }
    expect(o).toBe(largest.length);
  });
  test("gradients go to the largest, and to all alike for the mean", async () => {
    expect(await both((t) => grad(sum(maxPool1d(t, 2)), [t])[0], series)).toEqual([0, 1, 0, 1, 0]);
    expect(await both((t) => grad(sum(meanPool1d(t, 2)), [t])[0], series)).toEqual([0.5, 0.5, 0.5, 0.5, 0]);
  });
  test("windows that do not fit or would be empty", () => {
    expect(() => maxPool1d(input("x", [1, 1, 3]), 4)).toThrow("a window of 4 does not fit into 3 places");
    expect(() => maxPool1d(input("x", [1, 1, 3]), 2, { padding: 2 })).toThrow("a window would be empty");
    expect(() => maxPool2d(input("x", [3, 3]), 2)).toThrow("expected x [batch, channels, height, width]");
  });
  test("a convolution of series, and one of channels in groups", async () => {
    const w = tensor([[[1, 0, -1]]], { dtype: "float64" });
    expect(await both((t) => conv1d(t, w), series)).toEqual([-1, 1, -1]);
    expect(await both((t) => conv1d(t, w, { padding: "same", strides: 2 }), series)).toEqual([-5, 1, 4]);
    const [x, kernel] = [drawn("grouped", [2, 4, 3, 4]), drawn("kernel", [6, 2, 2, 2])];
    const grouped = await both((t, k) => conv2d(t, k, { groups: 2, padding: 1 }), x, kernel);
    const apart = await both(
      (t, k) => {
        const half = (v: Tensor, axis: number, i: number) => {
          const size = v.shape[axis] / 2;
          return slice(v, { axis, start: i * size, end: (i + 1) * size });
        };
        const parts = [0, 1].map((i) => conv2d(half(t, 1, i), half(k, 0, i), { padding: 1 }));
        return parts
          .reduce((a, b) => a.mul(0).add(b), parts[1])
          .mul(0)
          .add(parts[0]);
      },
      x,
      kernel,
    );
    // The first three channels are those of the first group.
    const size = 4 * 5;
    for (let n = 0; n < 2; n++)
      for (let k = 0; k < 3 * size; k++)
        expect(grouped[n * 6 * size + k]).toBeCloseTo(apart[n * 3 * size + k], 12);
    expect(() => conv2d(input("x", [1, 3, 4, 4]), input("w", [4, 1, 2, 2]), { groups: 2 })).toThrow(
      "conv2d: 2 groups must divide the channels of x",
    );
  });
});
