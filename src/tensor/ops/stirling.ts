/** The remainder of Stirling's formula and ln(1 + x) − x: numeric functions on the host, elementary operations natively. */
import { ShapeError } from "../../errors.ts";
import { grad } from "../grad.ts";
import { full, operands, type TensorLike } from "../leaf.ts";
import { defineOp, type NoAttributes, rebuild } from "../op.ts";
import {
  artanhSeries,
  log1pMinus as log1pMinusOf,
  stirlingRemainder as stirlingRemainderOf,
  stirlingSeries,
} from "../special/index.ts";
import type { Tensor } from "../tensor.ts";
import { abs, add, div, mul, neg, square, sub } from "./arithmetic.ts";
import { less } from "./comparison.ts";
import { checkDType, type Unary } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { log, log1p } from "./transcendental.ts";
import { where } from "./where.ts";

type OrderAttributes = { readonly order: number };

const polynomial = (x: Tensor, coefficients: readonly number[]): Tensor => {
  const [highest = 0, ...rest] = [...coefficients].reverse();
  return rest.reduce((t, c) => add(mul(t, x), c), full([], highest, x.dtype));
};

/** Σ B₂ₖ/(2k (2k − 1)) x^(1 − 2k). */
function tail(x: Tensor, terms: number): Tensor {
  const q = div(1, x);
  return mul(q, polynomial(square(q), stirlingSeries.slice(0, terms)));
}

/** Σ s²ʲ/(2j + 1) with s = 1/(2x + 1): δ(x) − δ(x + 1) for x ≥ 1. */
function step(x: Tensor, terms: number): Tensor {
  const s2 = square(div(1, add(mul(x, 2), 1)));
  return mul(s2, polynomial(s2, artanhSeries.slice(0, terms)));
}

/**
 * δ(x) in float32: four terms of the series from x = 3 on; below that, three steps of the recurrence, whose terms have one sign. Relative
 * error below 1e-6.
 */
function single(x: Tensor): Tensor {
  const small = less(x, 3);
  const y = where(small, x, 1);
  const below = less(y, 1);
  const tiny = where(below, y, 0.5);
  const direct = sub(mul(add(tiny, 0.5), sub(log1p(tiny), log(tiny))), 1);
  const first = where(below, direct, step(where(below, 1, y), 6));
  const steps = add(first, add(step(add(y, 1), 6), step(add(y, 2), 4)));
  return add(tail(where(small, add(y, 3), x), 4), where(small, steps, 0));
}

/**
 * δ(x) in float64: eight terms of the series from x = 8 on; below that, the recurrence up to 8. Its absolute error is a few 1e-15, and
 * δ(8) is 0.01.
 */
function double(x: Tensor): Tensor {
  const small = less(x, 8);
  const y = where(small, x, 1);
  const product = Array.from({ length: 7 }, (_, j) => add(y, j + 1)).reduce((a, b) => mul(a, b));
  const above = mul(add(y, 7.5), log(add(y, 8)));
  const steps = sub(sub(sub(above, 8), mul(add(y, 0.5), log(y))), log(product));
  return add(tail(where(small, add(y, 8), x), 9), where(small, steps, 0));
}

function remainder(order: number, x: Tensor): Tensor {
  let y = x.dtype === "float64" ? double(x) : single(x);
  for (let n = 0; n < order; n++) y = grad(sum(y), [x])[0];
  // From the second on the derivatives have no logarithm, which has no value there.
  return order < 2 ? y : where(less(x, 0), Number.NaN, y);
}

const remainderOp = defineOp<OrderAttributes, [Tensor]>({
  name: "stirlingRemainder",
  infer: ([x]) => {
    checkDType("stirlingRemainder", x.dtype, "float");
    return { shape: x.shape, dtype: x.dtype };
  },
  derivative: (g, _, [x], { order }) => [mul(g, stirlingRemainder(x, order + 1))],
  batch: ([x], _, node) => rebuild(node, [x.all]),
  host: {
    kernel: (node) => (out, x) => {
      for (let i = 0; i < out.length; i++) out[i] = stirlingRemainderOf(node.attributes.order, x[i]);
    },
  },
  native: { expand: ([x], node) => remainder(node.attributes.order, x) },
  cases: [0, 1, 2].map((order) => ({ inputs: [[3, 4]], domain: [0.5, 14] as const, attributes: { order } })),
});

/**
 * δ(x) = ln Γ(x) − [(x − ½) ln x − x + ½ ln 2π] for x > 0, the remainder of Stirling's formula (about 1/(12x)), or its n-th
 * derivative. Written with it, differences of large lgammas keep their digits.
 *
 * @throws ShapeError unless the order is a whole number of at least 0.
 */
export function stirlingRemainder(x: TensorLike, order = 0): Tensor {
  if (!Number.isInteger(order) || order < 0) {
    throw new ShapeError(
      `stirlingRemainder: the order must be a whole number of at least 0, found ${order}.`,
    );
  }
  return remainderOp(operands("stirlingRemainder", x), { order });
}
stirlingRemainder.is = remainderOp.is;

const log1pMinusOp = defineOp<NoAttributes, [Tensor]>({
  name: "log1pMinus",
  infer: ([x]) => {
    checkDType("log1pMinus", x.dtype, "float");
    return { shape: x.shape, dtype: x.dtype };
  },
  derivative: (g, _, [x]) => [neg(mul(g, div(x, add(x, 1))))],
  batch: ([x], _, node) => rebuild(node, [x.all]),
  host: {
    kernel: () => (out, x) => {
      for (let i = 0; i < out.length; i++) out[i] = log1pMinusOf(x[i]);
    },
  },
  native: {
    expand: ([x], node) => {
      const near = less(abs(x), 0.4);
      const t = where(near, x, 0);
      const s = div(t, add(t, 2));
      const s2 = square(s);
      const terms = artanhSeries.slice(0, node.dtype === "float64" ? 14 : 6);
      const close = mul(s, sub(mul(mul(s2, 2), polynomial(s2, terms)), t));
      const far = where(near, 1, x);
      return where(near, close, sub(log1p(far), far));
    },
  },
  cases: [
    { inputs: [[3, 4]], domain: [-0.7, 2] },
    { inputs: [[]], domain: [-0.7, 2] },
  ],
});

/** ln(1 + x) − x, with a small relative error even near 0, where it is −x²/2. */
export const log1pMinus: Unary = Object.assign(
  (x: TensorLike) => log1pMinusOp(operands("log1pMinus", x), {}),
  { is: log1pMinusOp.is },
);
