/** Checks whether a graph's values fit into the machine's memory, before anything of their size is allocated. */
import { memoryBytes } from "#platform/machine";
import { UsageError } from "../errors.ts";
import { allNodesOf, type DType, isScan, type Tensor } from "../tensor/index.ts";
import { countUses, isElementwise, topological } from "./graph.ts";

const BYTES: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, int64: 8, bool: 1 };

/** Whether a value is part of another one. */
const isView = ({ op: { host } }: Tensor): boolean =>
  host === "alias" || (typeof host === "object" && "view" in host);

const bytesOf = (t: Tensor): number => t.size * BYTES[t.dtype];

/**
 * The largest number of bytes held at once when nodes are computed in order and each value is freed after its last use. An elementwise op
 * overwrites an operand that nothing else needs.
 */
export function peakBytes(outputs: readonly Tensor[]): number {
  const nodes = topological(outputs);
  const uses = countUses(nodes, outputs);
  // A view shares the memory of its base.
  const owner = new Map<Tensor, Tensor>();
  const ownerOf = (t: Tensor): Tensor => owner.get(t) ?? t;
  for (const node of nodes) {
    if (!isView(node)) continue;
    const [from] = node.inputs;
    const root = ownerOf(from);
    owner.set(node, root);
    uses.set(root, (uses.get(root) ?? 0) + (uses.get(node) ?? 0) - 1);
  }
  let held = nodes.filter(({ op }) => op.host === "leaf").reduce((sum, leaf) => sum + bytesOf(leaf), 0);
  let peak = held;
  for (const node of nodes) {
    if (node.op.host === "leaf" || isView(node)) continue;
    const given: Tensor[] = [];
    for (const t of node.inputs) {
      const root = ownerOf(t);
      const left = (uses.get(root) ?? 0) - 1;
      uses.set(root, left);
      if (left === 0 && root.op.host !== "leaf") given.push(root);
    }
    const freed = given.reduce((sum, t) => sum + bytesOf(t), 0);
    const during = held + bytesOf(node);
    held = during - freed;
    // What a step of a loop holds is freed before the next one.
    const inside = isScan(node) ? peakBytes(node.attributes.body.outputs) : 0;
    peak = Math.max(peak, isElementwise(node) ? held : during + inside);
  }
  return peak;
}

const gigabytes = (bytes: number): string =>
  bytes < 1e15
    ? `${Number((bytes / 1e9).toPrecision(3)).toLocaleString("en")} GB`
    : `${bytes.toPrecision(3)} bytes`;

function refuse(what: string, bytes: number, limit: number): never {
  throw new UsageError(
    `${what} ${gigabytes(bytes)} of memory, and there are ${gigabytes(limit)}. Use fewer rows at a time (batch), fewer samples or particles, ` +
      "or a smaller model.",
  );
}

/**
 * Refuses a graph that contains a value too large for the memory.
 *
 * @throws UsageError
 */
export function checkValues(outputs: readonly Tensor[], limit = memoryBytes()): void {
  for (const node of allNodesOf(outputs)) {
    if (bytesOf(node) > limit)
      refuse(`A value of shape [${node.shape.join(", ")}] takes`, bytesOf(node), limit);
  }
}

/**
 * Refuses a graph whose values together do not fit into memory.
 *
 * @throws UsageError
 */
export function checkTogether(outputs: readonly Tensor[], limit = memoryBytes()): void {
  const bytes = peakBytes(outputs);
  if (bytes > limit) refuse("The computation takes about", bytes, limit);
}
