import {
  add,
  div,
  expm1,
  log,
  log1p,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { nonNegative, positive } from "./constraints.ts";
import { type Cumulative, logCdfOfHazard } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { ratioExcess } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import { logOf, logOneMinusExp } from "./logarithms.ts";
import { expandTo } from "./numerics.ts";

/** The distribution that {@link Exponential} returns: parameters, moments and densities as expressions. */
export class ExponentialDistribution extends Distribution {
  readonly rate: Tensor;

  /** Use {@link Exponential}. */
  constructor(parameters: Parameters) {
    super({
      name: "Exponential",
      parameters,
      constraints: { rate: positive },
      support: nonNegative,
      reparameterised: true,
    });
    this.rate = parameters.rate;
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [0],
      naturalParameters: [expandTo(neg(this.rate), this.batchShape)],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => neg(log(neg(eta))),
      logBaseMeasure: (x) => mul(x, 0),
      distributionAt: ([eta]) => new ExponentialDistribution({ rate: neg(eta) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(logOf(this.rate), mul(this.rate, x));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return div(neg(log(noise("uniform", site, shape, this.dtype))), this.rate);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new ExponentialDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const hazard = (x: Tensor): Tensor => mul(this.rate, x);
    return {
      logCdf: (x) => logCdfOfHazard(add(logOf(this.rate), logOf(x))),
      logSurvival: (x) => neg(hazard(x)),
      cdf: (x) => neg(expm1(neg(hazard(x)))),
      logIcdf: (l) => neg(div(logOneMinusExp(l), this.rate)),
      logIsf: (l) => neg(div(l, this.rate)),
      icdf: (p) => neg(div(log1p(neg(p)), this.rate)),
    };
  }

  protected override forms(): ClosedForms {
    const { rate } = this;
    return {
      mean: () => div(1, rate),
      variance: () => div(1, square(rate)),
      mode: () => mul(rate, 0),
      entropy: () => sub(1, log(rate)),
    };
  }
}

/**
 * The exponential distribution with mean 1/`rate`; the rate's shape is the batch shape. Drawn by −ln u / rate.
 *
 * @example
 * await Exponential(2).mean().value(); // 0.5
 *
 * @throws UsageError when `rate` is a known number that is not positive.
 */
export const Exponential = (rate: TensorLike): ExponentialDistribution =>
  new ExponentialDistribution({ rate: operands("Exponential", rate)[0] });

registerKl(ExponentialDistribution, ExponentialDistribution, (p, q) => ratioExcess(q.rate, p.rate));
