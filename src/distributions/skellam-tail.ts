/** The lower tail of the difference of two Poisson counts. */
import {
  abs,
  add,
  arange,
  constant,
  cos,
  div,
  exp,
  expm1,
  floor,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  sin,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";

/** Steps of the trapezoid rule on half a circle, and how far its terms fall. */
const EFFORT = {
  float32: { steps: 40, decay: 20 },
  float64: { steps: 96, decay: 40 },
} as const;

/** eᵘ u − eᵘ + 1 ≥ 0: what a count of mean μ eᵘ deviates from μ, by μ. */
function deviation(u: Tensor): Tensor {
  const near = less(abs(u), 0.5);
  const small = where(near, u, 0);
  // Σ uᵏ/(k! …): u²/2 + u³/3 + u⁴/8 + … with the coefficients (k − 1)/k!.
  let series = mul(small, 0);
  const coefficients: number[] = [];
  let factorial = 1;
  for (let k = 2; k <= 16; k++) {
    factorial *= k;
    coefficients.push((k - 1) / factorial);
  }
  for (const c of coefficients.reverse()) series = add(mul(series, small), c);
  return where(near, mul(series, square(small)), sub(mul(exp(u), u), expm1(u)));
}

/** sin t − t for 0 ≤ t ≤ π. */
function sineExcess(t: Tensor): Tensor {
  const near = less(t, 1);
  const s = square(where(near, t, 0));
  let series = mul(s, 0);
  for (let k = 9; k >= 1; k--) series = mul(add(series, -1), div(s, -2 * k * (2 * k + 1)));
  return where(near, neg(mul(series, t)), sub(sin(t), t));
}

/**
 * ln P(N₁ − N₂ ≤ k) of Poisson counts with means m and n, to a small relative error of the probability for k up to about a standard deviation above the mean; a
 * larger k counts as one there. For |z| = eˢ < 1 it is the integral of E[z^(N₁ − N₂)] z^−k/(1 − z) around the circle, divided by 2π, and the trapezoid rule converges
 * exponentially. At the saddle point eˢ all that oscillates is slow; nearer to the mean s stays a standard deviation away from the pole at z = 1.
 */
export function logSkellamCdf(k: Tensor, m: Tensor, n: Tensor): Tensor {
  const { dtype } = m;
  const { steps, decay } = EFFORT[dtype === "float64" ? "float64" : "float32"];
  const [one, two] = [stopGradient(m), stopGradient(n)];
  const spread = sqrt(add(one, two));
  const most = add(add(sub(one, two), spread), 1);
  const at = minimum(k, floor(most));
  // a = m eˢ and b = n e^−ˢ differ by k at the saddle point.
  const product = mul(sqrt(one), sqrt(two));
  const radius = sqrt(add(square(at), square(mul(product, 2))));
  const larger = mul(add(radius, abs(at)), 0.5);
  const saddle = where(less(at, 0), sub(log(two), log(larger)), sub(log(larger), log(one)));
  const gap = minimum(div(1, maximum(spread, 1)), 1);
  const s = stopGradient(minimum(saddle, neg(gap)));
  const [a, b] = [mul(m, exp(s)), mul(n, exp(neg(s)))];
  // a − b − k, in which the means cancel first.
  const rest = add(sub(sub(m, n), at), sub(mul(m, expm1(s)), mul(n, expm1(neg(s)))));
  const height = sub(mul(rest, s), add(mul(m, deviation(s)), mul(n, deviation(neg(s)))));
  // Beyond the angle where (a + b)(1 − cos θ) = decay nothing is left; arcsin x ≤ π x/2.
  const width = stopGradient(add(a, b));
  const share = minimum(sqrt(div(decay / 2, maximum(width, decay / 2))), 1);
  const step = unsqueeze(mul(share, Math.PI / steps), -1);
  const angle = mul(step, arange(steps + 1, dtype));
  const column = (t: Tensor): Tensor => unsqueeze(t, -1);
  const halfSine = square(sin(mul(angle, 0.5)));
  const size = exp(mul(mul(column(add(a, b)), halfSine), -2));
  const turn = add(mul(column(rest), sin(angle)), mul(column(at), sineExcess(angle)));
  // 1 − z = real − i·imaginary.
  const grown = column(exp(s));
  const real = sub(mul(mul(grown, halfSine), 2), column(expm1(s)));
  const imaginary = mul(grown, sin(angle));
  // Re[e^(i turn)/(1 − z)].
  const part = div(
    sub(mul(cos(turn), real), mul(sin(turn), imaginary)),
    add(square(real), square(imaginary)),
  );
  const weights = constant(
    Array.from({ length: steps + 1 }, (_, i) => (i === 0 || i === steps ? 0.5 : 1)),
    [steps + 1],
    dtype,
  );
  const total = sum(mul(mul(size, part), weights), -1);
  return add(height, log(mul(total, mul(share, 1 / steps))));
}
