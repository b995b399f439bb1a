/**
 * The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 − P, the distribution function of a gamma and its complement, by
 * their logarithms: accurate in both tails for any a, and natively an expansion in elementary ops.
 *
 * With t = x eʷ, ∫ₓ^∞ t^(a − 1) e^−t dt = xᵃ e^−x ∫₀^∞ exp(−a [m (eʷ − 1) + (eʷ − 1 − w)]) dw, m = x/a − 1, and the same downwards for the
 * lower tail. No term of the exponent rises, so that one Gauss–Legendre rule gives the tail that x is in. For x < 1, power series.
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
  less,
  lgamma,
  lgammaAboutTwo,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../../tensor/index.ts";
import { gammaLogDensity } from "../gamma-functions.ts";
import { logOneMinusExp } from "../logarithms.ts";
import { gammaLogDerivative } from "./gamma-derivative.ts";
import { inverseLogIncompleteGamma, logIncompleteGamma } from "./incomplete-gamma-numbers.ts";
import { gaussLegendre } from "./quadrature.ts";
import { inJointShape, sideBySide } from "./side-by-side.ts";

const EFFORT = {
  float32: { rule: gaussLegendre(16), decay: 17, terms: 11, exponential: 6 },
  float64: { rule: gaussLegendre(40), decay: 38, terms: 18, exponential: 11 },
} as const;

const effortFor = (x: Tensor) => EFFORT[x.dtype === "float64" ? "float64" : "float32"];

/** eʷ − 1 − w. */
function expm2(w: Tensor): Tensor {
  const close = less(abs(w), 0.3);
  const small = where(close, w, 0);
  let series = full([], 1, w.dtype);
  for (let k = effortFor(w).exponential + 2; k >= 3; k--) series = add(mul(mul(series, small), 1 / k), 1);
  const large = where(close, 1, w);
  return where(close, mul(mul(square(small), 0.5), series), sub(expm1(large), large));
}

/** ln of the integral at the top of this file, for x ≥ 1. */
function logIntegral(a: Tensor, x: Tensor): Tensor {
  const { rule, decay } = effortFor(a);
  const m = div(sub(x, a), a);
  const down = less(m, 0);
  const signed = (w: Tensor): Tensor => where(down, neg(w), w);
  const fall = (w: Tensor): Tensor => mul(a, add(mul(m, expm1(signed(w))), expm2(signed(w))));
  const slope = (w: Tensor): Tensor => signed(mul(a, add(mul(m, exp(signed(w))), expm1(signed(w)))));
  const linear = mul(a, abs(m));
  let end = div(2 * decay, add(linear, sqrt(add(square(linear), mul(x, 2 * decay)))));
  for (let i = 0; i < 4; i++) end = sub(end, div(sub(fall(end), decay), slope(end)));
  const n = rule.nodes.length;
  const reach = unsqueeze(end, -1);
  const w = mul(where(unsqueeze(down, -1), neg(reach), reach), constant(rule.nodes, [n], a.dtype));
  const exponent = mul(unsqueeze(a, -1), add(mul(unsqueeze(m, -1), expm1(w)), expm2(w)));
  return add(log(sum(mul(exp(neg(exponent)), constant(rule.weights, [n], a.dtype)), -1)), log(end));
}

/** ln Γ(1 + a), relative to a for small a. */
function lgammaAboveOne(a: Tensor): Tensor {
  const small = less(a, 0.5);
  const s = where(small, a, 0);
  const series = lgammaAboutTwo.reduceRight<Tensor>((t, c) => add(mul(t, s), c), full([], 0, a.dtype));
  return where(small, sub(mul(s, series), log1p(s)), lgamma(add(where(small, 1, a), 1)));
}

/** Both logarithms for x < 1, by power series (DLMF 8.7.1 and 8.7.3). */
function belowOne(
  a: Tensor,
  x: Tensor,
  logHeight: Tensor,
): { readonly lower: Tensor; readonly upper: Tensor } {
  const { terms } = effortFor(a);
  let rising = full([], 1, a.dtype);
  for (let k = terms; k > 0; k--) rising = add(mul(rising, div(x, add(a, k))), 1);
  const lower = minimum(add(sub(logHeight, log(a)), log(rising)), 0);
  let s = full([], 0, a.dtype);
  let power = full([], 1, a.dtype);
  for (let n = 1; n <= terms; n++) {
    power = mul(power, mul(x, -1 / n));
    s = add(s, div(power, add(a, n)));
  }
  const l = sub(mul(a, log(x)), lgammaAboveOne(a));
  const rest = mul(a, s);
  const upper = log(neg(add(mul(expm1(l), add(rest, 1)), rest)));
  return { lower, upper: where(less(a, 0.5), upper, logOneMinusExp(minimum(lower, -1e-30))) };
}

function expansion(a: Tensor, x: Tensor, upper: boolean): Tensor {
  const inside = less(0, x);
  const y = where(inside, x, 1);
  const height = add(gammaLogDensity(y, a), log(y));
  const small = less(y, 1);
  const series = belowOne(a, where(small, y, 0.5), where(small, height, -1));
  const own = minimum(add(where(small, -1, height), logIntegral(a, maximum(y, 1))), 0);
  // The integral is that of the upper tail from x = a on, there included.
  const isLower = less(y, a);
  const other = logOneMinusExp(minimum(own, -1e-30));
  const far = upper ? where(isLower, other, own) : where(isLower, own, other);
  const found = where(small, upper ? series.upper : series.lower, far);
  const end = full([], upper ? 0 : Number.NEGATIVE_INFINITY, a.dtype);
  return where(inside, found, add(end, mul(x, 0)));
}

type TailAttributes = { readonly upper: boolean };

const logIncompleteGammaOp = defineOp<TailAttributes, [Tensor, Tensor]>({
  name: "logIncompleteGamma",
  ...sideBySide("logIncompleteGamma"),
  derivative: (g, y, [a, x], { upper }) => {
    const inside = less(0, x);
    const z = where(inside, x, 1);
    const density = gammaLogDensity(z, a);
    const sign = upper ? -1 : 1;
    const byX = mul(exp(sub(density, y)), sign);
    // ∂P/∂a is −x p(x) times the derivative of ln x at a fixed quantile.
    const byA = mul(mul(exp(sub(add(density, log(z)), y)), gammaLogDerivative(a, log(div(z, a)))), -sign);
    const none = full([], 0, a.dtype);
    return [mul(g, where(inside, byA, none)), mul(g, where(inside, byX, none))];
  },
  host: {
    kernel: (node) => {
      const { upper } = node.attributes;
      return (out, a, x) => {
        for (let i = 0; i < out.length; i++) {
          const both = logIncompleteGamma(a[i], x[i]);
          out[i] = upper ? both.upper : both.lower;
        }
      };
    },
  },
  native: { expand: ([a, x], node) => expansion(a, x, node.attributes.upper) },
  cases: [true, false].map((upper) => ({
    inputs: [
      [3, 4],
      [3, 4],
    ],
    domain: [0.3, 3] as const,
    attributes: { upper },
  })),
});

const inverseOp = defineOp<TailAttributes, [Tensor, Tensor]>({
  name: "inverseLogIncompleteGamma",
  ...sideBySide("inverseLogIncompleteGamma"),
  derivative: (g, x, [a, l], { upper }) => {
    const byL = mul(exp(sub(l, gammaLogDensity(x, a))), upper ? -1 : 1);
    return [mul(g, mul(x, gammaLogDerivative(a, log(div(x, a))))), mul(g, byL)];
  },
  host: {
    kernel: (node) => {
      const { upper } = node.attributes;
      return (out, a, l) => {
        for (let i = 0; i < out.length; i++) out[i] = inverseLogIncompleteGamma(a[i], l[i], upper);
      };
    },
  },
  native: {
    unsupported:
      "the quantile of a gamma is found by a search of unknown length, which a native graph cannot make",
  },
  cases: [],
});

/** The ops of this file. */
export const incompleteGammaOps = [logIncompleteGammaOp, inverseOp] as const;

/** ln P(a, x) for a > 0, x ≥ 0, or ln Q(a, x) if `upper`; shapes broadcast. */
export const logGammainc = (a: TensorLike, x: TensorLike, upper: boolean): Tensor =>
  logIncompleteGammaOp(inJointShape("gammainc", a, x), { upper });

/** The x with ln P(a, x) = l, or ln Q(a, x) = l if `upper`. On the host executor alone. */
export const inverseLogGammainc = (a: TensorLike, l: TensorLike, upper: boolean): Tensor =>
  inverseOp(inJointShape("inverse gammainc", a, l), { upper });

/**
 * The regularised lower incomplete gamma function P(a, x), the probability of at most x under a gamma with concentration a > 0 and rate 1. Shapes
 * broadcast. Its relative error is small in the lower tail too; derivatives are known in both arguments.
 *
 * @example
 * await gammainc(1, 1).value(); // 0.6321: 1 − 1/e
 */
export const gammainc = (a: TensorLike, x: TensorLike): Tensor => exp(logGammainc(a, x, false));

/** The regularised upper incomplete gamma function Q(a, x) = 1 − P(a, x), with a small relative error in the upper tail. Shapes broadcast. */
export const gammaincc = (a: TensorLike, x: TensorLike): Tensor => exp(logGammainc(a, x, true));
