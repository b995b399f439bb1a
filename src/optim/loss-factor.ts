/** A constant factor of the loss, which the optimiser applies and the graph need not. */
import { add, isConstant, mul, neg, sub, type Tensor } from "../tensor/index.ts";

interface Factored {
  readonly core: Tensor;
  readonly factor: number;
}

/** The constant factor of a product, and the other factor. */
function constantFactor(node: Tensor): { readonly rest: Tensor; readonly factor: number } | undefined {
  if (neg.is(node)) return { rest: node.inputs[0], factor: -1 };
  if (!mul.is(node)) return undefined;
  const [a, b] = node.inputs;
  if (isConstant(b) && b.size === 1) return { rest: a, factor: b.attributes.values[0] };
  return isConstant(a) && a.size === 1 ? { rest: b, factor: a.attributes.values[0] } : undefined;
}

/**
 * Takes a constant factor out of the loss. It only scales the gradient. In the graph it would cost a pass over the largest tensor;
 * the optimiser multiplies by a scale anyway, so the factor goes there. A loss of many terms is a deep sum, so this function uses a stack
 * instead of recursion.
 */
export function splitFactor(loss: Tensor): Factored {
  const done = new Map<Tensor, Factored>();
  const stack = [loss];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const product = constantFactor(node);
    const isSum = add.is(node) || sub.is(node);
    const parts = product === undefined ? (isSum ? node.inputs : []) : [product.rest];
    const pending = parts.filter((x) => !done.has(x));
    if (pending.length > 0) {
      stack.push(...pending);
      continue;
    }
    stack.pop();
    const [a, b] = parts.flatMap((x) => done.get(x) ?? []);
    if (product !== undefined && a !== undefined)
      done.set(node, { core: a.core, factor: a.factor * product.factor });
    else if (a !== undefined && b !== undefined && a.factor === b.factor && a.factor !== 1)
      done.set(node, { core: add.is(node) ? add(a.core, b.core) : sub(a.core, b.core), factor: a.factor });
    else done.set(node, { core: node, factor: 1 });
  }
  return done.get(loss) ?? { core: loss, factor: 1 };
}
