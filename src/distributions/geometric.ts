import {
  add,
  div,
  equal,
  exp,
  expm1,
  floor,
  log,
  mul,
  neg,
  noise,
  type Shape,
  sigmoid,
  softplus,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { leftOpenUnitInterval, nonNegativeInteger, real } from "./constraints.ts";
import { type Cumulative, settle } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { binaryDivergence } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import { complementOf, logComplementOf, logOneMinusExp } from "./logarithms.ts";
import { expandTo, type LogitsOrProbs, logOrImpossible, oddsOf, oneOf, xlog1my } from "./numerics.ts";

/** The distribution that {@link Geometric} returns: parameters, moments and densities as expressions. */
export class GeometricDistribution extends Distribution {
  readonly probs: Tensor;
  /** (1 − p)/p, the mean. */
  readonly odds: Tensor;

  /** `parameters` holds one of `logits`, `probs`. Use {@link Geometric}. */
  constructor(parameters: Parameters) {
    const { logits, probs } = parameters;
    super({
      name: "Geometric",
      parameters,
      constraints: "logits" in parameters ? { logits: real } : { probs: leftOpenUnitInterval },
      support: nonNegativeInteger,
      reparameterised: false,
      ranges: { probs: "unitInterval" },
    });
    this.probs = probs ?? sigmoid(logits);
    this.odds = logits === undefined ? div(complementOf(probs), probs) : exp(neg(logits));
  }

  /** ln(1 − p). */
  private logFailure(): Tensor {
    const { logits, probs } = this.parameters;
    return logits === undefined ? logComplementOf(probs) : neg(softplus(logits));
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [0],
      naturalParameters: [expandTo(this.logFailure(), this.batchShape)],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => neg(log(neg(expm1(eta)))),
      logBaseMeasure: (x) => mul(x, 0),
      distributionAt: ([eta]) => new GeometricDistribution({ probs: neg(expm1(eta)) }),
    };
  }

  /** ln p + x ln(1 − p), linear in x. */
  expectedLogProb(x: Tensor): Tensor {
    const { logits, probs } = this.parameters;
    return logits === undefined
      ? add(logOrImpossible(probs), xlog1my(x, probs))
      : neg(add(softplus(neg(logits)), mul(x, softplus(logits))));
  }

  protected override logDensity(x: Tensor): Tensor {
    const { logits } = this.parameters;
    if (logits === undefined) return this.expectedLogProb(x);
    // For x = 0 failures the mass is that of the success, however unlikely a failure is.
    const failure = where(equal(x, 0), 0, softplus(logits));
    return neg(add(softplus(neg(logits)), mul(x, failure)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return floor(div(log(noise("uniform", site, shape, this.dtype)), this.logFailure()));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new GeometricDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const logFailure = this.logFailure();
    const logSurvival = (k: Tensor): Tensor => mul(add(k, 1), logFailure);
    const logCdf = (k: Tensor): Tensor => logOneMinusExp(logSurvival(k));
    return {
      logCdf,
      logSurvival,
      logIcdf: (l) => settle(logCdf, floor(div(logOneMinusExp(l), logFailure)), l),
    };
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => this.odds,
      variance: () => mul(this.odds, add(this.odds, 1)),
      mode: () => mul(this.odds, 0),
      entropy: () => neg(this.expectedLogProb(this.odds)),
    };
  }
}

/**
 * The number of failures before the first success of probability p: 0, 1, 2, … in a float dtype. Drawn by inversion.
 *
 * @example
 * await Geometric({ probs: 0.25 }).mean().value(); // 3
 *
 * @throws UsageError when both or neither are given, or a known probability is outside (0, 1].
 */
export const Geometric = (parameters: LogitsOrProbs): GeometricDistribution =>
  new GeometricDistribution({ ...oneOf("Geometric", parameters) });

// A draw is a success after a mean of 1/p trials.
registerKl(GeometricDistribution, GeometricDistribution, (p, q) =>
  div(binaryDivergence(oddsOf(p.parameters), oddsOf(q.parameters)), oddsOf(p.parameters).p),
);
