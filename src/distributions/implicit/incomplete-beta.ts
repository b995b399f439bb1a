/**
 * The regularised incomplete beta function Iₓ(a, b), the distribution function of a beta, by its logarithm at x = σ(u): accurate in both
 * tails for any a and b, and natively an expansion in elementary ops.
 *
 * With t = σ(u − w), ∫₀ˣ t^(a − 1) (1 − t)^(b − 1) dt = xᵃ (1 − x)ᵇ ∫₀^∞ exp(−f(w)) dw, and f is convex. For x at most the mean a/(a + b) it
 * never falls, so that one Gauss–Legendre rule gives the tail that x is in. Where a < 2 the recurrence in a shortens that tail, and for
 * a < 1 with x close to 0 there is a power series instead.
 */
import {
  abs,
  add,
  constant,
  defineOp,
  div,
  exp,
  expm1,
  full,
  grad,
  greater,
  less,
  lessEqual,
  lgamma,
  lgammaAboutTwo,
  log,
  log1p,
  log1pMinus,
  logicalAnd,
  logicalOr,
  minimum,
  mul,
  type NoAttributes,
  neg,
  operands,
  sigmoid,
  softplus,
  sqrt,
  square,
  stirlingRemainder,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../../tensor/index.ts";
import { lgammaDifference } from "../gamma-functions.ts";
import { logOneMinusExp } from "../logarithms.ts";
import { inverseLogIncompleteBeta, logIncompleteBeta } from "./incomplete-beta-numbers.ts";
import { gaussLegendre } from "./quadrature.ts";
import { inJointShape, sideBySide } from "./side-by-side.ts";

const EFFORT = {
  float32: { rule: gaussLegendre(20), decay: 18, terms: 15, exponential: 6 },
  float64: { rule: gaussLegendre(40), decay: 38, terms: 32, exponential: 11 },
} as const;

const effortFor = (x: Tensor) => EFFORT[x.dtype === "float64" ? "float64" : "float32"];

/** x and y = 1 − x with their logarithms. */
interface Place {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly logX: Tensor;
  readonly logY: Tensor;
}

/** The one place where a condition holds, the other elsewhere. */
const chosen = (condition: Tensor, one: Place, other: Place): Place => ({
  x: where(condition, one.x, other.x),
  y: where(condition, one.y, other.y),
  logX: where(condition, one.logX, other.logX),
  logY: where(condition, one.logY, other.logY),
});

const placeAt = (u: Tensor): Place => ({
  x: sigmoid(u),
  y: sigmoid(neg(u)),
  logX: neg(softplus(neg(u))),
  logY: neg(softplus(u)),
});

const mirrored = ({ x, y, logX, logY }: Place): Place => ({ x: y, y: x, logX: logY, logY: logX });

/** ln [xᵃ yᵇ / B(a, b)], by what is left of Stirling's formulas. */
function logHeight(a: Tensor, b: Tensor, { x, y, logX, logY }: Place): Tensor {
  const n = add(a, b);
  const d = sub(mul(b, x), mul(a, y));
  const part = (c: Tensor, off: Tensor, logs: Tensor): Tensor => {
    const r = div(off, c);
    const near = less(abs(r), 0.4);
    const far = sub(mul(c, add(where(near, 0, logs), log(div(n, c)))), off);
    return where(near, mul(c, log1pMinus(where(near, r, 0))), far);
  };
  const remainders = sub(stirlingRemainder(n), add(stirlingRemainder(a), stirlingRemainder(b)));
  const spread = mul(add(log(div(a, n)), log(mul(b, 0.5 / Math.PI))), 0.5);
  return add(add(part(a, d, logX), part(b, neg(d), logY)), add(spread, remainders));
}

/** eʷ − 1 − w. */
function expm2(w: Tensor): Tensor {
  const close = less(abs(w), 0.3);
  const small = where(close, w, 0);
  let series = full([], 1, w.dtype);
  for (let k = effortFor(w).exponential + 2; k >= 3; k--) series = add(mul(mul(series, small), 1 / k), 1);
  const large = where(close, 1, w);
  return where(close, mul(mul(square(small), 0.5), series), sub(expm1(large), large));
}

/** The integral at the top of this file, for a ≥ 2 and x at most the mean. */
function integral(a: Tensor, b: Tensor, { x, y }: Place): Tensor {
  const { rule, decay } = effortFor(a);
  const fallFrom = (n: Tensor, m: Tensor, p: Tensor, q: Tensor, w: Tensor): Tensor => {
    const half = lessEqual(p, 0.5);
    const s = where(half, mul(p, expm1(neg(w))), mul(q, expm1(where(half, 0, w))));
    const close = less(s, 0.4);
    const curve = mul(where(half, p, q), expm2(where(close, where(half, neg(w), w), 0)));
    const near = add(curve, log1pMinus(where(close, s, 0)));
    const far = sub(log1p(where(close, 0, s)), mul(q, w));
    return add(mul(m, w), mul(n, where(close, near, far)));
  };
  const n = add(a, b);
  const m = sub(mul(a, y), mul(b, x));
  const curvature = mul(n, mul(x, y));
  const slope = (w: Tensor): Tensor =>
    sub(m, mul(curvature, div(expm1(neg(w)), add(y, mul(x, exp(neg(w)))))));
  let end = div(2 * decay, add(m, sqrt(add(square(m), mul(curvature, 2 * decay)))));
  for (let i = 0; i < 5; i++) end = sub(end, div(sub(fallFrom(n, m, x, y, end), decay), slope(end)));
  // The integrand has vanished at the end, so the end's derivative does not matter.
  const reach = stopGradient(end);
  const count = rule.nodes.length;
  const w = mul(unsqueeze(reach, -1), constant(rule.nodes, [count], a.dtype));
  const column = (t: Tensor): Tensor => unsqueeze(t, -1);
  const fall = fallFrom(column(n), column(m), column(x), column(y), w);
  return mul(reach, sum(mul(exp(neg(fall)), constant(rule.weights, [count], a.dtype)), -1));
}

/** ln of the tail below x, for x at most the mean. For a < 2 from a + 2 (DLMF 8.17.20): the terms are positive. */
function logTail(a: Tensor, b: Tensor, at: Place): Tensor {
  const short = less(a, 2);
  const long = integral(where(short, add(a, 2), a), b, at);
  const s = where(short, a, 1);
  const xn = mul(at.x, add(s, b));
  const first = div(add(div(xn, add(s, 1)), 1), s);
  const factor = mul(div(xn, s), div(mul(at.x, add(add(s, b), 1)), add(s, 1)));
  return add(logHeight(a, b, at), log(where(short, add(first, mul(factor, long)), long)));
}

/** ln Γ(b + a) − ln Γ(b) for a < 1. */
function rise(b: Tensor, a: Tensor): Tensor {
  const small = less(b, 1);
  const s = where(small, b, 1);
  const near = sub(sub(lgamma(add(add(a, s), 1)), lgamma(add(s, 1))), log1p(div(a, s)));
  return where(small, near, lgammaDifference(where(small, 1, b), a));
}

/** ln P and ln(1 − P) for a < 1, x < 0.3 and b x < 1, by the power series of DLMF 8.17.7. */
function bySeries(a: Tensor, b: Tensor, { x, logX }: Place): readonly [Tensor, Tensor] {
  const { terms } = effortFor(a);
  let total = full([], 0, a.dtype);
  let power = full([], 1, a.dtype);
  for (let n = 1; n <= terms; n++) {
    power = mul(power, mul(mul(sub(n, b), x), 1 / n));
    total = add(total, div(power, add(a, n)));
  }
  const close = less(a, 0.5);
  const s = where(close, a, 0);
  const series = lgammaAboutTwo.reduceRight<Tensor>((t, c) => add(mul(t, s), c), full([], 0, a.dtype));
  const factorial = where(close, sub(mul(s, series), log1p(s)), lgamma(add(where(close, 1, a), 1)));
  const l = add(sub(mul(a, logX), factorial), rise(b, a));
  const rest = mul(a, total);
  const lower = minimum(add(l, log1p(rest)), -1e-30);
  const upper = minimum(log(neg(add(mul(expm1(l), add(rest, 1)), rest))), -1e-30);
  const isSmall = less(lower, -Math.LN2);
  return [
    where(isSmall, lower, logOneMinusExp(where(isSmall, -1, upper))),
    where(isSmall, logOneMinusExp(where(isSmall, lower, -1)), upper),
  ];
}

/** ln Iₓ(a, b) at x = σ(u). */
function expansion(a: Tensor, b: Tensor, u: Tensor): Tensor {
  const infinite = greater(abs(u), 1e30);
  const at = placeAt(where(infinite, 0, u));
  const other = mirrored(at);
  // The power series, at the end of the unit interval that is near.
  const left = less(at.x, 0.5);
  const end = chosen(left, at, other);
  const [c, d] = [where(left, a, b), where(left, b, a)];
  const series = logicalAnd(logicalAnd(less(c, 1), less(end.x, 0.3)), less(mul(d, end.x), 1));
  const middle = placeAt(full([], 0, a.dtype));
  const [below, above] = bySeries(where(series, c, 0.5), where(series, d, 1), {
    ...end,
    x: where(series, end.x, 0.25),
    logX: where(series, end.logX, Math.log(0.25)),
  });
  // Elsewhere, the integral over the smaller tail.
  const isLower = logicalOr(lessEqual(mul(b, at.x), mul(a, at.y)), series);
  const [p, q] = [where(isLower, a, b), where(isLower, b, a)];
  const side = chosen(isLower, at, other);
  const own = minimum(
    logTail(where(series, 2, p), where(series, 2, q), chosen(series, middle, side)),
    -1e-30,
  );
  const byTail = where(isLower, own, logOneMinusExp(own));
  const found = where(series, where(left, below, above), byTail);
  return where(infinite, where(less(u, 0), full([], Number.NEGATIVE_INFINITY, a.dtype), 0), found);
}

/** The density of u = logit of a beta draw, as a logarithm. */
const logDensityAt = (a: Tensor, b: Tensor, u: Tensor): Tensor => logHeight(a, b, placeAt(u));

/** The slopes of {@link expansion} in a and b, whatever these are computed from. */
function slopes(a: Tensor, b: Tensor, u: Tensor): readonly Tensor[] {
  const [p, q] = [mul(a, 1), mul(b, 1)];
  return grad(sum(expansion(p, q, u)), [p, q]);
}

const logIncompleteBetaOp = defineOp<NoAttributes, [Tensor, Tensor, Tensor]>({
  name: "logIncompleteBeta",
  ...sideBySide("logIncompleteBeta"),
  derivative: (g, y, [a, b, u]) => {
    const infinite = greater(abs(u), 1e30);
    const v = where(infinite, 0, u);
    const [byA, byB] = slopes(a, b, v);
    const byU = where(infinite, full([], 0, a.dtype), exp(sub(logDensityAt(a, b, v), y)));
    return [mul(g, where(infinite, 0, byA)), mul(g, where(infinite, 0, byB)), mul(g, byU)];
  },
  host: {
    kernel: () => (out, a, b, u) => {
      for (let i = 0; i < out.length; i++) out[i] = logIncompleteBeta(a[i], b[i], u[i]).lower;
    },
  },
  native: { expand: ([a, b, u]) => expansion(a, b, u) },
  cases: [
    [0.3, 3],
    [2, 30],
  ].map(([low, high]) => ({
    inputs: [
      [3, 4],
      [3, 4],
      [3, 4],
    ],
    domain: [low, high] as const,
  })),
});

const inverseOp = defineOp<NoAttributes, [Tensor, Tensor, Tensor]>({
  name: "inverseLogIncompleteBeta",
  ...sideBySide("inverseLogIncompleteBeta"),
  derivative: (g, u, [a, b, l]) => {
    const byL = exp(sub(l, logDensityAt(a, b, u)));
    const [byA, byB] = slopes(a, b, u);
    return [neg(mul(g, mul(byA, byL))), neg(mul(g, mul(byB, byL))), mul(g, byL)];
  },
  host: {
    kernel: () => (out, a, b, l) => {
      for (let i = 0; i < out.length; i++) out[i] = inverseLogIncompleteBeta(a[i], b[i], l[i]);
    },
  },
  native: {
    unsupported:
      "the quantile of a beta is found by a search of unknown length, which a native graph cannot make",
  },
  cases: [],
});

/** The ops of this file. */
export const incompleteBetaOps = [logIncompleteBetaOp, inverseOp] as const;

/**
 * ln Iₓ(a, b) at x = σ(u), for a, b > 0; shapes broadcast. The other tail, ln(1 − Iₓ(a, b)), is that of (b, a, −u).
 */
export const logBetainc = (a: TensorLike, b: TensorLike, u: TensorLike): Tensor =>
  logIncompleteBetaOp(inJointShape("betainc", a, b, u), {});

/** The u with ln I(a, b) = l at σ(u). On the host executor alone. */
export const inverseLogBetainc = (a: TensorLike, b: TensorLike, l: TensorLike): Tensor =>
  inverseOp(inJointShape("inverse betainc", a, b, l), {});

/**
 * The regularised incomplete beta function Iₓ(a, b), the probability of at most x under Beta(a, b), for a, b > 0 and x in [0, 1]. Shapes broadcast. Its
 * relative error is small in the lower tail too; for the upper tail take betainc(b, a, 1 − x). Derivatives are known in all arguments.
 *
 * @example
 * await betainc(2, 1, 0.5).value(); // 0.25: x²
 */
export function betainc(a: TensorLike, b: TensorLike, x: TensorLike): Tensor {
  const [p, q, z] = operands("betainc", a, b, x);
  const [under, over] = [lessEqual(z, 0), lessEqual(1, z)];
  const safe = where(logicalOr(under, over), 0.5, z);
  const found = exp(logBetainc(p, q, sub(log(safe), log1p(neg(safe)))));
  const outside = logicalOr(less(z, 0), less(1, z));
  const end = where(under, 0, full([], 1, found.dtype));
  return where(outside, full([], Number.NaN, found.dtype), where(logicalOr(under, over), end, found));
}
