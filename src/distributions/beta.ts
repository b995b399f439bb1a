import {
  add,
  div,
  equal,
  full,
  greater,
  less,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  neg,
  operands,
  type Shape,
  sigmoid,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { positive, unitInterval } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { betaLogDensity, deviance, entropyTerm, gammaExcess, logBeta } from "./gamma-functions.ts";
import { inverseLogBetainc, logBetainc } from "./implicit/incomplete-beta.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { registerKl } from "./kl.ts";
import { logComplementOf, logOf } from "./logarithms.ts";
import { expandTo, oddsOf } from "./numerics.ts";

/** The distribution that {@link Beta} returns: parameters, moments and densities as expressions. */
export class BetaDistribution extends Distribution {
  /** a; the power of x is a − 1. */
  readonly concentration1: Tensor;
  /** b; the power of 1 − x is b − 1. */
  readonly concentration0: Tensor;

  /** Use {@link Beta}. */
  constructor(parameters: Parameters) {
    super({
      name: "Beta",
      parameters,
      constraints: { concentration1: positive, concentration0: positive },
      support: unitInterval,
      reparameterised: true,
      ranges: { concentration1: "nonNegative", concentration0: "nonNegative" },
    });
    this.concentration1 = parameters.concentration1;
    this.concentration0 = parameters.concentration0;
  }

  override get exponentialFamily(): ExponentialFamily {
    const own = [this.concentration1, this.concentration0];
    return {
      ranks: [0, 0],
      naturalParameters: own.map((c) => expandTo(sub(c, 1), this.batchShape)),
      sufficientStatistics: (x) => [log(x), log1p(neg(x))],
      logNormalizer: ([a, b]) => logBeta(add(a, 1), add(b, 1)),
      logBaseMeasure: (x) => mul(x, 0),
      distributionAt: ([a, b]) =>
        new BetaDistribution({ concentration1: add(a, 1), concentration0: add(b, 1) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    const { concentration1: a, concentration0: b } = this;
    return betaLogDensity(oddsOf({ probs: x }), a, b);
  }

  /** ln x/(1 − x) of a draw: the difference of the logarithms of two gammas. */
  private logit(site: string, shape: Shape): Tensor {
    const one = drawGamma(`${site}/1`, shape, this.concentration1);
    const zero = drawGamma(`${site}/0`, shape, this.concentration0);
    return sub(one.log, zero.log);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return sigmoid(this.logit(site, shape));
  }

  /** The density computed from the logit, so that it is finite even for a value that rounds to 0 or 1. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const { concentration1: a, concentration0: b } = this;
    const logit = this.logit(site, [...sampleShape, ...this.batchShape]);
    return { value: sigmoid(logit), logProb: betaLogDensity(oddsOf({ logits: logit }), a, b) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new BetaDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { concentration1: a, concentration0: b } = this;
    const logit = (x: Tensor): Tensor => sub(logOf(x), logComplementOf(x));
    return {
      logCdf: (x) => logBetainc(a, b, logit(x)),
      logSurvival: (x) => logBetainc(b, a, neg(logit(x))),
      logIcdf: (l) => sigmoid(inverseLogBetainc(a, b, l)),
      logIsf: (l) => sigmoid(neg(inverseLogBetainc(b, a, l))),
    };
  }

  protected override forms(): ClosedForms {
    const { concentration1: a, concentration0: b } = this;
    const total = add(a, b);
    return {
      mean: () => div(a, total),
      variance: () => div(mul(div(a, total), div(b, total)), add(total, 1)),
      mode: () => {
        // Below 1 the density is infinite at the end; of two such ends, and of all points of a uniform, take the lower one.
        const inner = logicalAnd(greater(a, 1), greater(b, 1));
        const peak = div(sub(where(inner, a, 2), 1), sub(where(inner, total, 4), 2));
        const upper = logicalAnd(greater(a, 1), logicalNot(inner));
        return where(
          inner,
          peak,
          where(logicalOr(upper, logicalAnd(equal(a, 1), less(b, 1))), full([], 1, a.dtype), 0),
        );
      },
      entropy: () => sub(add(entropyTerm(a, 1), entropyTerm(b, 1)), entropyTerm(total, 2)),
    };
  }
}

/**
 * The beta distribution on [0, 1] with density ∝ x^(a − 1) (1 − x)^(b − 1). Shapes broadcast to the batch shape.
 *
 * Drawn as x/(x + y) from the logarithms of two gammas, so that small concentrations do not underflow; gradients are
 * the gammas' implicit ones. A draw close to 1 is rounded to the resolution of the dtype, but its density is computed
 * from the logit that it was made from and loses no accuracy.
 *
 * @example
 * await Beta(2, 3).mean().value(); // 0.4
 *
 * @throws UsageError when a known parameter is not positive.
 */
export function Beta(concentration1: TensorLike, concentration0: TensorLike): BetaDistribution {
  const [a, b] = operands("Beta", concentration1, concentration0);
  return new BetaDistribution({ concentration1: a, concentration0: b });
}

// The Bregman divergence of ln B.
registerKl(BetaDistribution, BetaDistribution, (p, q) => {
  const [a, b] = [p.concentration1, p.concentration0];
  const [c, d] = [q.concentration1, q.concentration0];
  const [n, m] = [add(a, b), add(c, d)];
  const deviances = add(deviance(c, mul(a, div(m, n))), deviance(d, mul(b, div(m, n))));
  return add(deviances, sub(add(gammaExcess(c, a), gammaExcess(d, b)), gammaExcess(m, n)));
});
