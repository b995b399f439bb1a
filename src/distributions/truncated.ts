import { UsageError } from "../errors.ts";
import {
  add,
  arange,
  broadcastShapes,
  exp,
  floor,
  full,
  isConstant,
  isNan,
  less,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  neg,
  noise,
  type Shape,
  softplus,
  sub,
  Tensor,
  type TensorLike,
  tensor,
  where,
} from "../tensor/index.ts";
import {
  atLeast,
  atMost,
  type Constraint,
  integerInterval,
  interval,
  nonNegativeInteger,
  numberInside,
  real,
} from "./constraints.ts";
import { type Cumulative, type Ends, insideOf } from "./cumulative.ts";
import { Distribution, type Parameters } from "./distribution.ts";
import { ClosedFormError } from "./errors.ts";
import { logOneMinusExp } from "./logarithms.ts";

const INFINITY = Number.POSITIVE_INFINITY;

/** Longer supports are not listed. */
const LONGEST_LISTED = 256;

/** An end: a tensor, or a plain ∞ where there is none. */
export type Bound = Tensor | number;

/** A given end as it is kept: plain infinities stay numbers, so that nothing is computed for them. @throws UsageError for NaN. */
export function boundOf(what: string, name: string, given: TensorLike, base: Distribution): Bound {
  if (given === INFINITY || given === -INFINITY) return given;
  if (typeof given === "number" && Number.isNaN(given))
    throw new UsageError(`${what}: '${name}' is NaN; give a number, or ±Infinity for no bound.`);
  const end = given instanceof Tensor ? given : tensor(given, { dtype: base.floatDType });
  if (end.dtype === base.floatDType) return end;
  throw new UsageError(
    `${what}: '${name}' is ${end.dtype} and ${base.name} is ${base.floatDType}; cast one of them.`,
  );
}

/** A distribution that bounds can be put around. @throws UsageError or ClosedFormError saying what it lacks. */
export function checkedBase(what: string, base: Distribution): Distribution {
  if (!(base instanceof Distribution)) {
    throw new UsageError(`${what}: expected a distribution first, as in ${what}(Exponential(1), 0, 5).`);
  }
  if (base.hasAtoms && !base.isDiscrete) {
    throw new UsageError(
      `${what}: single values of ${base.name} have a probability of their own, so what lies beyond a bound is not known from its distribution function. ` +
        `Put ${what} around the distribution that was censored or mixed, before; or leave out values of an Empirical.`,
    );
  }
  if (base.ends !== undefined) return base;
  throw new ClosedFormError(
    `${what}: ${base.name} has no distribution function in closed form, so the probability beyond a bound is not known` +
      (base.eventShape.length > 0 ? `; ${what} the distribution of its elements, before toEvent.` : "."),
  );
}

/** Any number, infinities among them. */
const anyNumber: Constraint = {
  name: "a number",
  eventRank: 0,
  isDiscrete: false,
  check: (x) => logicalNot(isNan(x)),
};

/** Numbers above the lower end. */
const aboveEnd = (low: Bound): Constraint => ({
  name: "greaterThan",
  eventRank: 0,
  isDiscrete: false,
  check: (x) => less(low, x),
  ...(low instanceof Tensor && { low, high: INFINITY }),
});

/** The parameters and constraints of two ends, and of the distribution between them. */
export function withEnds(base: Distribution, low: Bound, high: Bound) {
  const ends = {
    ...(low instanceof Tensor && { low }),
    ...(high instanceof Tensor && { high }),
  };
  const under = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([k, v]) => [`base.${k}`, v]));
  return {
    parameters: { ...under(base.parameters), ...ends },
    constraints: {
      ...under(base.constraints),
      ...(low instanceof Tensor && { low: anyNumber }),
      ...(high instanceof Tensor && { high: aboveEnd(low) }),
    },
    batchShape: broadcastShapes(base.name, base.batchShape, ...Object.values(ends).map((t) => t.shape)),
  };
}

/** The base and the ends of other parameters. */
export function rebuilt(base: Distribution, low: Bound, high: Bound, parameters: Parameters) {
  return {
    base: base.mapParameters((_, k) => parameters[`base.${k}`]),
    low: low instanceof Tensor ? parameters.low : low,
    high: high instanceof Tensor ? parameters.high : high,
  };
}

/** The number of a bound, if it is known and single. */
const known = (end: Bound): number | undefined => {
  if (typeof end === "number") return end;
  return isConstant(end) && end.size === 1 ? end.attributes.values[0] : undefined;
};

/** The larger of two lower ends, or (from the other side) the smaller of two upper ones. */
function tighter(a: Bound, b: Bound, which: "low" | "high"): Bound {
  const none = which === "low" ? -INFINITY : INFINITY;
  if (a === none) return b;
  if (b === none) return a;
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return which === "low" ? Math.max(x, y) : Math.min(x, y);
  return which === "low" ? maximum(a, b) : minimum(a, b);
}

/** The whole numbers inwards of two ends. A number stays one, so that the values between can be listed. */
function wholeBetween({ low, high }: Ends): Ends {
  const [from, to] = [known(low), known(high)];
  return {
    low: from !== undefined ? Math.ceil(from) : ceilOf(low as Tensor),
    high: to !== undefined ? Math.floor(to) : floor(high as Tensor),
  };
}
/** The smallest whole number of at least x. */
export const ceilOf = (x: Tensor): Tensor => neg(floor(neg(x)));

/** The ends of a support that lies between two bounds. @throws UsageError when no value is left. */
export function endsBetween(what: string, base: Distribution, low: Bound, high: Bound): Ends {
  const own = base.ends ?? { low: -INFINITY, high: INFINITY };
  const ends = { low: tighter(low, own.low, "low"), high: tighter(high, own.high, "high") };
  const rounded = base.isDiscrete ? wholeBetween(ends) : ends;
  const [from, to] = [known(rounded.low), known(rounded.high)];
  if (from !== undefined && to !== undefined && (base.isDiscrete ? from > to : from >= to)) {
    throw new UsageError(
      `${what}: ${base.name} has no values from ${String(known(low) ?? "low")} to ${String(known(high) ?? "high")}; ` +
        "give bounds with a part of its support between them.",
    );
  }
  return rounded;
}

function supportOf(base: Distribution, { low, high }: Ends): Constraint {
  if (base.isDiscrete) {
    return low === 0 && high === INFINITY ? nonNegativeInteger : integerInterval(low, high);
  }
  if (low === -INFINITY) return high === INFINITY ? real : atMost(high);
  return high === INFINITY ? atLeast(low) : interval(low, high);
}

/** The distribution that {@link truncate} returns: parameters and densities as expressions. */
export class TruncatedDistribution<D extends Distribution = Distribution> extends Distribution {
  readonly base: D;
  readonly low: Bound;
  readonly high: Bound;
  private readonly inside: Ends;

  /** Use {@link truncate}. */
  constructor(base: D, low: Bound, high: Bound, name = `truncate(${base.name})`) {
    const spec = withEnds(base, low, high);
    const inside = endsBetween(name, base, low, high);
    const [from, to] = [known(inside.low), known(inside.high)];
    const count = base.isDiscrete && from !== undefined && to !== undefined ? to - from + 1 : INFINITY;
    super({
      name,
      ...spec,
      support: supportOf(base, inside),
      dtype: base.dtype,
      reparameterised: !base.isDiscrete && base.has("icdf"),
      ...(count <= LONGEST_LISTED && { cardinality: count }),
    });
    this.base = base;
    this.low = low;
    this.high = high;
    this.inside = inside;
  }

  /** ln P(a ≤ X ≤ b) of the base, from the tail that both are in, or from both tails. */
  protected logMassBetween(a: Bound, b: Bound): Tensor {
    const { base } = this;
    const one = full([], 0, base.floatDType);
    const none = full([], -INFINITY, base.floatDType);
    const first = base.isDiscrete ? this.before(a) : a;
    const lower = typeof first === "number" ? { cdf: none, survival: one } : this.tailsAt(first);
    const upper = typeof b === "number" ? { cdf: one, survival: none } : this.tailsAt(b);
    if (b === INFINITY) return lower.survival;
    if (a === -INFINITY) return upper.cdf;
    const left = less(upper.cdf, -Math.LN2);
    const right = less(lower.survival, -Math.LN2);
    const ofLeft = this.without(upper.cdf, lower.cdf, left);
    const ofRight = this.without(lower.survival, upper.survival, right);
    const tails = add(exp(lower.cdf), exp(upper.survival));
    const across = log1p(neg(where(left, 0.5, where(right, 0.5, tails))));
    const difference = where(left, ofLeft, where(right, ofRight, across));
    if (base.isDiscrete) return difference;
    // By how much the logarithm of the tail changes. Below √ε, half of the digits are lost, and the density hardly changes.
    const ofTail = where(left, sub(upper.cdf, lower.cdf), sub(lower.survival, upper.survival));
    const change = where(logicalOr(left, right), ofTail, sub(1, tails));
    const narrow = less(change, this.floatDType === "float64" ? 2 ** -26 : 2 ** -11.5);
    const width = log(where(narrow, sub(b, a), 1));
    const middle = where(narrow, numberInside(a, b), base.ends === undefined ? 0 : insideOf(base.ends));
    return where(narrow, add(base.logProb(middle), width), difference);
  }

  /** ln(eᵃ − eᵇ) where it is asked for. Both may be −∞, where the base has nothing. */
  private without(a: Tensor, b: Tensor, asked: Tensor): Tensor {
    const some = logicalAnd(asked, less(-INFINITY, a));
    const left = logOneMinusExp(where(some, sub(where(some, b, -1), where(some, a, 0)), -1));
    return where(some, add(where(some, a, 0), left), full([], -INFINITY, a.dtype));
  }

  private tailsAt(x: Tensor) {
    return { cdf: this.base.logCdf(x), survival: this.base.logSurvival(x) };
  }

  /** The whole number before the first of at least `a`. */
  private before(a: Bound): Bound {
    return typeof a === "number" ? a : sub(ceilOf(a), 1);
  }

  /** ln of the probability between the bounds. */
  logMass(): Tensor {
    return this.logMassBetween(this.low, this.high);
  }

  override get hasAtoms(): boolean {
    return this.base.hasAtoms;
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(this.base.logProb(x), this.logMass());
  }

  protected override cumulative(): Cumulative {
    const { base, low, high, inside } = this;
    return {
      ends: inside,
      logCdf: (x) => minimum(sub(this.logMassBetween(low, x), this.logMass()), 0),
      logSurvival: (x) =>
        minimum(sub(this.logMassBetween(base.isDiscrete ? add(floor(x), 1) : x, high), this.logMass()), 0),
      ...(base.has("icdf") && {
        logIcdf: (l: Tensor) => this.quantile(l, logOneMinusExp(l)),
        logIsf: (l: Tensor) => this.quantile(logOneMinusExp(l), l),
      }),
    };
  }

  /**
   * The quantile at P(X ≤ x) = eˡ and P(X > x) = eᵘ, from the one of the base's tails there that is smaller and has the digits: ln [P(X < low) + eˡ Z] below,
   * ln [P(X > high) + eᵘ Z] above.
   */
  private quantile(l: Tensor, u: Tensor): Tensor {
    const { base, low, high } = this;
    const total = this.logMass();
    const first = base.isDiscrete ? this.before(low) : low;
    const fromLow = add(l, total);
    const lower =
      typeof first === "number" ? fromLow : add(fromLow, softplus(sub(base.logCdf(first), fromLow)));
    const fromHigh = add(u, total);
    const upper =
      typeof high === "number" ? fromHigh : add(fromHigh, softplus(sub(base.logSurvival(high), fromHigh)));
    const right = less(upper, lower);
    const below = base.logIcdf(minimum(where(right, -1, lower), 0));
    const found = where(right, base.logIsf(minimum(where(right, upper, -1), 0)), below);
    const above =
      typeof this.inside.low === "number" && this.inside.low === -INFINITY
        ? found
        : maximum(found, this.inside.low);
    return this.inside.high === INFINITY ? above : minimum(above, this.inside.high);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    if (!this.base.has("icdf")) {
      throw new ClosedFormError(
        `${this.name}.sample: ${this.base.name} has no quantile in closed form, so draws between the bounds are not known. ` +
          "It can be observed; to draw, sample the base and keep what lies between.",
      );
    }
    return this.logIcdf(log(noise("uniform", site, shape, this.floatDType)));
  }

  protected override values(): Tensor {
    const { low } = this.inside;
    if (this.cardinality === undefined) return super.values();
    return add(arange(this.cardinality, this.dtype), known(low) ?? low);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const { base, low, high } = rebuilt(this.base, this.low, this.high, parameters);
    return new TruncatedDistribution(base, low, high);
  }
}
