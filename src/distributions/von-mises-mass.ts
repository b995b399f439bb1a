/** The probability of an arc under a von Mises distribution: integrals of positive terms, away from the peak, so that small ones keep their digits. */
import {
  add,
  constant,
  div,
  exp,
  floor,
  full,
  lessEqual,
  log,
  logsumexp,
  maximum,
  minimum,
  mul,
  sin,
  sqrt,
  square,
  stack,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { arcsin } from "./arcsin.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";

const EFFORT = {
  float32: { rule: gaussLegendre(20), decay: 20 },
  float64: { rule: gaussLegendre(48), decay: 40 },
} as const;

const PI = Math.PI;

/** ln ∫_a^b e^(κ (cos u − 1)) du for 0 ≤ a ≤ b ≤ π; −∞ where they are equal. What is e^−40 of the largest term is left out. */
function logSide(from: Tensor, to: Tensor, kappa: Tensor): Tensor {
  const { dtype } = kappa;
  const { rule, decay } = EFFORT[dtype === "float64" ? "float64" : "float32"];
  const empty = lessEqual(to, from);
  const [a, b] = [where(empty, 0, from), where(empty, 1, to)];
  const half = sin(mul(a, 0.5));
  // The density at c is e^−decay of that at a: κ (cos a − cos c) = decay.
  const furthest = add(square(half), div(decay / 2, kappa));
  const c = stopGradient(mul(arcsin(sqrt(minimum(furthest, 1))), 2));
  const length = sub(minimum(b, maximum(a, c)), a);
  const n = rule.nodes.length;
  const t = mul(unsqueeze(length, -1), constant(rule.nodes, [n], dtype));
  // cos a − cos(a + t) = 2 sin(a + t/2) sin(t/2).
  const fall = mul(sin(add(unsqueeze(a, -1), mul(t, 0.5))), sin(mul(t, 0.5)));
  const heights = exp(mul(mul(fall, unsqueeze(kappa, -1)), -2));
  const integral = sum(mul(heights, constant(rule.weights, [n], dtype)), -1);
  const whole = sub(add(log(length), log(integral)), mul(mul(square(half), kappa), 2));
  return where(empty, full([], Number.NEGATIVE_INFINITY, dtype), whole);
}

/**
 * ln ∫ e^(κ (cos u − 1)) du from `from` to `to`, with −2π ≤ from ≤ 0 and from ≤ to ≤ from + 2π: the arc is cut at the peaks and troughs, and each
 * piece begins at the side of its peak.
 */
export function logArc(from: Tensor, to: Tensor, kappa: Tensor): Tensor {
  const between = (x: Tensor, low: number, high: number): Tensor => minimum(maximum(x, low), high);
  const pieces = [-2 * PI, -PI, 0, PI].map((start, i) => {
    const [low, high] = [between(from, start, start + PI), between(to, start, start + PI)];
    // Peaks lie at −2π, 0 and 2π.
    const falls = i % 2 === 0;
    const peak = falls ? start : start + PI;
    return falls
      ? logSide(sub(low, peak), sub(high, peak), kappa)
      : logSide(sub(peak, high), sub(peak, low), kappa);
  });
  const none = lessEqual(to, from);
  const shape = pieces.map((piece) => where(none, full([], 0, kappa.dtype), piece));
  const total = logsumexp(stack(shape, -1), -1);
  return where(none, full([], Number.NEGATIVE_INFINITY, kappa.dtype), total);
}

/** An angle moved by whole turns into [−π, π). */
export function withinTurn(x: Tensor): Tensor {
  const turns = stopGradient(floor(div(add(x, PI), 2 * PI)));
  return sub(x, mul(turns, 2 * PI));
}
