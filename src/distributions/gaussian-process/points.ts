/** Points of Gaussian processes. */
import { ShapeError } from "../../errors.ts";
import { formatShape, operands, type Tensor, type TensorLike, unsqueeze } from "../../tensor/index.ts";

/** Points as [n, d]. */
export function pointsOf(what: string, x: TensorLike): Tensor {
  const [t] = operands(what, x);
  if (t.rank === 1) return unsqueeze(t, -1);
  if (t.rank === 2) return t;
  throw new ShapeError(`${what}: expected points [n, d] or [n], found shape ${formatShape(t.shape)}.`);
}
