import {
  abs,
  add,
  cast,
  greater,
  less,
  mul,
  neg,
  noise,
  type Shape,
  sigmoid,
  softplus,
  sub,
  type Tensor,
  tensor,
  where,
} from "../tensor/index.ts";
import { boolean, real, unitInterval } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { binaryDivergence } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import { complementOf, logComplementOf, logOf } from "./logarithms.ts";
import { expandTo, type LogitsOrProbs, oddsOf, oneOf, xlog1my, xlogy } from "./numerics.ts";

/** The distribution that {@link Bernoulli} returns: parameters, moments and densities as expressions. */
export class BernoulliDistribution extends Distribution {
  readonly probs: Tensor;

  /** `parameters` holds one of `logits`, `probs`. Use {@link Bernoulli}. */
  constructor(parameters: Parameters) {
    super({
      name: "Bernoulli",
      parameters,
      constraints: "logits" in parameters ? { logits: real } : { probs: unitInterval },
      support: boolean,
      reparameterised: false,
      ranges: { probs: "unitInterval" },
      cardinality: 2,
    });
    this.probs = parameters.probs ?? sigmoid(parameters.logits);
  }

  /** ln p − ln(1 − p); infinite for probabilities of 0 and 1. */
  get logits(): Tensor {
    const { logits, probs } = this.parameters;
    return logits ?? sub(logOf(probs), logComplementOf(probs));
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [0],
      naturalParameters: [expandTo(this.logits, this.batchShape)],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => softplus(eta),
      logBaseMeasure: (x) => mul(x, 0),
      distributionAt: ([eta]) => new BernoulliDistribution({ logits: eta }),
    };
  }

  /** x · ln p + (1 − x) · ln(1 − p), which is linear in x: with x = p it is −H, with another distribution's p a cross entropy. */
  expectedLogProb(x: Tensor): Tensor {
    const { logits, probs } = this.parameters;
    if (logits !== undefined) return sub(mul(x, logits), softplus(logits));
    return xlogy(x, probs).add(xlog1my(sub(1, x), probs));
  }

  protected override logDensity(x: Tensor): Tensor {
    const { logits } = this.parameters;
    if (logits === undefined || !this.testsSupport) return this.expectedLogProb(x);
    // −softplus(±l) for 0 and 1: the same as x l − softplus(l), with full relative accuracy and no ∞ · 0 where the outcome is certain.
    return neg(softplus(mul(sub(1, mul(x, 2)), logits)));
  }

  /** −p ln p − (1 − p) ln(1 − p): terms of one sign. From logits, −ln(1 − q) + |l| q with q = σ(−|l|), which is 0 where |l| is infinite. */
  private entropyOfOutcome(): Tensor {
    const { logits, probs } = this.parameters;
    if (logits === undefined) return neg(this.expectedLogProb(probs));
    const size = abs(logits);
    const rare = sigmoid(neg(size));
    return add(softplus(neg(size)), mul(rare, where(greater(rare, 0), size, 0)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return cast(less(noise("uniform", site, shape, this.dtype), this.probs), this.dtype);
  }

  protected override values(): Tensor {
    return tensor([0, 1], { dtype: this.dtype });
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new BernoulliDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { logits, probs } = this.parameters;
    const logP = (): Tensor => (logits === undefined ? logOf(probs) : neg(softplus(neg(logits))));
    const logQ = (): Tensor => (logits === undefined ? logComplementOf(probs) : neg(softplus(logits)));
    return {
      logCdf: (x) => add(logQ(), mul(x, 0)),
      logSurvival: (x) => add(logP(), mul(x, 0)),
      logIcdf: (l) => cast(less(logQ(), l), this.dtype),
    };
  }

  protected override forms(): ClosedForms {
    const { probs } = this;
    return {
      mean: () => probs,
      variance: () => mul(probs, complementOf(probs)),
      mode: () => cast(greater(probs, 0.5), this.dtype),
      entropy: () => this.entropyOfOutcome(),
    };
  }
}

/**
 * 1 with probability p, else 0, in a float dtype. Log densities from logits are −softplus(±l), which never
 * overflow; from probabilities they are exact at 0 and 1 (−∞ for an impossible value, with no NaN in value or gradient).
 * A value between 0 and 1 is outside the support; with `unchecked()` its log density is the cross entropy.
 *
 * @example
 * await Bernoulli({ logits: [0, 2] }).logProb(1).value(); // [-0.6931, -0.1269]
 *
 * @throws UsageError when both or neither of `logits`, `probs` are given, or a known probability is outside [0, 1].
 */
export const Bernoulli = (parameters: LogitsOrProbs): BernoulliDistribution =>
  new BernoulliDistribution(oneOf("Bernoulli", parameters));

registerKl(BernoulliDistribution, BernoulliDistribution, (p, q) =>
  binaryDivergence(oddsOf(p.parameters), oddsOf(q.parameters)),
);
