import {
  add,
  exp,
  floor,
  lgamma,
  log,
  neg,
  operands,
  type Shape,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { nonNegative, nonNegativeInteger } from "./constraints.ts";
import { drawPoisson } from "./counts.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { deviance, poissonLogMass } from "./gamma-functions.ts";
import { countQuantile } from "./implicit/count-quantile.ts";
import { logGammainc } from "./implicit/incomplete-gamma.ts";
import { registerKl } from "./kl.ts";
import { knowsLog, logOf } from "./logarithms.ts";
import { expandTo } from "./numerics.ts";

/** The distribution that {@link Poisson} returns: parameters, moments and densities as expressions. */
export class PoissonDistribution extends Distribution {
  readonly rate: Tensor;

  /** Use {@link Poisson}. */
  constructor(parameters: Parameters) {
    super({
      name: "Poisson",
      parameters,
      constraints: { rate: nonNegative },
      support: nonNegativeInteger,
      reparameterised: false,
      ranges: { rate: "nonNegative" },
    });
    this.rate = parameters.rate;
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [0],
      naturalParameters: [expandTo(log(this.rate), this.batchShape)],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => exp(eta),
      logBaseMeasure: (x) => neg(lgamma(add(x, 1))),
      distributionAt: ([eta]) => new PoissonDistribution({ rate: exp(eta) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    return poissonLogMass(x, this.rate, {
      ...(knowsLog(this.rate) && { logMu: logOf(this.rate) }),
      whole: true,
    });
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return drawPoisson(site, shape, this.rate);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new PoissonDistribution(parameters);
  }

  /** P(X ≤ k) = Q(k + 1, rate). */
  protected override cumulative(): Cumulative {
    return {
      logCdf: (k) => logGammainc(add(k, 1), this.rate, true),
      logSurvival: (k) => logGammainc(add(k, 1), this.rate, false),
      logIcdf: (l) => countQuantile("poisson", this.rate, this.rate, l, false),
      logIsf: (l) => countQuantile("poisson", this.rate, this.rate, l, true),
    };
  }

  protected override forms(): ClosedForms {
    return { mean: () => this.rate, variance: () => this.rate, mode: () => floor(this.rate) };
  }
}

/**
 * Counts 0, 1, 2, … with mean `rate`, in a float dtype; the rate's shape is the batch shape.
 *
 * Drawn by inversion below a mean of 10 and by transformed rejection (Hörmann 1993) above, with 15 unrolled proposals
 * (none is accepted with probability below 1e-9).
 *
 * @example
 * await Poisson(3).logProb(2).value(); // -1.4959
 *
 * @throws UsageError when `rate` is a known number below 0. A rate of 0 gives only counts of 0.
 */
export const Poisson = (rate: TensorLike): PoissonDistribution =>
  new PoissonDistribution({ rate: operands("Poisson", rate)[0] });

registerKl(PoissonDistribution, PoissonDistribution, (p, q) =>
  deviance(p.rate, q.rate, knowsLog(q.rate) ? logOf(q.rate) : undefined),
);
