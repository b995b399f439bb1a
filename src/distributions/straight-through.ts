import { defineOp, fullBatch, type NoAttributes, type Tensor } from "../tensor/index.ts";

export const straightThroughOp = defineOp<NoAttributes, [Tensor, Tensor]>({
  name: "straightThrough",
  infer: ([hard]) => ({ shape: hard.shape, dtype: hard.dtype }),
  derivative: (g) => [undefined, g],
  batch: ([hard, soft], _, __, size) => straightThrough(fullBatch(hard, size), fullBatch(soft, size)),
  host: "alias",
  native: { onnx: (_, [hard]) => hard },
  cases: [],
});

/**
 * The value of `hard` with the gradient of `soft`; both have the same shape and dtype (Bengio, Léonard & Courville 2013). The
 * value is exact: nothing is added and subtracted again.
 */
export const straightThrough = (hard: Tensor, soft: Tensor): Tensor => straightThroughOp([hard, soft], {});
