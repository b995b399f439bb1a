import {
  add,
  full,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalOr,
  maximum,
  minimum,
  type Shape,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { angle, type Constraint } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { Distribution, type Parameters } from "./distribution.ts";
import { type Bound, boundOf, ceilOf, checkedBase, endsBetween, rebuilt, withEnds } from "./truncated.ts";

/** Values between two bounds, the bounds themselves standing for all beyond. No transform leads there: the bounds have probabilities of their own. */
const censoredSupport = (base: Distribution, low: Bound, high: Bound): Constraint => ({
  name: "censored",
  eventRank: 0,
  isDiscrete: base.isDiscrete,
  of: [base.support, low, high],
  description: `${base.support.description ?? base.support.name} between the bounds, and the bounds`,
  member: (x) => (typeof low !== "number" ? low : typeof high !== "number" ? high : add(x, 0)),
  check: (x) => {
    const inside = logicalAnd(greaterEqual(x, low), lessEqual(x, high));
    const known = base.support.check(x);
    const bound = (end: Bound): Tensor | undefined =>
      typeof end === "number" ? undefined : logicalAnd(greaterEqual(x, end), lessEqual(x, end));
    const any = [bound(low), bound(high)].reduce<Tensor>(
      (t, b) => (b === undefined ? t : logicalOr(b, t)),
      known,
    );
    return logicalAnd(inside, any);
  },
});

/** The distribution that {@link censor} returns: parameters and densities as expressions. */
export class CensoredDistribution<D extends Distribution = Distribution> extends Distribution {
  readonly base: D;
  readonly low: Bound;
  readonly high: Bound;

  /** Use {@link censor}. */
  constructor(base: D, low: Bound, high: Bound) {
    const name = `censor(${base.name})`;
    super({
      name,
      ...withEnds(base, low, high),
      support: censoredSupport(base, low, high),
      dtype: base.dtype,
      reparameterised: false,
    });
    endsBetween(name, base, low, high);
    this.base = base;
    this.low = low;
    this.high = high;
  }

  override get hasAtoms(): boolean {
    return true;
  }

  /** The density between the bounds; at a bound, the logarithm of the probability of the bound and all beyond. */
  protected override logDensity(x: Tensor): Tensor {
    const { base, low, high } = this;
    // Draws of an angle lie in one turn, whatever turns its density has.
    const beyond = base.support === angle ? logicalOr(less(x, -Math.PI), less(Math.PI, x)) : undefined;
    const density = base.logProb(x);
    const inside =
      beyond === undefined
        ? density
        : where(beyond, full([], Number.NEGATIVE_INFINITY, this.floatDType), density);
    const fromHigh =
      typeof high === "number"
        ? inside
        : where(
            greaterEqual(x, high),
            base.logSurvival(base.isDiscrete ? sub(ceilOf(high), 1) : high),
            inside,
          );
    return typeof low === "number" ? fromHigh : where(lessEqual(x, low), base.logCdf(low), fromHigh);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const own = this.batchShape.length;
    const drawn = this.base.expand(this.batchShape).sample(site, shape.slice(0, shape.length - own));
    return this.between(drawn);
  }

  private between(x: Tensor): Tensor {
    const { low, high } = this;
    const above = typeof low === "number" ? x : maximum(x, low);
    return typeof high === "number" ? above : minimum(above, high);
  }

  protected override cumulative(): Cumulative {
    const { base, low, high } = this;
    return {
      atoms: true,
      ends: { low, high },
      logCdf: (x) => base.logCdf(x),
      logSurvival: (x) => base.logSurvival(x),
      ...(base.has("icdf") && { logIcdf: (l: Tensor) => this.between(base.logIcdf(l)) }),
    };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const { base, low, high } = rebuilt(this.base, this.low, this.high, parameters);
    return new CensoredDistribution(base, low, high);
  }
}

/**
 * What is recorded of a draw by an instrument that stops at two bounds: the value itself between them, the bound where it lies beyond. The
 * log density at a bound is the logarithm of the probability of all values beyond it, which is what a censored observation says:
 * "at least 5 years". Either bound may be infinite, which is no bound; give each row its own where rows were censored at different points, and
 * infinity where a row was seen to the end.
 *
 * It is for observed sites. The bounds have probabilities of their own, so the value has no smooth density to sample from: as a latent site it is
 * refused by methods that need gradients, and its draws carry none.
 *
 * @example
 * // A part that failed after 3 years, and one that still works after 5.
 * const lifetime = censor(Weibull(4, 1.5), Number.NEGATIVE_INFINITY, [Number.POSITIVE_INFINITY, 5]);
 * await lifetime.logProb([3, 5]).value();
 *
 * @throws ClosedFormError when the base has no distribution function; UsageError when it has no values between the bounds.
 */
export function censor(
  distribution: Distribution,
  low: TensorLike = Number.NEGATIVE_INFINITY,
  high: TensorLike = Number.POSITIVE_INFINITY,
): CensoredDistribution {
  const base = checkedBase("censor", distribution);
  return new CensoredDistribution(
    base,
    boundOf("censor", "low", low, base),
    boundOf("censor", "high", high, base),
  );
}
