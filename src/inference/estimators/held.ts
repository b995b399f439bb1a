import { isParameter, nodesOf, stopGradient, substitute, type Tensor } from "../../tensor/index.ts";

/**
 * An expression whose parameters are held constant.
 * @param cut nodes to replace, with their replacements; parameters below them are not changed
 * @param except parameters that are not held constant
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
