import {
  add,
  lgamma,
  log,
  mul,
  operands,
  type Shape,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { nonNegative, positive } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { Gamma, type GammaDistribution } from "./gamma.ts";
import { kl, registerKl } from "./kl.ts";
import { expandTo } from "./numerics.ts";

/** The distribution that {@link ChiSquared} returns: parameters, moments and densities as expressions. */
export class ChiSquaredDistribution extends Distribution {
  readonly df: Tensor;
  /** Gamma(df/2, ½), the same distribution. */
  readonly gamma: GammaDistribution;

  /** Use {@link ChiSquared}. */
  constructor(parameters: Parameters) {
    super({
      name: "ChiSquared",
      parameters,
      constraints: { df: positive },
      support: nonNegative,
      reparameterised: true,
      ranges: { df: "nonNegative" },
    });
    this.df = parameters.df;
    this.gamma = Gamma(mul(this.df, 0.5), 0.5);
  }

  /** The rate is fixed at ½, so its term belongs to the base measure. */
  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [0],
      naturalParameters: [expandTo(sub(this.gamma.concentration, 1), this.batchShape)],
      sufficientStatistics: (x) => [log(x)],
      logNormalizer: ([eta]) => add(lgamma(add(eta, 1)), mul(add(eta, 1), Math.LN2)),
      logBaseMeasure: (x) => mul(x, -0.5),
      distributionAt: ([eta]) => new ChiSquaredDistribution({ df: mul(add(eta, 1), 2) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.gamma.unchecked().logProb(x);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return this.gamma.expand(shape).sample(site);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new ChiSquaredDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { gamma } = this;
    return {
      logCdf: (x) => gamma.logCdf(x),
      logSurvival: (x) => gamma.logSurvival(x),
      logIcdf: (l) => gamma.logIcdf(l),
      logIsf: (l) => gamma.logIsf(l),
    };
  }

  protected override forms(): ClosedForms {
    const { df, gamma } = this;
    return {
      mean: () => df,
      variance: () => mul(df, 2),
      mode: () => gamma.mode(),
      entropy: () => gamma.entropy(),
    };
  }
}

/**
 * The sum of the squares of `df` standard normals: Gamma(df/2, ½), with its sampler and gradients. `df` need not be
 * whole; its shape is the batch shape.
 *
 * @example
 * await ChiSquared(2).logProb(0).value(); // -0.6931
 *
 * @throws UsageError when `df` is a known number that is not positive.
 */
export const ChiSquared = (df: TensorLike): ChiSquaredDistribution =>
  new ChiSquaredDistribution({ df: operands("ChiSquared", df)[0] });

registerKl(ChiSquaredDistribution, ChiSquaredDistribution, (p, q) => kl(p.gamma, q.gamma));
