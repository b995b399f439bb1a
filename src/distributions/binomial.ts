import { UsageError } from "../errors.ts";
import {
  add,
  arange,
  cast,
  exp,
  floor,
  full,
  greater,
  isInteger,
  less,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sigmoid,
  softplus,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { integerInterval, nonNegativeInteger, real, unitInterval } from "./constraints.ts";
import { drawBinomial } from "./counts.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { binaryDivergence } from "./divergences.ts";
import { ClosedFormError } from "./errors.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { binomialLogDensity, binomialLogMass } from "./gamma-functions.ts";
import { countQuantile } from "./implicit/count-quantile.ts";
import { logBetainc } from "./implicit/incomplete-beta.ts";
import { registerKl } from "./kl.ts";
import { complementOf, logComplementOf, logOf } from "./logarithms.ts";
import { expandTo, type LogitsOrProbs, type Odds, oddsOf, oneOf } from "./numerics.ts";

/** For totals up to this, a draw is a sum of Bernoullis. */
const LARGEST_SUM = 32;

/** ln C(n, x): 2ⁿ times the mass of a fair coin. */
function logChoose(n: Tensor, x: Tensor): Tensor {
  const half = full([], 0.5, n.dtype);
  const logHalf = full([], -Math.LN2, n.dtype);
  const fair = binomialLogMass(x, sub(n, x), { p: half, q: half, logP: logHalf, logQ: logHalf });
  return add(fair, mul(n, Math.LN2));
}

/** The distribution that {@link Binomial} returns: parameters, moments and densities as expressions. */
export class BinomialDistribution extends Distribution {
  /** The number of trials, if it is a single known number. */
  readonly count: number | undefined;
  readonly total: Tensor;
  readonly probs: Tensor;

  /** `parameters` holds one of `logits`, `probs`, and `total` if that is a tensor. Use {@link Binomial}. */
  constructor(parameters: Parameters, count: number | undefined) {
    const { logits, probs, total } = parameters;
    super({
      name: "Binomial",
      parameters,
      constraints: {
        ...("logits" in parameters ? { logits: real } : { probs: unitInterval }),
        ...(total !== undefined && { total: nonNegativeInteger }),
      },
      support: integerInterval(0, count ?? total),
      reparameterised: false,
      ranges: { probs: "unitInterval", total: "nonNegative" },
      ...(count !== undefined && { cardinality: count + 1 }),
    });
    this.count = count;
    this.probs = probs ?? sigmoid(logits);
    this.total = total ?? full([], count ?? 0, this.floatDType);
  }

  override get exponentialFamily(): ExponentialFamily {
    const { logits, probs } = this.parameters;
    return {
      ranks: [0],
      naturalParameters: [expandTo(logits ?? sub(log(probs), log1p(neg(probs))), this.batchShape)],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => mul(this.total, softplus(eta)),
      logBaseMeasure: (x) => logChoose(this.total, x),
      distributionAt: ([eta]) => Binomial(this.count ?? this.total, { logits: eta }),
    };
  }

  /** p and 1 − p, with their logarithms. */
  get odds(): Odds {
    return oddsOf(this.parameters);
  }

  protected override logDensity(x: Tensor): Tensor {
    return binomialLogDensity(x, sub(this.total, x), this.odds, this.count !== undefined);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { count, probs, dtype } = this;
    if (count === undefined || count > LARGEST_SUM) return drawBinomial(site, shape, this.total, probs);
    const trials = noise("uniform", site, [...shape, count], dtype);
    return sum(cast(less(trials, unsqueeze(probs, -1)), dtype), -1);
  }

  protected override values(): Tensor {
    return this.count === undefined ? super.values() : arange(this.count + 1, this.dtype);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new BinomialDistribution(parameters, this.count);
  }

  /** P(X ≤ k) is the incomplete beta function of n − k and k + 1 at 1 − p. */
  protected override cumulative(): Cumulative {
    const { total } = this;
    const { logits, probs } = this.parameters;
    const logit = logits ?? sub(logOf(probs), logComplementOf(probs));
    const rest = (k: Tensor): Tensor => maximum(sub(stopGradient(total), k), 1);
    return {
      logCdf: (k) => logBetainc(rest(k), add(k, 1), neg(logit)),
      logSurvival: (k) => logBetainc(add(k, 1), rest(k), logit),
      logIcdf: (l) => countQuantile("binomial", total, logit, l, false),
      logIsf: (l) => countQuantile("binomial", total, logit, l, true),
    };
  }

  protected override forms(): ClosedForms {
    const { total, probs } = this;
    return {
      mean: () => mul(total, probs),
      variance: () => mul(mul(total, probs), complementOf(probs)),
      mode: () => minimum(floor(mul(add(total, 1), probs)), total),
      ...(this.count !== undefined && {
        entropy: () => {
          const logs = this.logProb(this.enumerate());
          const possible = greater(logs, Number.NEGATIVE_INFINITY);
          return neg(sum(mul(exp(logs), where(possible, logs, 0)), 0));
        },
      }),
    };
  }
}

/**
 * The number of successes in `total` trials of probability p each, in a float dtype. `total` is a whole number, or a
 * tensor of whole numbers, of any dtype, whose shape broadcasts with the parameter's to the batch shape. The support is enumerable
 * and the entropy is known only if it is one number.
 *
 * Drawn as a sum of Bernoullis for totals up to 32. For larger ones: by inversion if fewer than 10 of the rarer outcome are
 * expected, else by transformed rejection (Hörmann 1993) with 18 unrolled proposals (none is accepted with probability
 * below 1e-9).
 *
 * @example
 * await Binomial(10, { probs: 0.3 }).logProb(3).value(); // -1.3211
 *
 * @throws UsageError when `total` is not a whole number, both or neither of `logits`, `probs` are given, or a known probability is
 * outside [0, 1].
 */
export function Binomial(total: number | Tensor, parameters: LogitsOrProbs): BinomialDistribution {
  const given = oneOf("Binomial", parameters);
  if (typeof total !== "number") {
    const [parameter, n] = operands("Binomial", Object.values(given)[0], total);
    return new BinomialDistribution({ ...given, total: inDTypeOf(n, parameter) }, undefined);
  }
  checkTotal("Binomial", total);
  return new BinomialDistribution({ ...given }, total);
}

/** Totals in a parameter's dtype, if they are integers, as those of a Categorical site are. */
export const inDTypeOf = (total: Tensor, parameter: Tensor): Tensor =>
  isInteger(total.dtype) ? cast(total, parameter.dtype) : total;

/** @throws UsageError unless `total` is a whole number of at least 0. */
export function checkTotal(what: string, total: number): void {
  if (Number.isInteger(total) && total >= 0) return;
  throw new UsageError(`${what}: expected 'total' to be a whole number of at least 0, found ${total}.`);
}

// n times the divergence of one trial.
registerKl(BinomialDistribution, BinomialDistribution, (p, q) => {
  if (p.count === undefined || p.count !== q.count) {
    throw new ClosedFormError(
      "kl: no closed form of KL(Binomial ‖ Binomial) unless both totals are one and the same number, " +
        `found ${p.count ?? "a tensor"} and ${q.count ?? "a tensor"}. Use klMonteCarlo(p, q, site, samples).`,
    );
  }
  return mul(p.total, binaryDivergence(p.odds, q.odds));
});
