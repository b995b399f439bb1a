/** Comparisons, which give bool, and the logic of bools. */
import type { TensorLike } from "../leaf.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./cast.ts";
import { type Binary, binaryCases, elementwise, type Unary } from "./elementwise.ts";
import { where } from "./where.ts";

const comparison = (name: string, native: string, operator: string): Binary =>
  elementwise({
    name,
    accepts: "number",
    result: "bool",
    host: (a, b) => `(${a} ${operator} ${b} ? 1 : 0)`,
    native,
    cases: [...binaryCases([-2, 2]), ...binaryCases([-3, 3], "int32"), ...binaryCases([-3, 3], "int64")],
  });

/** Whether a < b, element by element: a bool tensor of the broadcast shape. */
export const less = comparison("less", "Less", "<");
/** Whether a ≤ b, element by element: a bool tensor of the broadcast shape. */
export const lessEqual = comparison("lessEqual", "LessOrEqual", "<=");
/** Whether a > b, element by element: a bool tensor of the broadcast shape. */
export const greater = comparison("greater", "Greater", ">");
/** Whether a ≥ b, element by element: a bool tensor of the broadcast shape. */
export const greaterEqual = comparison("greaterEqual", "GreaterOrEqual", ">=");
/** Whether a = b, element by element: a bool tensor of the broadcast shape. */
export const equal = comparison("equal", "Equal", "===");
/** Whether a ≠ b, element by element: a bool tensor of the broadcast shape. */
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => logicalNot(equal(a, b));

const logic = (name: string, native: string, host: (a: string, b: string) => string): Binary =>
  elementwise({ name, accepts: "bool", result: "bool", host, native, cases: binaryCases([0, 1], "bool") });

/** Logical and of two bool tensors, element by element. */
export const logicalAnd = logic("logicalAnd", "And", (a, b) => `(${a} & ${b})`);
/** Logical or of two bool tensors, element by element. */
export const logicalOr = logic("logicalOr", "Or", (a, b) => `(${a} | ${b})`);
/** Logical not of a bool tensor, element by element. */
export const logicalNot: Unary = elementwise({
  name: "logicalNot",
  accepts: "bool",
  result: "bool",
  host: (x) => `(1 - ${x})`,
  native: "Not",
  cases: [{ inputs: [[3, 4]], dtype: "bool", domain: [0, 1] }],
});

/** True where x is NaN. */
export const isNan = (x: Tensor): Tensor => logicalNot(equal(x, x));

/**
 * 1 where x > 0, else 0, and NaN where x is, in the dtype of x: the derivative of relu, and a comparison that needs no bool. Natively it is one vectorised
 * pass, min(max(3·10³⁸ x, 0), 1); the runtime's comparisons and Sign are scalar loops.
 */
export const positive: Unary = elementwise({
  name: "positive",
  accepts: "float",
  host: (x) => `(${x} > 0 ? 1 : ${x} <= 0 ? 0 : NaN)`,
  native: {
    onnx: (builder, inputs) =>
      builder.node("HardSigmoid", inputs, { alpha: { float: 3e38 }, beta: { float: 0 } }),
    expand: ([x]) =>
      x.dtype === "float32" ? undefined : where(equal(x, x), cast(greater(x, 0), x.dtype), x),
  },
  cases: [{ inputs: [[3, 4]], domain: [-2, 2] }],
});
