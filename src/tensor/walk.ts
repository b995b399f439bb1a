import { isScan } from "./ops/scan.ts";
import { nodesOf } from "./substitute.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Whether it is so of any node that some expressions need, those in the bodies of loops included, however deep. Ask it for whatever a body can
 * have: ops, dtypes, sizes. The leaves of a body stand for what its loop reads, so leaves are looked for in the graph itself ({@link nodesOf}).
 */
export function someNode(expressions: readonly Tensor[], holds: (node: Tensor) => boolean): boolean {
  const seen = new Set<Tensor>();
  const stack = [...expressions];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (holds(node)) return true;
    for (const x of node.inputs) stack.push(x);
    if (isScan(node)) for (const x of node.attributes.body.outputs) stack.push(x);
  }
  return false;
}

/** All nodes of some expressions, those in the bodies of loops included. */
export function allNodesOf(expressions: readonly Tensor[]): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  someNode(expressions, (node) => {
    found.add(node);
    return false;
  });
  return found;
}
