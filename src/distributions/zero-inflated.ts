import {
  add,
  cast,
  equal,
  exp,
  less,
  mul,
  noise,
  type Shape,
  square,
  stopGradient,
  type Tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { type LogitsOrProbs, logSumOfTwo, oddsOf } from "./numerics.ts";
import { gatedCounts, gatedParameters, gatedQuantiles, logsOfGate, zeroGateSpec } from "./zero-gate.ts";

/** The distribution that {@link ZeroInflated} returns: parameters, moments and densities as expressions. */
export class ZeroInflatedDistribution<D extends Distribution = Distribution> extends Distribution {
  readonly base: D;
  /** The probability of a zero that is not the base's. */
  readonly probs: Tensor;

  /** `gate` holds one of `logits`, `probs`. Use {@link ZeroInflated}. */
  constructor(base: D, gate: Parameters) {
    super(zeroGateSpec("ZeroInflated", base, gate));
    this.base = base;
    this.probs = oddsOf(gate).p;
  }

  protected override logDensity(x: Tensor): Tensor {
    const { zero, base } = logsOfGate(this.parameters);
    const own = add(base, this.base.logProb(x));
    return where(equal(x, 0), logSumOfTwo(zero, own), own);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const own = this.batchShape.length;
    const drawn = this.base
      .expand(this.batchShape)
      .sample(`${site}/base`, shape.slice(0, shape.length - own));
    const inflated = less(noise("uniform", `${site}/zero`, shape, this.floatDType), stopGradient(this.probs));
    return where(inflated, zeros(shape, this.dtype), cast(drawn, this.dtype));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const { base, gate } = gatedParameters(this.base, parameters);
    return new ZeroInflatedDistribution(base, gate);
  }

  protected override cumulative(): Cumulative | undefined {
    if (!this.base.has("cdf")) return undefined;
    const gate = logsOfGate(this.parameters);
    const { zero, base } = gate;
    const of = pairOfTails(
      (x) => logSumOfTwo(zero, add(base, this.base.logCdf(x))),
      (x) => add(base, this.base.logSurvival(x)),
    );
    return { ...of, ...gatedQuantiles(of, gate, this.base) };
  }

  protected override forms(): ClosedForms {
    const { base, probs } = this;
    const kept = (): Tensor => exp(logsOfGate(this.parameters).base);
    return {
      ...(base.has("mean") && { mean: () => mul(kept(), base.mean()) }),
      // Var within, and between the base's mean and zero.
      ...(base.has("mean") &&
        base.has("variance") && {
          variance: () => mul(kept(), add(base.variance(), mul(probs, square(base.mean())))),
        }),
    };
  }
}

/**
 * Counts with more zeros than the base explains: 0 with probability π, otherwise a draw of the base, which may be 0 too (Lambert 1992). π is `probs`, or `logits` its log
 * odds; its shape broadcasts with the base's batch. Draws have no derivatives.
 *
 * @example
 * await ZeroInflated(Poisson(2), { probs: 0.5 }).logProb(0).value(); // ln(0.5 + 0.5 e⁻²) = -0.5663
 *
 * @throws UsageError when the base is not a distribution of counts, when both or neither of `logits`, `probs` are given, or a known probability is
 * outside [0, 1].
 */
export function ZeroInflated(distribution: Distribution, gate: LogitsOrProbs): ZeroInflatedDistribution {
  const [base, given] = gatedCounts("ZeroInflated", distribution, gate);
  return new ZeroInflatedDistribution(base, given);
}
