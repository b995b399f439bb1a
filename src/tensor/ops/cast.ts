import { type DType, isFloat, isInteger } from "../dtype.ts";
import { defineOp } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** ONNX TensorProto.DataType numbers. */
export const onnxType: Record<DType, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

const castOp = defineOp<{ readonly dtype: DType }, [Tensor]>({
  name: "cast",
  infer: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  derivative: (g, y, [x]) => [isFloat(y.dtype) && isFloat(x.dtype) ? cast(g, x.dtype) : undefined],
  batch: ([x], { dtype }) => cast(x.all, dtype),
  host: {
    expression: ([x], node) => {
      const from = node.inputs[0].dtype;
      if (node.dtype === "bool") return `(${x} !== 0 ? 1 : 0)`;
      return isInteger(node.dtype) && isFloat(from) ? `Math.trunc(${x})` : x;
    },
  },
  native: { onnx: (builder, inputs, node) => builder.node("Cast", inputs, { to: onnxType[node.dtype] }) },
  cases: [
    { inputs: [[3, 4]], domain: [-3.7, 3.7], attributes: { dtype: "float64" } },
    { inputs: [[3, 4]], domain: [-3.7, 3.7], attributes: { dtype: "int32" } },
    { inputs: [[3, 4]], domain: [-9, 9], attributes: { dtype: "float32" }, dtype: "int64" },
    { inputs: [[3, 4]], domain: [-9, 9], attributes: { dtype: "bool" }, dtype: "int32" },
  ],
});

/** x in another dtype; floats become integers by truncation, anything becomes a bool by `≠ 0`. */
export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : castOp([x], { dtype }));
/** @internal */
cast.is = castOp.is;
