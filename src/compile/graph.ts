import { conv2d, conv2dTranspose, isConstant, rebuild, type Tensor } from "../tensor/index.ts";

/** Whether an op works element by element, on any shape and with broadcasting. */
export const isElementwise = (t: Tensor): boolean =>
  typeof t.op.host === "object" && "expression" in t.op.host;

/** Whether a node is a convolution, in either direction. */
export const isConvolution = (t: Tensor): boolean => conv2d.is(t) || conv2dTranspose.is(t);

/** Cached results of `uniform`, because every rule asks about the same large constants. */
const uniformValues = new WeakMap<Float64Array, number | "mixed">();

/** The value of a constant whose elements are all equal; 0 and −0 count as different. */
export function uniform(t: Tensor): number | undefined {
  if (!isConstant(t) || t.size === 0) return undefined;
  const { values } = t.attributes;
  if (values.length === 1) return values[0];
  let found = uniformValues.get(values);
  if (found === undefined) {
    found = values.every((v) => Object.is(v, values[0])) ? values[0] : "mixed";
    uniformValues.set(values, found);
  }
  return found === "mixed" ? undefined : found;
}

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

/** The number of times each node is read, by other nodes or as an output. */
export function countUses(nodes: readonly Tensor[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const count = (t: Tensor) => uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(count);
  outputs.forEach(count);
  return uses;
}

/**
 * Rebuilds a graph from its leaves up: `visit` is called once for each node, with the rebuilt inputs, and returns
 * the node's replacement.
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

/** A rule gets a node, and a test whether a value is read only once. It returns a replacement for the node, or undefined. */
export type UseRule = (node: Tensor, isUsedOnce: (t: Tensor) => boolean) => Tensor | undefined;

/** Applies one rule to every node, from the leaves up. If the rule never applies, the same outputs are returned. */
export function applyRule(outputs: readonly Tensor[], rule: UseRule): readonly Tensor[] {
  const uses = countUses(topological(outputs), outputs);
  const origin = new Map<Tensor, Tensor>();
  const isUsedOnce = (t: Tensor): boolean => uses.get(origin.get(t) ?? t) === 1;
  return rewrite(outputs, (node, inputs) => {
    const moved = inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs);
    const result = rule(moved, isUsedOnce) ?? moved;
    origin.set(result, node);
    return result;
  });
}

/** The replacement of a node, made from other nodes of the same graph after these were replaced themselves. */
export interface Replacement {
  readonly from: readonly Tensor[];
  readonly make: (from: readonly Tensor[]) => Tensor;
}

/** A graph with some nodes replaced. A replacement must not be made from nodes that depend on the node it replaces. */
export function replaceNodes(outputs: readonly Tensor[], plan: ReadonlyMap<Tensor, Replacement>): Tensor[] {
  const done = new Map<Tensor, Tensor>();
  const stack = [...outputs];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const planned = plan.get(node);
    const needed = planned?.from ?? node.inputs;
    const pending = done.has(node) ? [] : needed.filter((x) => !done.has(x));
    stack.push(...pending);
    if (pending.length > 0) continue;
    stack.pop();
    if (done.has(node)) continue;
    const inputs = needed.map((x) => done.get(x) ?? x);
    const same = inputs.every((x, i) => x === needed[i]);
    done.set(node, planned?.make(inputs) ?? (same ? node : rebuild(node, inputs)));
  }
  return outputs.map((t) => done.get(t) ?? t);
}
