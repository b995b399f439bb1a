/** lgamma and its derivatives, and erf: numeric functions on the host, expansions in elementary ops natively. */
import { ShapeError } from "../../errors.ts";
import { full, operands, type TensorLike } from "../leaf.ts";
import { defineOp, type NoAttributes, rebuild } from "../op.ts";
import {
  type Algebra,
  digamma as digammaOf,
  erf as erfOf,
  expandDigamma,
  expandErf,
  expandLgamma,
  expandPolygamma,
  lgamma as lgammaOf,
  polygamma as polygammaOf,
} from "../special/index.ts";
import type { Tensor } from "../tensor.ts";
import { abs, add, div, floor, mul, neg, sub } from "./arithmetic.ts";
import { less } from "./comparison.ts";
import { checkDType, type Unary } from "./elementwise.ts";
import { exp, log, sin } from "./transcendental.ts";
import { where } from "./where.ts";

/** The algebra that turns an expansion into a graph of the argument's dtype. */
const graphAlgebra = (x: Tensor): Algebra<Tensor> => ({
  constant: (value) => full([], value, x.dtype),
  add,
  sub,
  mul,
  div,
  neg,
  log,
  abs,
  floor,
  sin,
  less,
  where,
});

const precisionOf = (x: Tensor): "float32" | "float64" => (x.dtype === "float64" ? "float64" : "float32");

type OrderAttributes = { readonly order: number };

/** Makes a host kernel that applies a numeric function to each element. */
const mapped =
  (f: (x: number) => number) =>
  (out: Float64Array, x: ArrayLike<number>): void => {
    for (let i = 0; i < out.length; i++) out[i] = f(x[i]);
  };

/** An op of one variable that is a numeric function on the host and an expansion in other ops natively. */
export function specialUnary(
  name: string,
  spec: {
    readonly host: (x: number) => number;
    readonly expand: (x: Tensor) => Tensor;
    readonly derivative: (g: Tensor, y: Tensor, x: Tensor) => Tensor;
    readonly domain: readonly [number, number];
  },
): Unary {
  const apply = defineOp<NoAttributes, [Tensor]>({
    name,
    infer: ([x]) => {
      checkDType(name, x.dtype, "float");
      return { shape: x.shape, dtype: x.dtype };
    },
    derivative: (g, y, [x]) => [spec.derivative(g, y, x)],
    batch: ([x], _, node) => rebuild(node, [x.all]),
    host: { kernel: () => mapped(spec.host) },
    native: { expand: ([x]) => spec.expand(x) },
    cases: [
      { inputs: [[3, 4]], domain: spec.domain },
      { inputs: [[]], domain: spec.domain },
    ],
  });
  return Object.assign((x: TensorLike) => apply(operands(name, x), {}), { is: apply.is });
}

/** ln |Γ(x)|; ∞ at the poles 0, −1, −2, … */
export const lgamma: Unary = specialUnary("lgamma", {
  host: lgammaOf,
  expand: (x) => expandLgamma(graphAlgebra(x), x, precisionOf(x)),
  derivative: (g, _, x) => mul(g, digamma(x)),
  domain: [0.1, 9],
});

/** ψ(x), the derivative of ln Γ. */
export const digamma: Unary = specialUnary("digamma", {
  host: digammaOf,
  expand: (x) => expandDigamma(graphAlgebra(x), x, precisionOf(x)),
  derivative: (g, _, x) => mul(g, polygamma(1, x)),
  domain: [0.3, 9],
});

const polygammaOp = defineOp<OrderAttributes, [Tensor]>({
  name: "polygamma",
  infer: ([x]) => {
    checkDType("polygamma", x.dtype, "float");
    return { shape: x.shape, dtype: x.dtype };
  },
  derivative: (g, _, [x], { order }) => [mul(g, polygamma(order + 1, x))],
  batch: ([x], _, node) => rebuild(node, [x.all]),
  host: { kernel: (node) => mapped((x) => polygammaOf(node.attributes.order, x)) },
  native: {
    expand: ([x], node) => expandPolygamma(graphAlgebra(x), node.attributes.order, x, precisionOf(x)),
  },
  cases: [1, 2].map((order) => ({ inputs: [[3, 4]], domain: [0.7, 6] as const, attributes: { order } })),
});

/** ψ⁽ⁿ⁾(x), the n-th derivative of digamma. Throws ShapeError unless the order is a whole number of at least 0. */
export function polygamma(order: number, x: TensorLike): Tensor {
  if (!Number.isInteger(order) || order < 0) {
    throw new ShapeError(`polygamma: the order must be a whole number of at least 0, found ${order}.`);
  }
  return order === 0 ? digamma(x) : polygammaOp(operands("polygamma", x), { order });
}
/** @internal */
polygamma.is = polygammaOp.is;

const gaussian = (x: Tensor): Tensor => mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI));

const erfOp = defineOp<NoAttributes, [Tensor]>({
  name: "erf",
  infer: ([x]) => {
    checkDType("erf", x.dtype, "float");
    return { shape: x.shape, dtype: x.dtype };
  },
  derivative: (g, _, [x]) => [mul(g, gaussian(x))],
  batch: ([x], _, node) => rebuild(node, [x.all]),
  host: { kernel: () => mapped(erfOf) },
  native: {
    // The runtime has a float32 kernel only; float64 is expanded.
    onnx: (builder, inputs) => builder.node("Erf", inputs),
    expand: ([x], node) => (node.dtype === "float64" ? expandErf(graphAlgebra(x), x, "float64") : undefined),
  },
  cases: [{ inputs: [[3, 4]], domain: [-2, 2] }],
});

/** The error function 2/√π ∫₀ˣ e^−t² dt. */
export const erf: Unary = Object.assign((x: TensorLike) => erfOp(operands("erf", x), {}), { is: erfOp.is });
