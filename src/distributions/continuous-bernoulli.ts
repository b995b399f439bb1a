/**
 * The continuous Bernoulli (Loaiza-Ganem & Cunningham 2019) in terms of its logit l = ln λ/(1 − λ): an exponential family
 * on [0, 1] with density e^{x l} l / (eˡ − 1). The formulas look singular at l = 0 (λ = ½), but the functions are smooth. Near 0
 * they are computed by power series, elsewhere by forms that neither overflow nor cancel.
 */
import {
  abs,
  add,
  constant,
  div,
  equal,
  exp,
  expm1,
  full,
  greater,
  less,
  log,
  log1p,
  logicalOr,
  maximum,
  mul,
  neg,
  noise,
  relu,
  type Shape,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { real, unitInterval } from "./constraints.ts";
import { type Cumulative, complement, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { registerKl } from "./kl.ts";
import { knowsLog, knowsLogComplement, logComplementOf, logOf } from "./logarithms.ts";
import { expandTo, type LogitsOrProbs, oneOf } from "./numerics.ts";

/** B₂ₙ / (2n)! for n = 1, 2, …, with the Bernoulli numbers B₂ₙ; the series converge for |l| < 2π. */
const SERIES = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
  -3617 / 10670622842880000,
  43867 / 5109094217170944000,
];

/** The logit that represents probabilities of 0 and 1 (with a minus sign for 0). */
const LARGEST = 1e4;

/** The series are used up to |l| = 1. Term n is about (2π)⁻²ⁿ, so 9 terms suffice for float64, in which float32 programs may also run. */
const RADIUS = 1;

/** Σ weight(n) B₂ₙ/(2n)! sⁿ⁻¹ by Horner's rule. */
function series(s: Tensor, weight: (n: number) => number): Tensor {
  const terms = SERIES.map((c, i) => c * weight(i + 1));
  return terms.reduceRight<Tensor>((sum, c) => add(mul(sum, s), c), full([], 0, s.dtype));
}

/** One expression near 0 and another away from it; neither is given arguments for which it fails. */
function near(
  l: Tensor,
  radius: number,
  inside: (l: Tensor) => Tensor,
  outside: (l: Tensor) => Tensor,
): Tensor {
  const close = less(abs(l), radius);
  return where(close, inside(where(close, l, 0)), outside(where(close, 1, l)));
}

/** ln ∫₀¹ e^{x l} dx = ln (eˡ − 1)/l. */
const logNormalizer = (l: Tensor): Tensor =>
  near(
    l,
    RADIUS,
    (x) => {
      const s = square(x);
      return add(
        mul(x, 0.5),
        mul(
          s,
          series(s, (n) => 1 / (2 * n)),
        ),
      );
    },
    (x) => {
      const a = abs(x);
      return add(relu(x), log(div(sub(1, exp(neg(a))), a)));
    },
  );

/** Its derivative, which is the mean: 1/(1 − e⁻ˡ) − 1/l. */
const meanOf = (l: Tensor): Tensor =>
  near(
    l,
    RADIUS,
    (x) =>
      add(
        mul(
          x,
          series(square(x), () => 1),
        ),
        0.5,
      ),
    (x) => add(sub(div(0.5, tanh(mul(x, 0.5))), div(1, x)), 0.5),
  );

/** The derivative of the mean, which is the variance: 1/l² − 1/(4 sinh²(l/2)). */
const varianceOf = (l: Tensor): Tensor =>
  near(
    l,
    RADIUS,
    (x) => series(square(x), (n) => 2 * n - 1),
    (x) => {
      const a = neg(abs(x));
      // 1/(4 sinh²(l/2)) = e^−|l|/(1 − e^−|l|)².
      return sub(div(1, square(x)), div(exp(a), square(expm1(a))));
    },
  );

/** Points and weights of the integral in {@link divergence}. */
const alongRule = { float32: gaussLegendre(5), float64: gaussLegendre(10) } as const;

/**
 * The Bregman divergence C(m) − C(l) − (m − l) C′(l) of the log normaliser. Where the logits are near to each other it is
 * (m − l)² ∫₀¹ (1 − s) C″(l + s(m − l)) ds, in which nothing cancels. Elsewhere it is computed on the side where the mean of l is below ½ and small.
 */
function divergence(l: Tensor, m: Tensor): Tensor {
  const d = sub(m, l);
  const close = less(abs(d), maximum(mul(abs(l), 0.5), 2));
  const { nodes, weights } = alongRule[l.dtype === "float64" ? "float64" : "float32"];
  const row = (values: readonly number[]): Tensor => constant(values, [values.length], l.dtype);
  const between = add(unsqueeze(l, -1), mul(unsqueeze(where(close, d, 0), -1), row(nodes)));
  const curved = sum(mul(varianceOf(between), row(weights.map((w, i) => w * (1 - nodes[i])))), -1);
  const [low, other] = [neg(abs(l)), where(greater(l, 0), neg(m), m)];
  const far = add(mul(meanOf(low), sub(low, other)), sub(logNormalizer(other), logNormalizer(low)));
  return where(close, mul(square(d), curved), far);
}

/**
 * The quantile ln(1 + u (eˡ − 1)) / l; `rest` is 1 − u. Near l = 0 it is K(l)/l with K the cumulant function of a Bernoulli(u), whose
 * first five cumulants leave an error below 4e-9 for |l| up to 0.1 (float32) and 4e-14 up to 0.01 (float64).
 */
const quantile = (u: Tensor, l: Tensor, rest: Tensor = sub(1, u)): Tensor => {
  const close = less(abs(l), l.dtype === "float64" ? 0.01 : 0.1);
  const small = where(close, l, 0);
  const v = mul(u, rest);
  const skew = sub(1, mul(u, 2));
  const k3 = mul(v, skew);
  const k4 = mul(v, sub(1, mul(v, 6)));
  const k5 = mul(k3, sub(1, mul(v, 12)));
  const terms = [mul(k5, 1 / 120), mul(k4, 1 / 24), mul(k3, 1 / 6), mul(v, 1 / 2), u];
  const centre = terms.reduce((total, term) => add(mul(total, small), term));
  // With a = |l| the logarithm's argument stays in (0, 1]; for l > 0 this gives the distance from 1.
  const large = where(close, 1, l);
  const a = abs(large);
  const up = greater(large, 0);
  const w = neg(expm1(neg(a)));
  const distance = neg(div(log1p(neg(mul(where(up, rest, u), w))), a));
  return where(close, centre, where(up, sub(1, distance), distance));
};

/** The same of the probability eᵖ, with the digits of both ends: for l > 0 it is ln(1 + eᵗ)/l with t = p + ln(eˡ − 1). */
const logQuantile = (p: Tensor, l: Tensor): Tensor => {
  const close = less(abs(l), 0.01);
  const a = where(close, 1, abs(l));
  const w = neg(expm1(neg(a)));
  const [u, rest] = [exp(p), complement(p)];
  const up = softplus(add(add(p, a), log(w)));
  const down = neg(where(greater(u, 0.5), log(add(exp(neg(a)), mul(w, rest))), log1p(neg(mul(u, w)))));
  return where(close, quantile(u, where(close, l, 0), rest), div(where(greater(l, 0), up, down), a));
};

/** The distribution that {@link ContinuousBernoulli} returns: parameters, moments and densities as expressions. */
export class ContinuousBernoulliDistribution extends Distribution {
  readonly logits: Tensor;

  /** `parameters` holds one of `logits`, `probs`. Use {@link ContinuousBernoulli}. */
  constructor(parameters: Parameters) {
    super({
      name: "ContinuousBernoulli",
      parameters,
      constraints: "logits" in parameters ? { logits: real } : { probs: unitInterval },
      support: unitInterval,
      reparameterised: true,
    });
    const { logits, probs } = parameters;
    this.logits = logits ?? logitOf(probs);
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [0],
      naturalParameters: [expandTo(this.logits, this.batchShape)],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => logNormalizer(eta),
      logBaseMeasure: (x) => mul(x, 0),
      distributionAt: ([eta]) => new ContinuousBernoulliDistribution({ logits: eta }),
    };
  }

  get logNormalizer(): Tensor {
    return logNormalizer(this.logits);
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(mul(x, this.logits), this.logNormalizer);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return quantile(noise("uniform", site, shape, this.dtype), this.logits);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new ContinuousBernoulliDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { logits: l } = this;
    const away = greater(abs(l), 1);
    // Near 0, ∫₀ˣ eˡᵗ dt = x (eˣˡ − 1)/(xl); x may also be the distance from 1, with −l.
    const close = where(away, 0, l);
    const near = (x: Tensor, sign: Tensor): Tensor =>
      sub(add(log(x), logNormalizer(mul(x, sign))), logNormalizer(sign));
    // Away from it, with a = |l|, a fraction of two e^−a − 1, and a factor on the side where the density is low.
    const a = where(away, abs(l), 1);
    const far = (x: Tensor, low: Tensor): Tensor =>
      sub(log(div(expm1(neg(mul(x, a))), expm1(neg(a)))), where(low, mul(sub(1, x), a), 0));
    return {
      ...pairOfTails(
        (x) => where(away, far(x, greater(l, 0)), near(x, close)),
        (x) => {
          const rest = sub(1, x);
          return where(away, far(rest, less(l, 0)), near(rest, neg(close)));
        },
      ),
      logIcdf: (p) => logQuantile(p, l),
    };
  }

  protected override forms(): ClosedForms {
    const { logits } = this;
    return {
      mean: () => meanOf(logits),
      variance: () => varianceOf(logits),
      mode: () => where(greater(logits, 0), tensor(1, { dtype: this.dtype }), 0),
      entropy: () => sub(this.logNormalizer, mul(meanOf(logits), logits)),
    };
  }
}

/** The logit. At probabilities 0 and 1, where the distribution is a point without a density, it is large but finite. */
function logitOf(probs: Tensor): Tensor {
  if (knowsLog(probs) && knowsLogComplement(probs)) return sub(logOf(probs), logComplementOf(probs));
  const [none, all] = [equal(probs, 0), equal(probs, 1)];
  const inside = where(logicalOr(none, all), 0.5, probs);
  return where(none, -LARGEST, where(all, LARGEST, sub(log(inside), log1p(neg(inside)))));
}

/**
 * A density on [0, 1] proportional to λˣ (1 − λ)¹⁻ˣ, for pixels that are grey rather than black or white. `probs` is λ,
 * which is not the mean; `logits` is ln λ/(1 − λ). Value and gradient are stable at λ = ½, in float32 too. Probabilities
 * of exactly 0 and 1 are treated as logits of ∓1e4.
 *
 * @example
 * await ContinuousBernoulli({ logits: 2 }).mean().value(); // 0.6565
 *
 * @throws UsageError when both or neither of `logits`, `probs` are given, or a known probability is outside [0, 1].
 */
export const ContinuousBernoulli = (parameters: LogitsOrProbs): ContinuousBernoulliDistribution =>
  new ContinuousBernoulliDistribution(oneOf("ContinuousBernoulli", parameters));

registerKl(ContinuousBernoulliDistribution, ContinuousBernoulliDistribution, (p, q) =>
  divergence(p.logits, q.logits),
);
