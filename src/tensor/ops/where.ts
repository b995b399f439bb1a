import { ShapeError } from "../../errors.ts";
import { alignBatch } from "../lanes.ts";
import { operands, sameDType, type TensorLike } from "../leaf.ts";
import { defineOp, type NoAttributes, rebuild } from "../op.ts";
import { broadcastShapes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

const condition = { shape: [3, 4], values: [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1], dtype: "bool" } as const;

const whereOp = defineOp<NoAttributes, [Tensor, Tensor, Tensor]>({
  name: "where",
  infer: ([c, a, b]) => {
    if (c.dtype !== "bool")
      throw new ShapeError(`where: the condition must be bool, found ${c.dtype}; compare first.`);
    return { shape: broadcastShapes("where", c.shape, a.shape, b.shape), dtype: sameDType("where", [a, b]) };
  },
  derivative: (g, _, [c]) => [undefined, where(c, g, 0), where(c, 0, g)],
  batch: (lanes, _, node) => rebuild(node, alignBatch(lanes, node.rank)),
  host: { expression: ([c, a, b]) => `(${c} ? ${a} : ${b})` },
  native: { onnx: (builder, inputs) => builder.node("Where", inputs) },
  cases: [{ inputs: [condition, [3, 4], [3, 4]] }, { inputs: [condition, [], [2, 1, 4]] }],
});

/**
 * `a` where the condition holds, else `b`. The gradient on the side not taken is zero. But if that side's own
 * derivative is infinite there, 0 · ∞ is NaN: make its argument safe first (`where(ok, log(where(ok, x, 1)), …)`).
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = operands("where", a, b);
  return whereOp([condition, x, y], {});
}
/** @internal */
where.is = whereOp.is;
