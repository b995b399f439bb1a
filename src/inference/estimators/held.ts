import { isParameter } from "../../tensor/leaf.ts";
import { stopGradient } from "../../tensor/ops/stop-gradient.ts";
import { nodesOf, substitute } from "../../tensor/substitute.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/**
 * An expression with every parameter held constant, except those given. What stands below a key of `cut` is left as it is, and the
 * key itself exchanged for its value.
 */
export function heldParameters(
  expression: Tensor,
  cut: ReadonlyMap<Tensor, Tensor> = new Map(),
  except: ReadonlySet<Tensor> = new Set(),
): Tensor {
  const parts = new Map(cut);
  for (const node of nodesOf(expression))
    if (isParameter(node) && !except.has(node)) parts.set(node, stopGradient(node));
  return substitute(expression, parts);
}
