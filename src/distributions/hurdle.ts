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
  sub,
  type Tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { type LogitsOrProbs, logSumOfTwo } from "./numerics.ts";
import { truncate } from "./truncate.ts";
import { gatedCounts, gatedParameters, gatedQuantiles, logsOfGate, zeroGateSpec } from "./zero-gate.ts";

/** The distribution that {@link Hurdle} returns: parameters, moments and densities as expressions. */
export class HurdleDistribution<D extends Distribution = Distribution> extends Distribution {
  readonly base: D;
  /** The probability of zero. */
  readonly probs: Tensor;
  /** The base above 0. */
  private readonly counted: Distribution;

  /** `gate` holds one of `logits`, `probs`. Use {@link Hurdle}. */
  constructor(base: D, gate: Parameters) {
    super(zeroGateSpec("Hurdle", base, gate));
    this.base = base;
    this.probs = exp(logsOfGate(gate).zero);
    this.counted = truncate(base, 1);
  }

  protected override logDensity(x: Tensor): Tensor {
    const { zero, base } = logsOfGate(this.parameters);
    const isZero = equal(x, 0);
    return where(isZero, zero, add(base, this.counted.logProb(where(isZero, 1, x))));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const own = this.batchShape.length;
    const outer = shape.slice(0, shape.length - own);
    const drawn = this.counted.expand(this.batchShape).sample(`${site}/base`, outer);
    const none = less(noise("uniform", `${site}/zero`, shape, this.floatDType), stopGradient(this.probs));
    return where(none, zeros(shape, this.dtype), cast(drawn, this.dtype));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const { base, gate } = gatedParameters(this.base, parameters);
    return new HurdleDistribution(base, gate);
  }

  protected override cumulative(): Cumulative {
    const gate = logsOfGate(this.parameters);
    const { zero, base } = gate;
    const { counted } = this;
    const of = pairOfTails(
      (x) => logSumOfTwo(zero, add(base, counted.logCdf(x))),
      (x) => add(base, counted.logSurvival(x)),
    );
    return { ...of, ...gatedQuantiles(of, gate, counted) };
  }

  protected override forms(): ClosedForms {
    const { base } = this;
    // What the base has above 0, times the probability of passing the hurdle.
    const factor = (): Tensor => exp(sub(logsOfGate(this.parameters).base, base.logSurvival(0)));
    const mean = (): Tensor => mul(factor(), base.mean());
    return {
      ...(base.has("mean") && { mean }),
      ...(base.has("mean") &&
        base.has("variance") && {
          variance: () => sub(mul(factor(), add(base.variance(), square(base.mean()))), square(mean())),
        }),
    };
  }
}

/**
 * Counts that have to pass a hurdle: 0 with probability π, otherwise a draw of the base among its counts above 0 (Mullahy 1986). Unlike
 * `ZeroInflated`, all zeros come from the hurdle. π is `probs`, or `logits` its log odds; its shape broadcasts with the base's batch. The base needs a
 * distribution function; draws need its quantiles, which some families have on the host executor alone. Draws have no derivatives.
 *
 * @example
 * await Hurdle(Poisson(2), { probs: 0.5 }).logProb(0).value(); // -0.6931
 *
 * @throws UsageError when the base is not a distribution of counts, when both or neither of `logits`, `probs` are given, or a known probability is
 * outside [0, 1].
 * @throws ClosedFormError when the base has no distribution function.
 */
export function Hurdle(distribution: Distribution, gate: LogitsOrProbs): HurdleDistribution {
  const [base, given] = gatedCounts("Hurdle", distribution, gate);
  return new HurdleDistribution(base, given);
}
