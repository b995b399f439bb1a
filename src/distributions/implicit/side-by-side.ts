/** What ops share whose kernels read several inputs side by side, element by element: nothing may broadcast. */
import { InternalError } from "../../errors.ts";
import {
  broadcastShapes,
  jointBatch,
  type Lane,
  type OpNode,
  operands,
  rebuild,
  sameShape,
  type Tensor,
  type TensorLike,
} from "../../tensor/index.ts";

/** All in their joint shape. */
export function inJointShape(what: string, ...given: readonly TensorLike[]): Tensor[] {
  const all = operands(what, ...given);
  const shape = broadcastShapes(what, ...all.map((t) => t.shape));
  return all.map((t) => (sameShape(t.shape, shape) ? t : t.expand(shape)));
}

/** The rules of such an op for shapes and batches. In a batch too, every input has an element for each of the result's. */
export const sideBySide = (name: string) => ({
  infer: (inputs: readonly Tensor[]) => {
    const [{ shape, dtype }, ...rest] = inputs;
    if (rest.every((t) => sameShape(t.shape, shape))) return { shape, dtype };
    throw new InternalError(
      `${name}: inputs of shapes ${inputs.map((t) => `[${t.shape.join(", ")}]`).join(", ")}`,
    );
  },
  batch: (lanes: readonly Lane[], _: unknown, node: OpNode, size: number): Tensor =>
    rebuild(node, jointBatch(lanes, node.shape, size)),
});
