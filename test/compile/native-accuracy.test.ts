/** What the native executor must not lose: relative accuracy in tails, digits of float64, and axes of any size. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import {
  concat,
  constant,
  conv2d,
  type DType,
  div,
  erf,
  exp,
  expand,
  expm1,
  flip,
  gather,
  grad,
  log1p,
  logSigmoid,
  matmul,
  mean,
  mul,
  pad,
  prod,
  reshape,
  scatterAdd,
  sigmoid,
  silu,
  slice,
  softmax,
  softplus,
  split,
  square,
  sum,
  type Tensor,
  tanh,
  transpose,
} from "../../src/tensor/index.ts";
import { type Shape, sizeOf } from "../../src/tensor/shape.ts";

type Function = (...inputs: Tensor[]) => Tensor;
const floats = ["float32", "float64"] as const;

/** Values in (−2, 2) for an input. */
function drawn(shape: Shape, dtype: DType, name: string): ArrayValue {
  const value = new ArrayValue(shape, dtype);
  const out = new Float64Array(sizeOf(shape));
  fillUniform(out, stream(3, name));
  out.forEach((u, i) => {
    value.data[i] = Math.fround(4 * u - 2);
  });
  return value;
}

const numbers = (v: ArrayValue): number[] => Array.from(v.data, Number);

/** Native against host in float64, relative to the largest element; the native erf of float64 is within 2e-14. */
async function expectAlike(f: Function, shapes: readonly Shape[], dtype: DType): Promise<void> {
  const feeds = shapes.map((shape, i) => drawn(shape, dtype, `x${i}`));
  const host = await compile(f, { executor: "host" })(...feeds);
  const native = await compile(f, { threads: 1 })(...feeds);
  expect(native.shape).toEqual(host.shape);
  const [expected, found] = [numbers(host), numbers(native)];
  const size = Math.max(1e-300, ...expected.map(Math.abs));
  expected.forEach((v, i) => {
    expect(Math.abs(found[i] - v) / size, `element ${i}: ${found[i]}, host ${v}`).toBeLessThan(
      dtype === "float32" ? 3e-6 : 3e-14,
    );
  });
}

describe("relative accuracy over the whole range of float32, for one element and for many", () => {
  const points = [
    -87, -60, -30, -20, -18, -17, -15, -10, -3, -1, -1e-3, -1e-6, 1e-6, 1e-3, 1, 3, 10, 18, 40, 87,
  ];
  const logistic = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
  const soft = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const list: [string, (x: Tensor) => Tensor, (x: number) => number][] = [
    ["sigmoid", sigmoid, logistic],
    ["softplus", softplus, soft],
    ["logSigmoid", logSigmoid, (x) => -soft(-x)],
    ["silu", silu, (x) => x * logistic(x)],
    ["gradient of softplus", (x) => grad(sum(softplus(x)), [x])[0], logistic],
    ["gradient of sigmoid", (x) => grad(sum(sigmoid(x)), [x])[0], (x) => logistic(x) * logistic(-x)],
    ["tanh", tanh, Math.tanh],
    ["expm1", expm1, Math.expm1],
    ["log1p of exp", (x) => log1p(exp(x)), soft],
  ];
  for (const dtype of floats) {
    test.each(list)(`%s, ${dtype}`, async (name, f, right) => {
      for (const copies of [1, 40]) {
        const x = new ArrayValue([points.length * copies], dtype);
        x.data.forEach((_, i) => {
          x.data[i] = points[i % points.length];
        });
        const y = await compile(f, { threads: 1 })(x);
        x.data.forEach((v, i) => {
          const expected = right(Number(v));
          // y (1 − y) cancels where y is near 1: there the error is absolute.
          const scale = name === "gradient of sigmoid" && Number(v) > 0 ? 1 : Math.abs(expected);
          // Half a dozen roundings, and that of the exponent in exp(x).
          expect(Math.abs(Number(y.data[i]) - expected) / scale, `at ${v}: ${y.data[i]}`).toBeLessThan(
            dtype === "float32" ? 1.5e-6 : 5e-15,
          );
        });
      }
    });
  }
});

describe("a pad between transposes, which the runtime moves", () => {
  const list: [string, Function, Shape[]][] = [
    ["transposed back", (x) => transpose(pad(transpose(x), 0, 1, 2)), [[2, 3]]],
    ["of rank 3", (x) => transpose(exp(pad(transpose(x, [1, 0, 2]), 1, 1, 2)), [1, 0, 2]), [[2, 3, 4]]],
    [
      "gradient of a slice",
      (x) => grad(sum(square(slice(transpose(x), { axis: 0, start: 1, end: 2 }))), [x])[0],
      [[3, 4]],
    ],
    [
      "gradient of parts of heads",
      (x) => {
        const heads = transpose(reshape(x, [4, 2, 6]), [1, 0, 2]);
        const [, key, value] = split(heads, 3, -1);
        return grad(sum(matmul(key, value, { transposeB: true })), [x])[0];
      },
      [[4, 12]],
    ],
    [
      "gradient of every second row of a softmax",
      (x) =>
        grad(sum(square(slice(softmax(transpose(x, [0, 2, 1])), { axis: 1, start: 1, step: 2 }))), [x])[0],
      [[2, 3, 4]],
    ],
    [
      "second derivative of a padded convolution in its kernel",
      (x, w) => {
        const [first] = grad(sum(square(conv2d(x, w, { padding: 1 }))), [w]);
        return grad(sum(square(first)), [w])[0];
      },
      [
        [2, 2, 5, 5],
        [3, 2, 3, 3],
      ],
    ],
  ];
  for (const dtype of floats)
    test.each(list)(`%s, ${dtype}`, (_, f, shapes) => expectAlike(f, shapes, dtype));
});

describe("float64 stays float64 where the runtime would fuse", () => {
  const square3: Shape[] = [
    [2, 3, 3],
    [2, 3, 3],
  ];
  const list: [string, Function, Shape[]][] = [
    ["(A B) · 0.1", (a, b) => mul(matmul(a, b), 0.1), square3],
    ["A (B / 3)", (a, b) => matmul(a, div(b, 3)), square3],
    ["(A B) · 1e-60", (a, b) => mul(matmul(a, b), 1e-60), square3],
    ["(A Bᵀ) · 1e300", (a, b) => mul(matmul(a, b, { transposeB: true }), 1e300), square3],
    ["x σ(1.702 x)", (x) => mul(x, sigmoid(mul(x, 1.702))), [[3, 4]]],
    ["x (1 + erf(x / √2)) / 2", (x) => mul(mul(x, 0.5), erf(div(x, Math.SQRT2)).add(1)), [[3, 4]]],
    ["a centred and scaled row", (x) => div(x.sub(mean(x, -1, { keepDims: true })), 7), [[3, 4]]],
    [
      "softmax of a sum",
      (x, m) => softmax(x.add(m)),
      [
        [2, 3, 4, 4],
        [2, 1, 1, 4],
      ],
    ],
  ];
  test.each(list)("%s", (_, f, shapes) => expectAlike(f, shapes, "float64"));
});

describe("axes of size 0", () => {
  const list: [string, Function, Shape[]][] = [
    [
      "a product of no rows",
      (a, b) => matmul(a, b),
      [
        [0, 2],
        [2, 3],
      ],
    ],
    [
      "a product over nothing",
      (a, b) => matmul(a, b),
      [
        [2, 0],
        [0, 3],
      ],
    ],
    [
      "a transposed product over nothing",
      (a, b) => matmul(a, b, { transposeA: true }),
      [
        [0, 2],
        [0, 3],
      ],
    ],
    [
      "a batch that broadcasts",
      (a, b) => matmul(a, b, { transposeB: true }),
      [
        [4, 0, 1],
        [1, 3, 1],
      ],
    ],
    [
      "a product with a transpose",
      (x, y) => matmul(y, transpose(x, [1, 0, 2])),
      [
        [0, 4, 1],
        [4, 3, 0],
      ],
    ],
    ["a sum of no terms", (a) => sum(a, 1), [[2, 0]]],
    ["a product of no factors", (a) => prod(a, 1), [[2, 0]]],
    ["a padded nothing", (a) => pad(a, 1, 1, 1), [[2, 0]]],
    [
      "joined with something",
      (a, b) => exp(concat([a, b, a], 1)),
      [
        [2, 0],
        [2, 3],
      ],
    ],
    ["expanded", (a) => expand(a, [3, 0]), [[1, 0]]],
    ["reversed", (a) => flip(a, 0), [[3, 0]]],
    ["gathered by no index", (a) => gather(a, constant([], [0], "int32")), [[3, 2]]],
    [
      "no updates",
      (a, u) => scatterAdd(a, constant([], [0], "int64"), u),
      [
        [3, 2],
        [0, 2],
      ],
    ],
    [
      "a convolution of no channels",
      (x, w) => conv2d(x, w),
      [
        [1, 0, 4, 4],
        [2, 0, 3, 3],
      ],
    ],
    [
      "a gradient through no rows",
      (a, b) => grad(sum(matmul(a, b)), [b])[0],
      [
        [0, 2],
        [2, 3],
      ],
    ],
    ["nothing at all", (a) => softmax(a), [[0, 3]]],
    ["an input itself", (a) => a, [[0, 3]]],
  ];
  for (const dtype of floats)
    test.each(list)(`%s, ${dtype}`, (_, f, shapes) => expectAlike(f, shapes, dtype));
});
