import {
  add,
  arange,
  div,
  exp,
  full,
  greaterEqual,
  isConstant,
  minimum,
  mul,
  neg,
  operands,
  type Shape,
  sigmoid,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { checkTotal, inDTypeOf } from "./binomial.ts";
import { integerInterval, nonNegativeInteger, positive } from "./constraints.ts";
import { drawBinomial } from "./counts.ts";
import { type Cumulative, cumulativeOfMasses } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { betaBinomialLogMass } from "./gamma-functions.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";

/** Distribution functions of longer supports are not summed. */
const LARGEST_LISTED = 1000;

/** The distribution that {@link BetaBinomial} returns: parameters, moments and densities as expressions. */
export class BetaBinomialDistribution extends Distribution {
  /** The number of trials, if it is a single known number. */
  readonly count: number | undefined;
  readonly total: Tensor;
  readonly concentration1: Tensor;
  readonly concentration0: Tensor;

  /** `parameters` holds `concentration1`, `concentration0`, and `total` if that is a tensor. Use {@link BetaBinomial}. */
  constructor(parameters: Parameters, count: number | undefined) {
    const { total, concentration1, concentration0 } = parameters;
    super({
      name: "BetaBinomial",
      parameters,
      constraints: {
        concentration1: positive,
        concentration0: positive,
        ...(total !== undefined && { total: nonNegativeInteger }),
      },
      support: integerInterval(0, count ?? total),
      reparameterised: false,
      ranges: { concentration1: "nonNegative", concentration0: "nonNegative", total: "nonNegative" },
      ...(count !== undefined && { cardinality: count + 1 }),
    });
    this.count = count;
    this.total = total ?? full([], count ?? 0, this.floatDType);
    this.concentration1 = concentration1;
    this.concentration0 = concentration0;
  }

  protected override logDensity(k: Tensor): Tensor {
    return betaBinomialLogMass(k, sub(stopGradient(this.total), k), this.concentration1, this.concentration0);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const one = drawGamma(`${site}/success`, shape, this.concentration1);
    const other = drawGamma(`${site}/failure`, shape, this.concentration0);
    // From logarithms: both gammas underflow where concentrations are small.
    const probs = stopGradient(sigmoid(sub(one.log, other.log)));
    return drawBinomial(`${site}/count`, shape, this.total, probs);
  }

  protected override values(): Tensor {
    return this.count === undefined ? super.values() : arange(this.count + 1, this.dtype);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new BetaBinomialDistribution(parameters, this.count);
  }

  /** By the masses of all counts up to the largest total, which must be known. */
  protected override cumulative(): Cumulative | undefined {
    const { count, total } = this;
    const largest =
      count ?? (isConstant(total) ? total.attributes.values.reduce((x, y) => Math.max(x, y), 0) : Number.NaN);
    if (!(largest <= LARGEST_LISTED)) return undefined;
    const k = arange(largest + 1, this.dtype);
    const [a, b] = [this.concentration1, this.concentration0].map((c) => unsqueeze(c, -1));
    if (count !== undefined) return cumulativeOfMasses(betaBinomialLogMass(k, sub(count, k), a, b));
    const rest = sub(unsqueeze(total, -1), k);
    const some = greaterEqual(rest, 0);
    const none = full([], Number.NEGATIVE_INFINITY, this.dtype);
    const { logIcdf: quantile, ...of } = cumulativeOfMasses(
      where(some, betaBinomialLogMass(k, where(some, rest, 0), a, b), none),
    );
    // Where all masses add up to less than 1, by rounding, no count would be enough.
    return { ...of, logIcdf: (l) => minimum(quantile(l), total) };
  }

  protected override forms(): ClosedForms {
    const { total: n, concentration1: a, concentration0: b } = this;
    const size = add(a, b);
    return {
      mean: () => mul(n, div(a, size)),
      variance: () => div(mul(mul(n, mul(a, b)), add(size, n)), mul(square(size), add(size, 1))),
      ...(this.count !== undefined && {
        entropy: () => {
          const logs = this.logProb(this.enumerate());
          return neg(sum(mul(exp(logs), logs), 0));
        },
      }),
    };
  }
}

/**
 * The number of successes in `total` trials whose common probability is drawn from Beta(concentration1, concentration0):
 * p(k) = C(n, k) B(k + a, n − k + b) / B(a, b), a binomial with more spread. In a float dtype. `total` is a whole number, or a tensor of
 * whole numbers; shapes broadcast to the batch shape. The support is enumerable and the entropy known only if it is one number;
 * the distribution function, a sum of masses, if it is known and at most 1000.
 *
 * Drawn as what it is: a probability, then a binomial. Draws have no derivatives, and densities none in the total.
 *
 * @example
 * await BetaBinomial(2, 1, 1).logProb(1).value(); // -1.0986: all three counts are equally probable
 *
 * @throws UsageError when `total` is not a whole number, or a known concentration is not positive.
 */
export function BetaBinomial(
  total: number | Tensor,
  concentration1: TensorLike,
  concentration0: TensorLike,
): BetaBinomialDistribution {
  if (typeof total !== "number") {
    const [a, b, n] = operands("BetaBinomial", concentration1, concentration0, total);
    return new BetaBinomialDistribution(
      { concentration1: a, concentration0: b, total: inDTypeOf(n, a) },
      undefined,
    );
  }
  checkTotal("BetaBinomial", total);
  const [a, b] = operands("BetaBinomial", concentration1, concentration0);
  return new BetaBinomialDistribution({ concentration1: a, concentration0: b }, total);
}
