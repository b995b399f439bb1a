/** What the runtime's WebGPU computes wrongly, slowly or not at all, in forms that it computes well. */
import {
  cast,
  equal,
  logicalAnd,
  mul,
  sameShape,
  startFromMatrix,
  type Tensor,
  transpose,
  transposeFirst,
} from "../tensor/index.ts";
import { applyRule } from "./graph.ts";
import { withProcessorValues } from "./webgpu-numbers.ts";
import { withCheckedPlaces } from "./webgpu-places.ts";

/** Its And of bools that are broadcast along an axis of a multiple of four reads some of them for others. Products of numbers are right. */
function plainAnd(node: Tensor): Tensor | undefined {
  if (!logicalAnd.is(node)) return undefined;
  const [a, b] = node.inputs;
  if (sameShape(a.shape, b.shape)) return undefined;
  return equal(mul(cast(a, "float32"), cast(b, "float32")), 1);
}

/**
 * From this number of multiplications on, a product with a transposed right operand is worth a node that transposes it. Such products run at
 * 6.5 TFLOP/s on an H200 where plain ones run at 21.7, so that this many lose 0.06 ms; a node costs some 25 µs there.
 */
const MANY_MULTIPLICATIONS = 2 ** 28;

/** Its products read a transposed right operand three times more slowly than a plain one. Each operand is transposed once. */
function plainProducts(outputs: readonly Tensor[], least: number): readonly Tensor[] {
  const known = new Map<Tensor, Tensor>();
  const transposed = (t: Tensor): Tensor => {
    const found = known.get(t) ?? transpose(t);
    known.set(t, found);
    return found;
  };
  return applyRule(outputs, (node) => transposeFirst(node, least, transposed));
}

/**
 * A graph in forms that the WebGPU of the runtime computes well.
 *
 * @param least multiplications of a product whose right operand is transposed beforehand
 */
export const forWebGpu = (outputs: readonly Tensor[], least = MANY_MULTIPLICATIONS): readonly Tensor[] =>
  plainProducts(
    applyRule(
      applyRule(
        outputs,
        (node) => startFromMatrix(node) ?? withProcessorValues(node) ?? withCheckedPlaces(node),
      ),
      plainAnd,
    ),
    least,
  );
