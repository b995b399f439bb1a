import { defineOp, type NoAttributes } from "../op.ts";
import type { Tensor } from "../tensor.ts";

const stopGradientOp = defineOp<NoAttributes, [Tensor]>({
  name: "stopGradient",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  derivative: () => [undefined],
  batch: ([x]) => stopGradient(x.all),
  host: "alias",
  native: { onnx: (_, [x]) => x },
  cases: [],
});

/** x itself; derivatives treat it as a constant. */
export const stopGradient = (x: Tensor): Tensor => stopGradientOp([x], {});
/** @internal */
stopGradient.is = stopGradientOp.is;
