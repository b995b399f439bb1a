import {
  abs,
  add,
  div,
  equal,
  exp,
  expm1,
  greater,
  less,
  lgamma,
  log,
  log1p,
  logicalAnd,
  mul,
  neg,
  noise,
  operands,
  pow,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { nonNegative, positive } from "./constraints.ts";
import { type Cumulative, logCdfOfHazard, logHazardAt } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { gumbelDivergence } from "./divergences.ts";
import { weibullVariance } from "./gamma-functions.ts";
import { registerKl } from "./kl.ts";
import { logOf } from "./logarithms.ts";
import { EULER_GAMMA } from "./numerics.ts";

/** The distribution that {@link Weibull} returns: parameters, moments and densities as expressions. */
export class WeibullDistribution extends Distribution {
  readonly scale: Tensor;
  readonly concentration: Tensor;

  /** Use {@link Weibull}. */
  constructor(parameters: Parameters) {
    super({
      name: "Weibull",
      parameters,
      constraints: { scale: positive, concentration: positive },
      support: nonNegative,
      reparameterised: true,
      ranges: { concentration: "nonNegative" },
    });
    this.scale = parameters.scale;
    this.concentration = parameters.concentration;
  }

  protected override logDensity(x: Tensor): Tensor {
    const { scale, concentration: k } = this;
    // ln x/λ, replaced by 0 where its factor k − 1 and x are both 0: there the density is k/λ.
    const none = logicalAnd(equal(k, 1), equal(x, 0));
    const ratio = sub(logOf(where(none, 1, x)), where(none, 0, logOf(scale)));
    const power = where(none, 0, exp(mul(k, ratio)));
    return sub(add(sub(logOf(k), logOf(scale)), mul(sub(k, 1), ratio)), power);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const e = neg(log(noise("uniform", site, shape, this.dtype)));
    return mul(this.scale, exp(div(log(e), this.concentration)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new WeibullDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const logHazard = (x: Tensor): Tensor => mul(this.concentration, log(div(x, this.scale)));
    return {
      logCdf: (x) => logCdfOfHazard(logHazard(x)),
      logSurvival: (x) => neg(exp(logHazard(x))),
      cdf: (x) => neg(expm1(neg(exp(logHazard(x))))),
      logIcdf: (l) => mul(this.scale, exp(div(logHazardAt(l), this.concentration))),
      logIsf: (l) => mul(this.scale, exp(div(log(neg(l)), this.concentration))),
    };
  }

  protected override forms(): ClosedForms {
    const { scale, concentration: k } = this;
    return {
      // Where the hazard's power is at most 1, the density falls from 0 on.
      mode: () => {
        const inner = greater(this.concentration, 1);
        const k = where(inner, this.concentration, 2);
        return where(inner, mul(this.scale, pow(sub(1, div(1, k)), div(1, k))), 0);
      },
      mean: () => mul(scale, exp(lgamma(add(div(1, k), 1)))),
      variance: () => mul(square(scale), weibullVariance(div(1, k))),
      entropy: () => add(mul(sub(1, div(1, k)), EULER_GAMMA), add(log(div(scale, k)), 1)),
    };
  }
}

/**
 * The Weibull distribution: (x / scale)^concentration is standard exponential. Shapes broadcast to the batch shape.
 *
 * @example
 * await Weibull(1, 2).mean().value(); // 0.8862
 *
 * @throws UsageError when a known parameter is not positive.
 */
export function Weibull(scale: TensorLike, concentration: TensorLike): WeibullDistribution {
  const [s, k] = operands("Weibull", scale, concentration);
  return new WeibullDistribution({ scale: s, concentration: k });
}

// Bauckhage 2013, with ln(x/λ_q) = ln(λ_p/λ_q) + ln(e)/k_p and e standard exponential.
// The logarithm of a Weibull is the negative of a Gumbel with scale 1/k.
registerKl(WeibullDistribution, WeibullDistribution, (p, q) => {
  const far = sub(logOf(p.scale), logOf(q.scale));
  const t = div(sub(p.scale, q.scale), q.scale);
  const near = less(abs(t), 0.5);
  const shift = mul(q.concentration, where(near, log1p(where(near, t, 0)), far));
  return gumbelDivergence(div(q.concentration, p.concentration), neg(shift));
});
