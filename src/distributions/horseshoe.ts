import {
  add,
  constant,
  cos,
  type DType,
  div,
  exp,
  expm1,
  full,
  less,
  log,
  log1p,
  minimum,
  mul,
  neg,
  noise,
  normalCdf,
  operands,
  type Shape,
  sin,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import { type Cumulative, symmetric, symmetricLogIcdf, type Tail } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { logOf } from "./logarithms.ts";
import { searchReals, tailsFrom } from "./quantile-search.ts";

const EULER_GAMMA = 0.5772156649015329;
const EFFORT = {
  float32: { rule: gaussLegendre(16), decay: 18, terms: 12 },
  float64: { rule: gaussLegendre(40), decay: 38, terms: 20 },
} as const;

/** Beyond `reach`, Φ(−s) is below the rounding of its integral. */
const TAIL = {
  float32: { rule: gaussLegendre(20), reach: 6, terms: 10 },
  float64: { rule: gaussLegendre(48), reach: 9, terms: 20 },
} as const;

/** ln [e^q E₁(q)] for q = eˡ, E₁ the exponential integral. */
export function logScaledExponentialIntegral(l: Tensor): Tensor {
  const { rule, decay, terms } = EFFORT[l.dtype === "float64" ? "float64" : "float32"];
  const small = less(l, 0);
  // DLMF 6.6.2: E₁(q) = −γ − ln q − Σ (−q)ᵏ/(k k!).
  const near = where(small, l, -1);
  const q = exp(near);
  let series = full([], 0, l.dtype);
  let factorial = 1;
  const coefficients = Array.from({ length: terms }, (_, i) => {
    factorial *= i + 1;
    return (i % 2 === 0 ? 1 : -1) / ((i + 1) * factorial);
  });
  for (const c of coefficients.reverse()) series = mul(add(series, c), q);
  const direct = add(q, log(sub(series, add(near, EULER_GAMMA))));
  // e^q E₁(q) = ∫₀^∞ exp(−q (eʷ − 1)) dw.
  const far = exp(where(small, 0, l));
  const reach = log1p(div(decay, far));
  const n = rule.nodes.length;
  const w = mul(unsqueeze(reach, -1), constant(rule.nodes, [n], l.dtype));
  const height = exp(neg(mul(unsqueeze(far, -1), expm1(w))));
  const integral = mul(reach, sum(mul(height, constant(rule.weights, [n], l.dtype)), -1));
  return where(small, direct, log(integral));
}

/** The tail of the standard distribution beyond a ≥ 0, from which nothing is subtracted where it is small. */
const tailOf = (dtype: DType): Tail => {
  const { rule, reach, terms } = TAIL[dtype === "float64" ? "float64" : "float32"];
  const n = rule.nodes.length;
  /** ½ − P(X > a) for a ≤ √2, from e^q E₁(q) = Σ qᵏ/k! (ψ(k + 1) − ln q) with q = a²/2. */
  const inner = (a: Tensor): Tensor => {
    const q = mul(square(a), 0.5);
    const above = less(0, a);
    const logA = log(where(above, a, 1));
    let series = full([], 0, dtype);
    for (let k = terms; k >= 0; k--) {
      let psi = -EULER_GAMMA;
      for (let j = 1; j <= k; j++) psi += 1 / j;
      const term = sub(psi + Math.LN2 + 2 / (2 * k + 1), mul(logA, 2));
      series = add(div(mul(series, q), k + 1), div(term, 2 * k + 1));
    }
    return mul(where(above, mul(series, a), 0), 1 / Math.sqrt(2 * Math.PI ** 3));
  };
  /** P(X > a) = (2/π) ∫₀^∞ Φ(−s) a/(a² + s²) ds, by a. */
  const outer = (a: Tensor): Tensor => {
    const s = constant(
      rule.nodes.map((t) => t * reach),
      [n],
      dtype,
    );
    const weights = mul(normalCdf(neg(s)), constant(rule.weights, [n], dtype));
    const shares = div(weights, add(square(div(s, unsqueeze(a, -1))), 1));
    return mul(sum(shares, -1), (2 / Math.PI) * reach);
  };
  const parts = (a: Tensor) => {
    const near = less(a, Math.SQRT2);
    return { near, close: where(near, a, 1), far: where(near, 2, a) };
  };
  return {
    tail: (a) => {
      const { near, close, far } = parts(a);
      return where(near, sub(0.5, inner(close)), div(outer(far), far));
    },
    logTail: (a) => {
      const { near, close, far } = parts(a);
      return where(near, log(sub(0.5, inner(close))), sub(log(outer(far)), log(far)));
    },
  };
};

/** The log density of the standard distribution. */
const standardLogDensity = (a: Tensor): Tensor =>
  sub(logScaledExponentialIntegral(sub(log(square(a)), Math.LN2)), 1.5 * Math.log(Math.PI) + 0.5 * Math.LN2);

/** The a ≥ 0 at which the log tail is l ≤ ln ½. */
function fromLogTail(l: Tensor): Tensor {
  const { tail, logTail } = tailOf(l.dtype);
  const of = {
    logCdf: (a: Tensor) => log1p(neg(tail(a))),
    logSurvival: logTail,
    logDensity: standardLogDensity,
  };
  // P(X > a) < √(2/π³)/a.
  const most = l.dtype === "float64" ? 709 : 88;
  const high = exp(minimum(sub(0.5 * Math.log(2 / Math.PI ** 3), l), most));
  return searchReals(of, tailsFrom(l, true), { low: mul(l, 0), high });
}

/** The distribution that {@link Horseshoe} returns: parameters and densities as expressions. */
export class HorseshoeDistribution extends Distribution {
  readonly scale: Tensor;

  /** Use {@link Horseshoe}. */
  constructor(parameters: Parameters) {
    super({
      name: "Horseshoe",
      parameters,
      constraints: { scale: positive },
      support: real,
      reparameterised: true,
      ranges: { scale: "nonNegative" },
    });
    this.scale = parameters.scale;
  }

  /** With q = x²/(2 scale²): e^q E₁(q)/(scale √(2π³)). */
  protected override logDensity(x: Tensor): Tensor {
    return sub(standardLogDensity(div(x, this.scale)), logOf(this.scale));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const u = noise("uniform", `${site}/local`, shape, this.dtype);
    const angle = mul(u, Math.PI / 2);
    const local = div(sin(angle), cos(angle));
    return mul(mul(noise("normal", `${site}/normal`, shape, this.dtype), local), this.scale);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new HorseshoeDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { scale } = this;
    const logIcdf = (l: Tensor): Tensor => mul(symmetricLogIcdf(fromLogTail, l), scale);
    return {
      ...symmetric(tailOf(this.floatDType), (x) => div(x, scale)),
      logIcdf,
      logIsf: (l) => neg(logIcdf(l)),
      median: () => mul(scale, 0),
    };
  }

  protected override forms(): ClosedForms {
    return { mode: () => mul(this.scale, 0) };
  }
}

/**
 * The horseshoe prior for coefficients of which most are near 0 and a few are large (Carvalho, Polson & Scott 2010): a normal whose standard
 * deviation is a half-Cauchy with this `scale`, which is integrated out. The density is infinite at 0 and falls like 1/x²; it has no mean.
 * The scale's shape is the batch. Draws are differentiable in the scale. The distribution function is a series near 0 and an integral by
 * Gauss's rule further out; quantiles are found by a search.
 *
 * As a latent site its pole at 0 is hard to sample: there, write the half-Cauchy and the normal as two sites.
 *
 * @example
 * await Horseshoe(1).logProb(1).value(); // -2.1439
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export const Horseshoe = (scale: TensorLike): HorseshoeDistribution =>
  new HorseshoeDistribution({ scale: operands("Horseshoe", scale)[0] });
