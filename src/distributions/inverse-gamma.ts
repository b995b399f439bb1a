import {
  add,
  div,
  exp,
  greater,
  lgamma,
  log,
  mul,
  neg,
  operands,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { positive } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { gammaKl } from "./gamma.ts";
import { entropyTerm, gammaLogDensity } from "./gamma-functions.ts";
import { inverseLogGammainc, logGammainc } from "./implicit/incomplete-gamma.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { registerKl } from "./kl.ts";
import { logOf } from "./logarithms.ts";
import { expandTo } from "./numerics.ts";

/** The distribution that {@link InverseGamma} returns: parameters, moments and densities as expressions. */
export class InverseGammaDistribution extends Distribution {
  readonly concentration: Tensor;
  readonly scale: Tensor;

  /** Use {@link InverseGamma}. */
  constructor(parameters: Parameters) {
    super({
      name: "InverseGamma",
      parameters,
      constraints: { concentration: positive, scale: positive },
      support: positive,
      reparameterised: true,
      ranges: { concentration: "nonNegative" },
    });
    this.concentration = parameters.concentration;
    this.scale = parameters.scale;
  }

  override get exponentialFamily(): ExponentialFamily {
    const shape = this.batchShape;
    return {
      ranks: [0, 0],
      naturalParameters: [expandTo(neg(add(this.concentration, 1)), shape), expandTo(neg(this.scale), shape)],
      sufficientStatistics: (x) => [log(x), div(1, x)],
      logNormalizer: ([a, b]) => add(lgamma(neg(add(a, 1))), mul(add(a, 1), log(neg(b)))),
      logBaseMeasure: (x) => mul(x, 0),
      distributionAt: ([a, b]) =>
        new InverseGammaDistribution({ concentration: neg(add(a, 1)), scale: neg(b) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    const { concentration: a, scale: b } = this;
    // The density of 1/x under a gamma, with the Jacobian b/x².
    const [logB, logX] = [logOf(b), logOf(x)];
    return add(gammaLogDensity(div(b, x), a, sub(logB, logX)), sub(logB, mul(logX, 2)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return mul(this.scale, exp(neg(drawGamma(site, shape, this.concentration).log)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new InverseGammaDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { concentration: a, scale: b } = this;
    return {
      logCdf: (x) => logGammainc(a, div(b, x), true),
      logSurvival: (x) => logGammainc(a, div(b, x), false),
      logIcdf: (l) => div(b, inverseLogGammainc(a, l, true)),
      logIsf: (l) => div(b, inverseLogGammainc(a, l, false)),
    };
  }

  protected override forms(): ClosedForms {
    const { concentration: a, scale: b } = this;
    const above = (n: number): Tensor => where(greater(a, n), sub(a, n), 1);
    return {
      mean: () => where(greater(a, 1), div(b, above(1)), Number.POSITIVE_INFINITY),
      variance: () => where(greater(a, 2), div(square(div(b, above(1))), above(2)), Number.POSITIVE_INFINITY),
      mode: () => div(b, add(a, 1)),
      entropy: () => add(entropyTerm(a, -1), logOf(b)),
    };
  }
}

/**
 * The distribution of 1/x for x ~ Gamma(concentration, rate = scale): the conjugate prior of a normal's variance.
 * Shapes broadcast to the batch shape. The mean is infinite for concentrations up to 1, the variance up to 2. Draws
 * and their gradients are those of `Gamma`.
 *
 * @example
 * await InverseGamma(3, 2).mean().value(); // 1
 *
 * @throws UsageError when a known parameter is not positive.
 */
export function InverseGamma(concentration: TensorLike, scale: TensorLike): InverseGammaDistribution {
  const [a, b] = operands("InverseGamma", concentration, scale);
  return new InverseGammaDistribution({ concentration: a, scale: b });
}

// The KL of the gammas: KL does not change under a bijection.
registerKl(InverseGammaDistribution, InverseGammaDistribution, (p, q) =>
  gammaKl(p.concentration, p.scale, q.concentration, q.scale),
);
