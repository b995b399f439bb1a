import {
  add,
  constant,
  div,
  erfcx,
  exp,
  expm1,
  less,
  log,
  logNormalCdf,
  maximum,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { nonNegative, positive } from "./constraints.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { ratioExcess } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { registerKl } from "./kl.ts";
import { logOf } from "./logarithms.ts";
import { expandTo, HALF_LOG_TWO_PI, logSumOfTwo, tiniest } from "./numerics.ts";
import { searchReals, tailsFrom } from "./quantile-search.ts";

const EFFORT = {
  float32: { rule: gaussLegendre(16), decay: 18 },
  float64: { rule: gaussLegendre(40), decay: 38 },
} as const;

/**
 * erfcx(c/√2) − erfcx(d/√2) for 0 ≤ c < d = c + step. Where they are near to each other, from the integral (2/√π) ∫₀^∞ e^(−s² − √2cs) (1 − e^(−√2 step s)) ds,
 * in which nothing is subtracted.
 */
function fallOf(c: Tensor, d: Tensor, step: Tensor, scaled: (t: Tensor) => Tensor): Tensor {
  const close = less(step, 1);
  const { rule, decay } = EFFORT[c.dtype === "float64" ? "float64" : "float32"];
  const slope = mul(c, Math.SQRT2);
  const reach = div(2 * decay, add(slope, sqrt(add(square(slope), 4 * decay))));
  const n = rule.nodes.length;
  const s = mul(unsqueeze(reach, -1), constant(rule.nodes, [n], c.dtype));
  const height = exp(neg(mul(s, add(s, unsqueeze(slope, -1)))));
  const part = neg(expm1(mul(s, unsqueeze(mul(where(close, step, 1), -Math.SQRT2), -1))));
  const near = mul(reach, sum(mul(mul(height, part), constant(rule.weights, [n], c.dtype)), -1));
  return where(close, mul(near, 2 / Math.sqrt(Math.PI)), sub(scaled(c), scaled(d)));
}

/** The distribution that {@link InverseGaussian} returns: parameters, moments and densities as expressions. */
export class InverseGaussianDistribution extends Distribution {
  /** μ, the mean. */
  readonly loc: Tensor;
  /** λ. */
  readonly concentration: Tensor;

  /** Use {@link InverseGaussian}. */
  constructor(parameters: Parameters) {
    super({
      name: "InverseGaussian",
      parameters,
      constraints: { loc: positive, concentration: positive },
      support: nonNegative,
      reparameterised: false,
      ranges: { loc: "nonNegative" },
    });
    this.loc = parameters.loc;
    this.concentration = parameters.concentration;
  }

  override get exponentialFamily(): ExponentialFamily {
    const { loc, concentration, batchShape } = this;
    return {
      ranks: [0, 0],
      naturalParameters: [
        expandTo(mul(div(concentration, square(loc)), -0.5), batchShape),
        expandTo(mul(concentration, -0.5), batchShape),
      ],
      sufficientStatistics: (x) => [x, div(1, x)],
      logNormalizer: ([a, b]) => sub(mul(log(mul(b, -2)), -0.5), mul(sqrt(mul(a, b)), 2)),
      logBaseMeasure: (x) => sub(mul(log(x), -1.5), HALF_LOG_TWO_PI),
      distributionAt: ([a, b]) =>
        new InverseGaussianDistribution({ loc: sqrt(div(b, a)), concentration: mul(b, -2) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    const { loc, concentration } = this;
    const some = less(0, x);
    const y = where(some, x, 1);
    const z = mul(sub(div(y, loc), 1), sqrt(div(concentration, y)));
    const heights = sub(mul(sub(logOf(concentration), mul(logOf(y), 3)), 0.5), HALF_LOG_TWO_PI);
    return where(some, sub(heights, mul(square(z), 0.5)), Number.NEGATIVE_INFINITY);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { loc, concentration, dtype } = this;
    const normal = noise("normal", `${site}/normal`, shape, dtype);
    const w = mul(div(loc, concentration), mul(square(normal), 0.5));
    // The smaller root over μ, and its reciprocal.
    const larger = add(add(w, 1), sqrt(mul(w, add(w, 2))));
    const u = noise("uniform", `${site}/root`, shape, dtype);
    const isSmaller = less(mul(u, add(div(1, larger), 1)), 1);
    const drawn = mul(loc, where(isSmaller, div(1, larger), larger));
    return maximum(stopGradient(drawn), tiniest(dtype));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new InverseGaussianDistribution(parameters);
  }

  /** With r = √(λ/x), a = r (x/μ − 1) and b = r (x/μ + 1): P(X ≤ x) = Φ(a) + e^(2λ/μ) Φ(−b), and 2λ/μ = (b² − a²)/2. */
  protected override cumulative(): Cumulative {
    const second = (a: Tensor, b: Tensor, scaled: (t: Tensor) => Tensor): Tensor =>
      sub(log(mul(scaled(b), 0.5)), mul(square(a), 0.5));
    const parts = (x: Tensor) => {
      const [r, ratio] = [sqrt(div(this.concentration, x)), div(x, this.loc)];
      const [a, b] = [mul(r, sub(ratio, 1)), mul(r, add(ratio, 1))];
      const scaled = (t: Tensor): Tensor => erfcx(mul(t, Math.SQRT1_2));
      return { a, b, scaled };
    };
    const tails = pairOfTails(
      (x) => {
        const { a, b, scaled } = parts(x);
        return logSumOfTwo(logNormalCdf(a), second(a, b, scaled));
      },
      (x) => {
        const { a, b, scaled } = parts(x);
        const right = less(0, a);
        const [c, d] = [where(right, a, 0), where(right, b, 1)];
        const step = mul(sqrt(div(this.concentration, x)), 2);
        const far = sub(log(mul(fallOf(c, d, step, scaled), 0.5)), mul(square(c), 0.5));
        const near = sub(exp(logNormalCdf(neg(a))), exp(second(a, b, scaled)));
        return where(right, far, log(where(right, 1, near)));
      },
    );
    const of = { ...tails, logDensity: (x: Tensor) => this.logDensity(x) };
    // P(X ≤ x) ≤ e^(−a²/2) for a < 0, and P(X > x) ≤ e^(−a²/2) for a > 0: the quantile lies between the places where these are the probability.
    const ratioAt = (l: Tensor): Tensor => {
      const w = mul(div(this.loc, this.concentration), neg(l));
      return add(add(w, 1), sqrt(mul(w, add(w, 2))));
    };
    const quantile = (l: Tensor, upper: boolean): Tensor => {
      const p = tailsFrom(l, upper);
      return searchReals(of, p, {
        low: div(this.loc, ratioAt(p.lower)),
        high: mul(this.loc, ratioAt(p.upper)),
      });
    };
    return { ...tails, logIcdf: (l) => quantile(l, false), logIsf: (l) => quantile(l, true) };
  }

  protected override forms(): ClosedForms {
    const { loc, concentration } = this;
    return {
      mean: () => loc,
      variance: () => mul(square(loc), div(loc, concentration)),
      mode: () => {
        const k = mul(div(loc, concentration), 1.5);
        return div(loc, add(sqrt(add(square(k), 1)), k));
      },
    };
  }
}

/**
 * The inverse Gaussian (Wald) distribution with mean `loc` and concentration λ: the time at which a Brownian motion with drift first reaches a
 * level. Density √(λ/2πx³) exp(−λ(x − loc)²/(2 loc² x)) on x > 0; variance loc³/λ. Shapes broadcast to the batch. SciPy's
 * `invgauss(loc/λ, scale=λ)`.
 *
 * Drawn by Michael, Schucany & Haas (1976), exactly; draws have no derivatives. Quantiles are found by a search of a fixed number of steps; their
 * derivatives are those of the distribution function's inverse.
 *
 * @example
 * await InverseGaussian(2, 4).variance().value(); // 2
 *
 * @throws UsageError when a known parameter is not positive.
 */
export function InverseGaussian(loc: TensorLike, concentration: TensorLike): InverseGaussianDistribution {
  const [m, l] = operands("InverseGaussian", loc, concentration);
  return new InverseGaussianDistribution({ loc: m, concentration: l });
}

// ½ [r − 1 − ln r + λ_q (μ_p − μ_q)²/(μ_q² μ_p)], r = λ_q/λ_p.
registerKl(InverseGaussianDistribution, InverseGaussianDistribution, (p, q) => {
  const shape = ratioExcess(q.concentration, p.concentration);
  const shift = div(sub(p.loc, q.loc), q.loc);
  const place = mul(div(q.concentration, p.loc), square(shift));
  return mul(add(shape, place), 0.5);
});
