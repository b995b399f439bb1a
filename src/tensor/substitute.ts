import { rebuild } from "./op.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Replaces parts of an expression: every occurrence of a key of `parts`, however deep, becomes its value. Nodes that depend on a key are
 * rebuilt; all others stay the same nodes. A key that maps to itself is left as it is, and nothing below it is changed.
 *
 * @example
 * const y = add(mul(x, x), z);
 * substitute(y, new Map([[x, w]])); // w · w + z
 *
 * @throws ShapeError when a replacement's shape does not fit where the part was used.
 */
export const substitute = (expression: Tensor, parts: ReadonlyMap<Tensor, Tensor>): Tensor =>
  substituteAll([expression], parts)[0];

/** The same in several expressions: nodes that they share stay shared. */
export function substituteAll(
  expressions: readonly Tensor[],
  parts: ReadonlyMap<Tensor, Tensor>,
): readonly Tensor[] {
  // Visits the expressions only: there may be far more parts than nodes.
  const done = new Map<Tensor, Tensor>();
  const found = (t: Tensor): Tensor | undefined => parts.get(t) ?? done.get(t);
  const stack = [...expressions];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const pending = found(node) ? [] : node.inputs.filter((x) => !found(x));
    if (pending.length > 0) {
      for (const x of pending) stack.push(x);
      continue;
    }
    stack.pop();
    if (found(node)) continue;
    const inputs = node.inputs.map((x) => found(x) ?? x);
    done.set(node, inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs));
  }
  return expressions.map((t) => found(t) ?? t);
}

/** All nodes of an expression, leaves included. */
export function nodesOf(expression: Tensor): Set<Tensor> {
  const seen = new Set<Tensor>();
  const stack = [expression];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return seen;
}
