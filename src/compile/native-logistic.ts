/** The logistic function and softplus of the same argument, natively: both need e^−|x|, and an exponential is expensive. */
import {
  abs,
  add,
  div,
  exp,
  log,
  maximum,
  neg,
  positive,
  sigmoid,
  softplusTail,
  sub,
  type Tensor,
} from "../tensor/index.ts";
import { type Replacement, replaceNodes, topological } from "./graph.ts";

/** ln(1 + e) for e ≥ 0: ln u of the rounded sum u, plus (e − (u − 1)) / u, which restores what rounding lost. */
export function log1pOfPositive(e: Tensor): Tensor {
  const u = add(e, 1);
  return add(log(u), div(sub(e, sub(u, 1)), u));
}

/** If t is e^−|x|: x. */
function exponentOf(t: Tensor): Tensor | undefined {
  if (!exp.is(t)) return undefined;
  const [power] = t.inputs;
  if (!neg.is(power)) return undefined;
  const [size] = power.inputs;
  return abs.is(size) ? size.inputs[0] : undefined;
}

/**
 * If softplus (or a sum of it) and the logistic function of the same x are both needed, as in a cross entropy and its gradient, they share
 * e = e^−|x|: σ(x) is max(1 where x > 0, e) / (1 + e). Only in float32, where the runtime can compare without a bool.
 */
export function shareExponentials(outputs: readonly Tensor[]): readonly Tensor[] {
  const nodes = topological(outputs);
  const shared = new Set(
    nodes.map((t) => (softplusTail.is(t) ? t.inputs[0] : exponentOf(t))).filter((x) => x !== undefined),
  );
  const logistic = nodes.filter((t) => sigmoid.is(t) && t.dtype === "float32" && shared.has(t.inputs[0]));
  const both = new Set(logistic.map((t) => t.inputs[0]));
  const plan = new Map<Tensor, Replacement>();
  const exponential = (x: Tensor) => exp(neg(abs(x)));
  for (const t of logistic) {
    plan.set(t, {
      from: t.inputs,
      make: ([x]) => {
        const e = exponential(x);
        return div(maximum(positive(x), e), add(e, 1));
      },
    });
  }
  for (const t of nodes) {
    if (!softplusTail.is(t) || !both.has(t.inputs[0])) continue;
    plan.set(t, { from: t.inputs, make: ([x]) => log1pOfPositive(exponential(x)) });
  }
  return plan.size === 0 ? outputs : replaceNodes(outputs, plan);
}
