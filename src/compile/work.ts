import { matmul } from "../tensor/ops/matmul.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Executor } from "./compile.ts";
import { topological } from "./graph.ts";
import { simplify } from "./simplify.ts";

/** Element operations that one node takes, roughly. */
function workOf(node: Tensor): number {
  if (node.op.host === "leaf" || node.op.host === "alias") return 0;
  if (matmul.is(node)) {
    const [a] = node.inputs;
    return 2 * node.size * a.shape[a.rank - (node.attributes.transposeA ? 2 : 1)];
  }
  return Math.max(node.size, ...node.inputs.map((t) => t.size));
}

/** Below this much work the host's generated code ends before the native runtime's call has begun. */
const NATIVE_PAYS = 10_000;

/**
 * The executor that a graph is likely to be faster on, from its size alone, so that the choice is the same on every machine: up to
 * 10,000 element operations the host (value and gradient of a logistic regression: 100 × 5 took 22 µs there and 25 natively, 300 × 10
 * took 47 and 31, 569 × 30 took 150 and 50, 10,000 × 50 took 20 ms and 2), and always the host where an op has no native form.
 */
export function chooseExecutor(outputs: readonly Tensor[]): Executor {
  const nodes = topological(simplify(outputs));
  const hostOnly = nodes.some(({ op }) => typeof op.native === "object" && "unsupported" in op.native);
  return hostOnly || nodes.reduce((total, node) => total + workOf(node), 0) <= NATIVE_PAYS
    ? "host"
    : "native";
}
