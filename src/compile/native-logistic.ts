/** The logistic function and softplus of one argument, natively: both are made of e^−|x|, and an exponential is dear. */
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

/** ln(1 + e) for e ≥ 0: ln u of the rounded sum u, and what rounding took from it, (e − (u − 1)) / u. */
export function log1pOfPositive(e: Tensor): Tensor {
  const u = add(e, 1);
  return add(log(u), div(sub(e, sub(u, 1)), u));
}

/** x, where t is e^−|x|. */
function exponentOf(t: Tensor): Tensor | undefined {
  if (!exp.is(t)) return undefined;
  const [power] = t.inputs;
  if (!neg.is(power)) return undefined;
  const [size] = power.inputs;
  return abs.is(size) ? size.inputs[0] : undefined;
}

/**
 * Where softplus (or a sum of it) and the logistic function of one x are both wanted, as in a cross entropy and its gradient, they share
 * e = e^−|x|: σ(x) is max(1 where x > 0, e) / (1 + e). In float32, where the runtime compares without a bool.
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
