import { checkDTypeName, type DType, isFloat, isInteger } from "../dtype.ts";
import { defineOp } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** ONNX TensorProto.DataType numbers. */
export const onnxType: Record<DType, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

/** The least and largest integers, as float64 holds them. */
const ends = { int32: [-(2 ** 31), 2 ** 31 - 1], int64: [-(2 ** 63), 2 ** 63] } as const;

const castOp = defineOp<{ readonly dtype: DType }, [Tensor]>({
  name: "cast",
  infer: ([x], { dtype }) => {
    checkDTypeName("cast", dtype);
    return { shape: x.shape, dtype };
  },
  derivative: (g, y, [x]) => [isFloat(y.dtype) && isFloat(x.dtype) ? cast(g, x.dtype) : undefined],
  batch: ([x], { dtype }) => cast(x.all, dtype),
  host: {
    expression: ([x], node) => {
      const from = node.inputs[0].dtype;
      if (node.dtype === "bool") return `(${x} !== 0 ? 1 : 0)`;
      // What the host computes in float64 is rounded where a graph says so.
      if (node.dtype === "float32" && from !== "bool") return `Math.fround(${x})`;
      if (!isInteger(node.dtype)) return x;
      // NaN || 0 is 0.
      if (isFloat(from)) {
        const [least, most] = ends[node.dtype === "int32" ? "int32" : "int64"];
        return `(Math.min(Math.max(Math.trunc(${x}), ${least}), ${most}) || 0)`;
      }
      return node.dtype === "int32" && from === "int64" ? `(${x} | 0)` : x;
    },
  },
  native: {
    onnx: (builder, [x], node) => {
      const from = node.inputs[0].dtype;
      const to = { to: onnxType[node.dtype] };
      if (!isFloat(from) || !isInteger(node.dtype)) return builder.node("Cast", [x], to);
      // The limits as floats: the lower one is exact; for the upper one, the largest float below 2³¹ or 2⁶³.
      const above = node.dtype === "int32" ? 2 ** 31 : 2 ** 63;
      const below = above - above * (from === "float32" ? 2 ** -24 : 2 ** -53);
      const number = (value: number) => builder.scalar(value, node, from);
      const whole = (value: number) => builder.scalar(value, node);
      const held = builder.node("Max", [builder.node("Min", [x, number(below)]), number(-above)]);
      const filled = builder.node("Where", [builder.node("IsNaN", [x]), number(0), held]);
      const inside = builder.node("Cast", [filled], to);
      const most = builder.node("Neg", [builder.node("Add", [whole(-above), whole(1)])]);
      return builder.node("Where", [builder.node("GreaterOrEqual", [x, number(above)]), most, inside]);
    },
  },
  cases: [
    { inputs: [[3, 4]], domain: [-3.7, 3.7], attributes: { dtype: "float64" } },
    { inputs: [[3, 4]], domain: [-3.7, 3.7], attributes: { dtype: "int32" } },
    { inputs: [[3, 4]], domain: [-9, 9], attributes: { dtype: "float32" }, dtype: "int64" },
    { inputs: [[3, 4]], domain: [-9, 9], attributes: { dtype: "bool" }, dtype: "int32" },
  ],
});

/**
 * x in another dtype. Any value becomes a bool by `≠ 0`. Floats become integers by truncation: values outside the integer type's range
 * become its nearest limit, and NaN becomes 0. A cast to float32 rounds on the host too, which computes in float64 otherwise.
 */
export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : castOp([x], { dtype }));
/** @internal */
cast.is = castOp.is;
