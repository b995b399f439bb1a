/** Operands of one element, in the shape that ONNX Runtime combines fast. */
import { constant, isConstant, rebuild, reshape, type Tensor } from "../tensor/index.ts";
import { isElementwise, rewrite } from "./graph.ts";

/** The shape of one element with this many dimensions. */
export const onesOf = (rank: number): number[] => new Array<number>(rank).fill(1);

function withRank(x: Tensor, rank: number): Tensor {
  const shape = onesOf(rank);
  return isConstant(x) ? constant(x.attributes.values, shape, x.dtype) : reshape(x, shape);
}

/**
 * Gives an operand of one element as many dimensions as the result, where the result's last dimension has size 1. Otherwise the runtime
 * pairs the operand with that dimension and works element by element: adding a scalar to [10000, 1] took 318 µs, and 45 µs after this.
 */
export const matchRanks = (outputs: readonly Tensor[]): readonly Tensor[] =>
  rewrite(outputs, (node, inputs) => {
    const isNarrow = isElementwise(node) && node.size > 1 && node.shape.at(-1) === 1;
    const isShort = (x: Tensor) => isNarrow && x.size === 1 && x.rank < node.rank;
    const matched = inputs.map((x) => (isShort(x) ? withRank(x, node.rank) : x));
    return matched.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, matched);
  });
