import type { Tensor } from "../tensor/tensor.ts";

/** Every node that `outputs` need, inputs before users. */
export function topological(outputs: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...outputs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** How many times each node is read, by other nodes or as an output. */
export function countUses(nodes: readonly Tensor[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const count = (t: Tensor) => uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(count);
  outputs.forEach(count);
  return uses;
}

/**
 * Rebuilds a graph from its leaves up: `visit` sees each node once, with the inputs that replaced its own, and returns
 * what replaces it.
 */
export function rewrite(
  outputs: readonly Tensor[],
  visit: (node: Tensor, inputs: readonly Tensor[]) => Tensor,
): Tensor[] {
  const replaced = new Map<Tensor, Tensor>();
  const of = (t: Tensor): Tensor => replaced.get(t) ?? t;
  for (const node of topological(outputs)) replaced.set(node, visit(node, node.inputs.map(of)));
  return outputs.map(of);
}
