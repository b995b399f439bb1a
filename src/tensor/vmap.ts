import { InternalError, ShapeError } from "../errors.ts";
import type { Lane } from "./lanes.ts";
import { expand } from "./ops/movement.ts";
import { formatShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * A graph over a batch: some of its leaves (or inner nodes) are replaced by values with an additional axis on the left, and all nodes
 * that depend on them get that axis too. All other nodes stay the same, shared by the whole batch.
 *
 * A node that is lifted twice gives the same result node, so further expressions can be lifted at any time.
 */
export class Batch {
  readonly size: number;
  readonly #lifted = new Map<Tensor, Tensor | undefined>();

  /**
   * @param size of the new axis
   * @param values for each replaced node its values, [size, …the node's shape]; an axis along which they do not vary may have size 1
   * @throws ShapeError when values have another shape.
   */
  constructor(size: number, values: ReadonlyMap<Tensor, Tensor>) {
    this.size = size;
    for (const [node, all] of values) this.replace(node, all);
  }

  /** Adds a node to replace. No expression that was lifted before may depend on it. */
  replace(node: Tensor, all: Tensor): void {
    const fits =
      all.rank === node.rank + 1 &&
      all.shape[0] === this.size &&
      node.shape.every((n, i) => all.shape[i + 1] === n || all.shape[i + 1] === 1);
    if (!fits) {
      throw new ShapeError(
        `vmap: a node of shape ${formatShape(node.shape)} needs values of shape ${formatShape([this.size, ...node.shape])}, ` +
          `found ${formatShape(all.shape)}.`,
      );
    }
    if (this.#lifted.has(node))
      throw new InternalError(`vmap: ${node} was lifted before its values were given`);
    this.#lifted.set(node, all);
  }

  /**
   * The value of `node` over the batch: [size, …]. An axis along which the values do not vary may have size 1. Undefined if
   * the node does not depend on the batch.
   */
  core(node: Tensor): Tensor | undefined {
    const stack = [node];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (this.#lifted.has(top)) {
        stack.pop();
        continue;
      }
      const pending = top.inputs.filter((x) => !this.#lifted.has(x));
      if (pending.length > 0) {
        for (const x of pending) stack.push(x);
        continue;
      }
      stack.pop();
      this.#lifted.set(top, this.#apply(top));
    }
    return this.#lifted.get(node);
  }

  /** `node` over the batch, [size, …its shape]; `node` itself if it does not depend on the batch. */
  lift(node: Tensor): Tensor {
    const all = this.core(node);
    return all === undefined ? node : expand(all, [this.size, ...node.shape]);
  }

  #apply(node: Tensor): Tensor | undefined {
    const lanes = node.inputs.map((single): Lane => {
      const all = this.#lifted.get(single);
      return all === undefined ? { single, all: single, batched: false } : { single, all, batched: true };
    });
    if (!lanes.some((lane) => lane.batched)) return undefined;
    const all = node.op.batch(lanes, node.attributes, node, this.size);
    const fits =
      all.dtype === node.dtype &&
      all.rank === node.rank + 1 &&
      all.shape[0] === this.size &&
      node.shape.every((n, i) => all.shape[i + 1] === n || all.shape[i + 1] === 1);
    if (!fits)
      throw new InternalError(`batching rule of ${node.op.name}: ${node} over ${this.size} became ${all}`);
    return all;
  }
}

/**
 * Evaluates expressions over a batch, without a loop: each output gets an axis on the left, along which `leaves` take their values one by
 * one. This is the vectorising map of JAX (Frostig, Johnson and Leary 2018), done by rewriting graphs: whatever an expression does with
 * the axes of one element, it does to each element.
 *
 * @param leaves for each node its values, [size, …the node's shape]
 * @returns [size, …] for each output; an output that depends on none of the leaves is repeated
 *
 * @example
 * const x = input("x", [3]);
 * const [norms] = vmap([sum(square(x))], new Map([[x, rows]])); // rows [10, 3] → [10]
 *
 * @throws ShapeError when there are no leaves, or a leaf's values do not fit it.
 */
export function vmap(outputs: readonly Tensor[], leaves: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const [first] = leaves.values();
  if (first === undefined || first.rank === 0)
    throw new ShapeError("vmap: expected at least one leaf with values along a batch axis, found none.");
  const size = first.shape[0];
  const batch = new Batch(size, leaves);
  return outputs.map((t) => {
    const lifted = batch.lift(t);
    return lifted === t ? expand(t, [size, ...t.shape]) : lifted;
  });
}
