/**
 * The contract that every distribution satisfies. A distribution is an immutable value over symbolic tensors; its
 * methods write expressions. A new one extends {@link Distribution}: it passes its parameters and constraints to the
 * constructor and writes `logDensity`, `draw`, `rebuild` and the closed forms that it has. Shapes, dtypes and constraints are
 * checked here, once.
 *
 * A value has shape sample + batch + event: independent draws, then different parameters, then one draw's own dimensions.
 */
import { ShapeError, UsageError } from "../errors.ts";
import {
  broadcastShapes,
  cast,
  checkShape,
  type DType,
  equal,
  formatShape,
  full,
  greater,
  greaterEqual,
  isFloat,
  isNan,
  logicalNot,
  reshape,
  type Shape,
  sameShape,
  sqrt,
  stopGradient,
  sum,
  Tensor,
  type TensorLike,
  tensor,
  where,
} from "../tensor/index.ts";
import { type Constraint, checkConstant, unitInterval } from "./constraints.ts";
import {
  atProbability,
  atValue,
  type Cumulative,
  type Ends,
  endsOf,
  type OfProbability,
  type OfValue,
} from "./cumulative.ts";
import { ClosedFormError } from "./errors.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { isKnownIn, liesIn } from "./membership.ts";
import { expandTo, lastAxes } from "./numerics.ts";
import { isNeverNegative, isUnit } from "./ranges.ts";

/** Parameters of a distribution, by name. */
export type Parameters = Readonly<Record<string, Tensor>>;

/** The specification of a distribution. */
export interface DistributionSpec {
  /** The family's name in messages. */
  readonly name: string;
  /** By name; those of a nested distribution under its path (`components.loc`). */
  readonly parameters: Parameters;
  /** One for each parameter; its event rank is the number of trailing dimensions that do not belong to the batch. */
  readonly constraints: Readonly<Record<string, Constraint>>;
  /** The set on which the density is above 0. */
  readonly support: Constraint;
  /** Default []. */
  readonly eventShape?: Shape;
  /** Default: the broadcast of the parameters' shapes without their event dimensions. */
  readonly batchShape?: Shape;
  /** Dtype of draws; default that of the parameters. */
  readonly dtype?: DType;
  /** Dtype of log densities; default that of the parameters, or float32 where there are none. */
  readonly floatDType?: DType;
  /** Whether draws are differentiable in the parameters: in all, in none, or in those listed. */
  readonly reparameterised: boolean | readonly string[];
  /** Number of values of a finite support. */
  readonly cardinality?: number;
  /**
   * Whether `logDensity` itself gives −∞ outside the support and NaN at NaN, as a normal's formula does. Default false: the base class
   * tests the value.
   */
  readonly selfLimiting?: boolean;
  /**
   * Parameters for which `logDensity` gives a number even outside their range (ln Γ(−½) is one), by name, with their range. If a computed
   * parameter leaves its range, the log density is NaN. Default none: the formula itself gives NaN.
   */
  readonly ranges?: Readonly<Record<string, Range>>;
}

/** At least 0, or from 0 to 1. */
export type Range = "nonNegative" | "unitInterval";

const rangeOf = { nonNegative: isNeverNegative, unitInterval: isUnit } as const;

/** Closed forms that a distribution may have. */
export interface ClosedForms {
  /** E[x]. */
  readonly mean?: () => Tensor;
  /** The variance of each element. */
  readonly variance?: () => Tensor;
  /** The point of highest density. */
  readonly mode?: () => Tensor;
  /** −E[log p(x)], nats. */
  readonly entropy?: () => Tensor;
}

/** What {@link Distribution.has} can be asked for. */
export type FormName = keyof ClosedForms | OfValue | OfProbability | "median" | "stddev";

/** A draw and its log density. */
export interface SampleAndLogProb {
  /** Shape sample + batch + event. */
  readonly value: Tensor;
  /** Shape sample + batch. */
  readonly logProb: Tensor;
}

/** The contract of every distribution: shapes, densities, draws and closed forms, as expressions of its parameters. */
export abstract class Distribution {
  readonly name: string;
  readonly parameters: Parameters;
  readonly constraints: Readonly<Record<string, Constraint>>;
  readonly support: Constraint;
  readonly batchShape: Shape;
  readonly eventShape: Shape;
  /** The dtype of draws and of `enumerate()`. */
  readonly dtype: DType;
  /** The dtype of log densities, moments and parameters. */
  readonly floatDType: DType;
  /** The parameters in which draws are differentiable. */
  readonly reparameterisedIn: readonly string[];
  private readonly selfLimiting: boolean;
  /** The ranges of parameters that may have left them, by name. */
  private readonly ranges: Readonly<Record<string, Range>>;
  /** Whether densities are −∞ outside the support; false after {@link unchecked}. */
  readonly testsSupport: boolean = true;
  /** Number of values of a finite support; undefined if it is infinite or too large to list. */
  readonly cardinality: number | undefined;

  /**
   * @throws UsageError when a parameter whose numbers are known breaks its constraint.
   * @throws ShapeError when parameters do not broadcast or differ in dtype.
   */
  protected constructor(spec: DistributionSpec) {
    const { name, parameters, constraints } = spec;
    const list = Object.entries(parameters);
    const dtypes = new Set(list.map(([, t]) => t.dtype));
    if (dtypes.size > 1) {
      throw new ShapeError(
        `${name}: parameters ${list.map(([k, t]) => `${k} ${t.dtype}`).join(", ")} differ in dtype; cast them to one.`,
      );
    }
    for (const [key, t] of list) {
      if (t.rank < constraints[key].eventRank) {
        throw new ShapeError(
          `${name}: parameter '${key}' (${constraints[key].name}) needs at least ${constraints[key].eventRank} ` +
            `dimension, found shape ${formatShape(t.shape)}.`,
        );
      }
      checkConstant(name, key, t, constraints[key]);
    }
    this.name = name;
    this.parameters = parameters;
    this.constraints = constraints;
    this.support = spec.support;
    this.eventShape = spec.eventShape ?? [];
    this.batchShape =
      spec.batchShape ??
      broadcastShapes(name, ...list.map(([k, t]) => t.shape.slice(0, t.rank - constraints[k].eventRank)));
    this.floatDType = spec.floatDType ?? list[0]?.[1].dtype ?? "float32";
    this.dtype = spec.dtype ?? this.floatDType;
    const { reparameterised } = spec;
    const all = reparameterised === true ? list.map(([k]) => k) : [];
    this.reparameterisedIn = typeof reparameterised === "boolean" ? all : reparameterised;
    this.cardinality = spec.cardinality;
    this.selfLimiting = spec.selfLimiting ?? false;
    this.ranges = Object.fromEntries(
      Object.entries(spec.ranges ?? {}).filter(
        ([k, range]) => k in parameters && !rangeOf[range](parameters[k]),
      ),
    );
  }

  /** Whether draws are differentiable in every parameter (the pathwise gradient holds). */
  get reparameterised(): boolean {
    return Object.keys(this.parameters).every((k) => this.reparameterisedIn.includes(k));
  }

  /** The ends of the support, which may be infinite, of families of numbers that have a distribution function. */
  get ends(): Ends | undefined {
    const of = this.cumulative();
    return of && (of.ends ?? endsOf(this.support));
  }

  get isDiscrete(): boolean {
    return this.support.isDiscrete;
  }

  /**
   * Whether single values may have a probability of their own: all of a discrete family have, and those of a `Delta`, an `Empirical` or the bounds of censored values.
   * If not, the distribution function is continuous, and rises wherever there is a density.
   */
  get hasAtoms(): boolean {
    return this.isDiscrete;
  }

  /** The distribution as an exponential family, if it is one. */
  get exponentialFamily(): ExponentialFamily | undefined {
    return undefined;
  }

  /** The set of values that `logDensity` accepts: the support, unless part of the test is done elsewhere. */
  protected get domain(): Constraint {
    return this.support;
  }

  /** Log density of a value in the support, whose shape has been checked. It may have any shape that broadcasts to sample + batch. */
  protected abstract logDensity(value: Tensor): Tensor;

  /**
   * Draws of `shape` (sample + batch + event) from `noise` leaves at `site`, or at `${site}/…` if several are needed.
   * If only some parameters are reparameterised, gradients to the others must be stopped here.
   */
  protected abstract draw(site: string, shape: Shape): Tensor;

  /** The same family with other parameters, of the same names. */
  protected abstract rebuild(parameters: Parameters): Distribution;

  /** The closed forms that the family has. */
  protected forms(): ClosedForms {
    return {};
  }

  /** The distribution function, of families of numbers that have one in closed form. */
  protected cumulative(): Cumulative | undefined {
    return undefined;
  }

  /** The finite support, shape [cardinality] + event. */
  protected values(): Tensor {
    throw new ClosedFormError(`${this.name}: the support is not finite and cannot be enumerated.`);
  }

  /**
   * Log density summed over the last `n` batch dimensions of `shape` (sample + batch). Families whose
   * density has terms that do not vary along them can save passes by overriding this.
   */
  protected summedLogDensity(value: Tensor, n: number, shape: Shape): Tensor {
    return sum(expandTo(this.logDensity(value), shape), lastAxes(n));
  }

  /**
   * Log density (log mass for discrete families) of a value of shape sample + batch + event. Returns shape sample + batch;
   * batch dimensions broadcast and are never summed.
   *
   * The same rule holds for all families on every executor: −∞ for a value outside the support, which includes ±∞, and NaN for NaN.
   * At an end of the support it is the limit of the density there, as in SciPy: Gamma(1, 2) at 0 is ln 2. See {@link unchecked}.
   * @throws ShapeError naming the value's shape, the batch and the event shape, and ways to fix it.
   */
  logProb(value: TensorLike): Tensor {
    return this.sumLogProb(value, 0);
  }

  /** `logProb` summed over its last `n` batch dimensions, in as few passes as the family allows. `toEvent(n)` uses it. */
  sumLogProb(value: TensorLike, n: number): Tensor {
    const given = this.fit(value);
    const shape = this.batchOf(given);
    const kept = shape.slice(0, shape.length - n);
    if (this.selfLimiting || !this.testsSupport || isKnownIn(given, this.domain)) {
      // A wrapper leaves the test to what it wraps, so that a missing whole number is still NaN there.
      const x = this.selfLimiting ? given : this.inDType(given);
      if (Object.keys(this.ranges).length === 0)
        return expandTo(n === 0 ? this.logDensity(x) : this.summedLogDensity(x, n, shape), kept);
      return sum(expandTo(this.withinRanges(this.logDensity(x)), shape), lastAxes(n));
    }
    const logs = expandTo(this.withinRanges(this.testedLogDensity(given)), shape);
    return n === 0 ? logs : sum(logs, lastAxes(n));
  }

  /** NaN where a parameter is outside its range. */
  private withinRanges(logs: Tensor): Tensor {
    return Object.entries(this.ranges).reduce((sofar, [key, range]) => {
      const parameter = this.parameters[key];
      const { eventRank } = this.constraints[key];
      const inside = range === "nonNegative" ? greaterEqual(parameter, 0) : unitInterval.check(parameter);
      const every =
        eventRank === 0 ? inside : equal(sum(cast(logicalNot(inside), "float32"), lastAxes(eventRank)), 0);
      return where(every, sofar, full([], Number.NaN, this.floatDType));
    }, logs);
  }

  /** The log density where the value is in the support; the formula is never given any other value. */
  private testedLogDensity(given: Tensor): Tensor {
    const { domain } = this;
    const x = isFloat(given.dtype) ? given : this.inDType(given);
    const inside = domain.check(x);
    const missing = isFloat(x.dtype) && someNan(x, domain.eventRank);
    const member = domain.member?.(x);
    const wide = reshape(inside, [...inside.shape, ...new Array<number>(domain.eventRank).fill(1)]);
    const safe = member === undefined ? x : where(wide, x, member);
    const none = full([], Number.NEGATIVE_INFINITY, this.floatDType);
    return where(
      inside,
      this.logDensity(this.inDType(safe)),
      missing === false ? none : where(missing, full([], Number.NaN, this.floatDType), none),
    );
  }

  private inDType(x: Tensor): Tensor {
    return x.dtype === this.dtype ? x : cast(x, this.dtype);
  }

  /**
   * The same distribution, but its densities do not test whether a value lies in the support. This saves the passes of the test for data
   * that were checked when they were read, and allows values outside the support that have a meaning: a grey pixel under an
   * unchecked Bernoulli gives the cross entropy.
   */
  unchecked(): this {
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { testsSupport: false });
  }

  /**
   * Draws of shape sample + batch + event. Gradients flow into the parameters of `reparameterisedIn`; derivatives treat all other draws as
   * constants. `site` names the stream: two draws in one graph need two names.
   */
  sample(site: string, sampleShape: Shape = []): Tensor {
    if (typeof site !== "string" || site === "")
      throw new UsageError(`${this.name}.sample: give the draw a name first; found ${String(site)}.`);
    checkShape(`${this.name}.sample`, sampleShape);
    const drawn = this.draw(site, [...sampleShape, ...this.batchShape, ...this.eventShape]);
    return liesIn(this.reparameterisedIn.length > 0 ? drawn : stopGradient(drawn), this.support);
  }

  /** Draws and their log density. Cheaper and numerically safer than two calls if the family can reuse its noise. */
  sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const value = this.sample(site, sampleShape);
    return { value, logProb: this.logProb(value) };
  }

  /** All values of a finite support, shape [cardinality] + a 1 for each batch dimension + event. @throws ClosedFormError */
  enumerate(): Tensor {
    const all = this.values();
    return reshape(all, [all.shape[0], ...this.batchShape.map(() => 1), ...this.eventShape]);
  }

  /** Whether the closed form exists, without computing it. */
  has(form: FormName): boolean {
    if (form === "stddev") return this.has("variance");
    if (form === "icdf" || form === "logIcdf" || form === "logIsf" || form === "median")
      return this.cumulative()?.logIcdf !== undefined;
    if (form === "cdf" || form === "survival" || form === "logCdf" || form === "logSurvival")
      return this.cumulative() !== undefined;
    return this.forms()[form] !== undefined;
  }

  /**
   * P(X ≤ x), the distribution function, for values of shape sample + batch; the result has that shape. 0 below the support, 1 above it, and
   * NaN at NaN. Its relative error is small in the lower tail too; for the upper tail, take `survival`.
   * @throws ClosedFormError when there is no closed form.
   */
  cdf(x: TensorLike): Tensor {
    return this.ofValue("cdf", x);
  }

  /** P(X > x) = 1 − cdf(x), with a small relative error in the upper tail. @throws ClosedFormError when there is no closed form. */
  survival(x: TensorLike): Tensor {
    return this.ofValue("survival", x);
  }

  /** ln P(X ≤ x), which does not underflow in the lower tail. @throws ClosedFormError when there is no closed form. */
  logCdf(x: TensorLike): Tensor {
    return this.ofValue("logCdf", x);
  }

  /** ln P(X > x), which does not underflow in the upper tail. @throws ClosedFormError when there is no closed form. */
  logSurvival(x: TensorLike): Tensor {
    return this.ofValue("logSurvival", x);
  }

  /**
   * The quantile: the smallest x with P(X ≤ x) ≥ p. At 0 and 1 it is an end of the support, which may be infinite; outside it is NaN.
   * Shape sample + batch. For probabilities too near to 0 or 1 for a number, take `logIcdf`.
   * @throws ClosedFormError when there is no closed form.
   */
  icdf(p: TensorLike): Tensor {
    return this.ofProbability("icdf", p);
  }

  /** The quantile of the probability eˡ, for l ≤ 0: the inverse of `logCdf`. @throws ClosedFormError when there is no closed form. */
  logIcdf(l: TensorLike): Tensor {
    return this.ofProbability("logIcdf", l);
  }

  /**
   * The quantile from the upper tail: the smallest x with P(X > x) ≤ eˡ, for l ≤ 0: the inverse of `logSurvival`.
   * @throws ClosedFormError when there is no closed form.
   */
  logIsf(l: TensorLike): Tensor {
    return this.ofProbability("logIsf", l);
  }

  /** The quantile at ½, shape batch. @throws ClosedFormError when there is no closed form. */
  median(): Tensor {
    const own = this.cumulative()?.median;
    return own === undefined ? this.ofProbability("icdf", 0.5, "median") : expandTo(own(), this.batchShape);
  }

  /** The standard deviation of each element, the root of the variance. Shape batch + event. @throws ClosedFormError when there is no closed form. */
  stddev(): Tensor {
    return sqrt(this.variance());
  }

  /** Shape batch + event. @throws ClosedFormError when there is no closed form. */
  mean(): Tensor {
    return this.closed("mean", [...this.batchShape, ...this.eventShape]);
  }

  /** Element-wise, shape batch + event. @throws ClosedFormError when there is no closed form. */
  variance(): Tensor {
    return this.closed("variance", [...this.batchShape, ...this.eventShape]);
  }

  /** A value of highest density, shape batch + event. @throws ClosedFormError when there is no closed form. */
  mode(): Tensor {
    return this.closed("mode", [...this.batchShape, ...this.eventShape]);
  }

  /** −E[log p(x)] in nats, shape batch. @throws ClosedFormError when there is no closed form. */
  entropy(): Tensor {
    return this.closed("entropy", this.batchShape);
  }

  /**
   * The same distribution repeated over a larger batch. Parameters are not copied: `Normal(0, 1).expand([128, 20])` still
   * holds two numbers.
   */
  expand(batchShape: Shape): this {
    const joined = broadcastShapes(`${this.name}.expand`, this.batchShape, batchShape);
    if (!sameShape(joined, batchShape)) {
      throw new ShapeError(
        `${this.name}.expand: batch shape ${formatShape(this.batchShape)} does not broadcast to ${formatShape(batchShape)}; ` +
          "give a shape that ends with it.",
      );
    }
    if (sameShape(batchShape, this.batchShape)) return this;
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { batchShape });
  }

  /** The same family with every parameter replaced; its batch broadcasts with the new parameters'. */
  mapParameters(replace: (parameter: Tensor, name: string) => Tensor): Distribution {
    const mapped = Object.entries(this.parameters).map(([k, t]) => [k, replace(t, k)] as const);
    const rebuilt = this.rebuild(Object.fromEntries(mapped));
    const wide = rebuilt.expand(broadcastShapes(this.name, this.batchShape, rebuilt.batchShape));
    return this.testsSupport ? wide : wide.unchecked();
  }

  /** The same distribution; derivatives treat its parameters as constants. */
  detach(): Distribution {
    return this.mapParameters((t) => stopGradient(t));
  }

  /** Name and shapes, as messages print them. */
  toString(): string {
    return `${this.name}(batch ${formatShape(this.batchShape)}, event ${formatShape(this.eventShape)})`;
  }

  private ofValue(which: OfValue, x: TensorLike): Tensor {
    const given = this.fit(x);
    const of = this.cumulative();
    const { ends } = this;
    if (of === undefined || ends === undefined) throw this.withoutCumulative(which);
    const y = isFloat(given.dtype) ? given : this.inDType(given);
    return expandTo(atValue(of, ends, which, y, this.isDiscrete), this.batchOf(given));
  }

  private ofProbability(which: OfProbability, p: TensorLike, asked: string = which): Tensor {
    const given = p instanceof Tensor ? p : tensor(p, { dtype: this.floatDType });
    if (
      given.dtype !== this.floatDType ||
      this.eventShape.length > 0 ||
      !broadcasts(given.shape, this.batchShape)
    ) {
      if (this.eventShape.length > 0) throw this.withoutCumulative(asked);
      throw new ShapeError(
        `${this.name}.${asked}: expected probabilities of dtype ${this.floatDType} that broadcast with batch shape ` +
          `${formatShape(this.batchShape)}, found ${given.dtype} of shape ${formatShape(given.shape)}.`,
      );
    }
    const of = this.cumulative();
    const { ends } = this;
    const found = of && ends && atProbability(of, ends, which, given);
    if (found === undefined) throw this.withoutCumulative(asked);
    const shape = broadcastShapes(this.name, given.shape, this.batchShape);
    return expandTo(found.dtype === this.dtype ? found : cast(found, this.dtype), shape);
  }

  private withoutCumulative(asked: string): ClosedFormError {
    if (this.eventShape.length > 0) {
      return new ClosedFormError(
        `${this.name}.${asked}: a distribution function is that of single numbers, and a draw here has shape ` +
          `${formatShape(this.eventShape)}; ask the distribution of its elements, before toEvent.`,
      );
    }
    const known = this.cumulative() !== undefined;
    return new ClosedFormError(
      `${this.name}: no closed form of the ${asked}; ` +
        (known
          ? "search for the value at which cdf has the probability, or sort draws."
          : "estimate it from draws (sample): the share of them that is at most x, or one of them in order."),
    );
  }

  private closed(form: keyof ClosedForms, shape: Shape): Tensor {
    const compute = this.forms()[form];
    if (compute === undefined) {
      throw new ClosedFormError(
        `${this.name}: no closed form of the ${form}; estimate it from draws (sample, logProb).`,
      );
    }
    return expandTo(compute(), shape);
  }

  /** A value as a tensor. Numbers take the dtype of draws; values of discrete families may have any dtype. */
  private fit(value: TensorLike): Tensor {
    const given =
      value instanceof Tensor
        ? value
        : tensor(value, { dtype: isFloat(this.dtype) ? this.dtype : this.floatDType });
    const rank = this.eventShape.length;
    const fits =
      given.rank >= rank &&
      sameShape(given.shape.slice(given.rank - rank), this.eventShape) &&
      broadcasts(given.shape.slice(0, given.rank - rank), this.batchShape);
    if (!fits) throw new ShapeError(this.misfit(given.shape));
    if (given.dtype === this.dtype || this.isDiscrete) return given;
    throw new ShapeError(
      `${this.name}.logProb: expected a value of dtype ${this.dtype}, found ${given.dtype}; cast it (x.cast("${this.dtype}")).`,
    );
  }

  private batchOf(value: Tensor): Shape {
    return broadcastShapes(
      this.name,
      this.batchShape,
      value.shape.slice(0, value.rank - this.eventShape.length),
    );
  }

  private misfit(found: Shape): string {
    const { batchShape, eventShape } = this;
    const whole = [...batchShape, ...eventShape].join(", ");
    const ways = [`give the value the shape [..., ${whole}]`];
    const n = eventShape.length;
    if (n === 0 && found.length > 0) {
      ways.push("unsqueeze the value or the parameters so that their batch dimensions align");
      ways.push("expand the distribution to a larger batch (expand)");
    }
    if (n > 0) ways.push(`unsqueeze or transpose the value so that its last ${n} dimensions are the event`);
    ways.push(
      batchShape.length > 0
        ? "if dimensions of the batch belong to one draw, say so with toEvent(n)"
        : "if several draws make one event, expand the batch and say so with expand([...]).toEvent(n)",
    );
    return (
      `${this.name}.logProb: a value of shape ${formatShape(found)} does not fit batch shape ${formatShape(batchShape)} ` +
      `and event shape ${formatShape(eventShape)}. Shapes are sample + batch + event, aligned at the right. ` +
      `Ways out: ${ways.join("; ")}.`
    );
  }
}

/** Whether any of the last `n` dimensions is NaN. */
function someNan(x: Tensor, n: number): Tensor {
  const nan = isNan(x);
  return n === 0 ? nan : greater(sum(cast(nan, "float32"), lastAxes(n)), 0);
}

function broadcasts(a: Shape, b: Shape): boolean {
  const n = Math.min(a.length, b.length);
  for (let i = 1; i <= n; i++) {
    const [x, y] = [a[a.length - i], b[b.length - i]];
    if (x !== y && x !== 1 && y !== 1) return false;
  }
  return true;
}
