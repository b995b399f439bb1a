import { type Attributes, defineOp } from "../op.ts";
import type { Tensor } from "../tensor.ts";

const stopGradientOp = defineOp<Attributes>({
  name: "stopGradient",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  derivative: () => [undefined],
  host: "alias",
  native: { onnx: (_, [x]) => x },
  cases: [],
});

/** x itself, held constant by every derivative. */
export const stopGradient = (x: Tensor): Tensor => stopGradientOp([x], {});
