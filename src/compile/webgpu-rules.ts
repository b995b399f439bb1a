/** What the runtime's WebGPU computes wrongly, slowly or not at all, in forms that it computes well. */
import {
  equal,
  exp,
  expand,
  floor,
  greater,
  lessEqual,
  log,
  logOfTerms,
  max,
  positive,
  pow,
  relu,
  sameShape,
  sigmoid,
  softmax,
  startFromMatrix,
  sub,
  sum,
  type Tensor,
  transpose,
  transposeFirst,
  where,
} from "../tensor/index.ts";
import { applyRule } from "./graph.ts";

/** Its power has no kernel for operands of different shapes. */
const wholePower = (node: Tensor): Tensor | undefined => {
  if (!pow.is(node)) return undefined;
  const [base, exponent] = node.inputs;
  if (sameShape(base.shape, exponent.shape)) return undefined;
  return pow(expand(base, node.shape), expand(exponent, node.shape));
};

/** Below the largest number of float32; sums of powers of at most 1 stay below it. */
const LARGEST = 3e38;

/**
 * Functions that on a device have a number where they should have none, so that a NaN, or a logarithm of 0, would pass unseen: WGSL leaves open what
 * `log`, `pow` and `clamp` return outside their domains, and the runtime's own `relu` is 0 there. Comparisons with a NaN are false.
 */
function withoutNumber(node: Tensor): Tensor | undefined {
  if (node.dtype !== "float32") return undefined;
  const [x] = node.inputs;
  if (log.is(node) || logOfTerms.is(node)) {
    const outside = where(equal(x, 0), Number.NEGATIVE_INFINITY, Number.NaN);
    return where(greater(x, 0), node, outside);
  }
  if (relu.is(node)) return where(lessEqual(x, 0), 0, x);
  if (positive.is(node) || sigmoid.is(node)) return where(lessEqual(x, Number.POSITIVE_INFINITY), node, x);
  if (pow.is(node)) {
    const [base, exponent] = node.inputs;
    const outside = where(lessEqual(base, 0), Number.NaN, base);
    return where(
      lessEqual(0, base),
      node,
      where(equal(exponent, floor(exponent)), where(lessEqual(base, 0), node, base), outside),
    );
  }
  if (softmax.is(node)) {
    const { axis } = node.attributes;
    const powers = exp(sub(x, max(x, axis, { keepDims: true })));
    const total = sum(powers, axis, { keepDims: true });
    return powers.div(where(lessEqual(total, LARGEST), total, Number.NaN));
  }
  return undefined;
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
      applyRule(outputs, (node) => startFromMatrix(node) ?? wholePower(node)),
      withoutNumber,
    ),
    least,
  );
