import { ShapeError, UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules, required, whole } from "../../options.ts";
import {
  add,
  broadcastShapes,
  cast,
  concat,
  diagonal,
  expand,
  formatShape,
  full,
  mul,
  noise,
  operands,
  reshape,
  type Shape,
  scan,
  slice,
  squeeze,
  sub,
  sum,
  Tensor,
  type TensorLike,
  tensor,
  transpose,
  unsqueeze,
} from "../../tensor/index.ts";
import { type Constraint, independentConstraint, real } from "../constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "../distribution.ts";
import { apply, type Filtered, factorOf, filter, type KalmanModel, type Linear, smooth } from "./kalman.ts";

/** The parts of the model that may differ from step to step. */
export type VaryingPart =
  | "transition"
  | "transitionOffset"
  | "transitionScale"
  | "emission"
  | "emissionOffset"
  | "emissionScale";

/** What a {@link LinearGaussianStateSpace} is made of, for states of n numbers and values of m numbers. */
export interface StateSpaceOptions {
  /** Number of steps, at least 1. */
  readonly length: number;
  /** The matrix F [..., n, n] that takes a state to the next. */
  readonly transition: TensorLike;
  /** What is added to the next state, [..., n]. Default 0. */
  readonly transitionOffset?: TensorLike;
  /** G [..., n, k]: the noise of a transition has the covariance G Gᵀ, which may be singular. */
  readonly transitionScale: TensorLike;
  /** The matrix H [..., m, n] that takes a state to the mean of its value. */
  readonly emission: TensorLike;
  /** What is added to the value, [..., m]. Default 0. */
  readonly emissionOffset?: TensorLike;
  /** E [..., m, k]: the noise of a value has the covariance E Eᵀ. Default 0: values without noise. */
  readonly emissionScale?: TensorLike;
  /** The mean of the first state, [..., n]. Default 0. */
  readonly initialMean?: TensorLike;
  /** S [..., n, k]: the first state has the covariance S Sᵀ. */
  readonly initialScale: TensorLike;
  /** True where a value was observed, false where it is missing: a shape that broadcasts to [..., length, m]. Default: all were observed. */
  readonly mask?: TensorLike;
  /**
   * The parts that differ from step to step: these have an axis of steps before those of their matrix or vector, [..., length, m, n] for the emission, and
   * [..., length − 1, n, n] for the transition, whose first leads from the first step to the second. Default: none.
   */
  readonly varying?: readonly VaryingPart[];
}

const rules: OptionRules<StateSpaceOptions> = {
  length: required(whole(1)),
  transition: required(anything),
  transitionOffset: anything,
  transitionScale: required(anything),
  emission: required(anything),
  emissionOffset: anything,
  emissionScale: anything,
  initialMean: anything,
  initialScale: required(anything),
  mask: anything,
  varying: anything,
};

/** The number of axes of each part, and whether it is of transitions or of values. */
const kinds: Readonly<
  Record<VaryingPart, readonly [rank: number, of: "transition" | "emission", as: keyof Linear]>
> = {
  transition: [2, "transition", "matrix"],
  transitionOffset: [1, "transition", "offset"],
  transitionScale: [2, "transition", "covariance"],
  emission: [2, "emission", "matrix"],
  emissionOffset: [1, "emission", "offset"],
  emissionScale: [2, "emission", "covariance"],
};
const parts = Object.keys(kinds) as VaryingPart[];

/** Means and covariances of the states of all steps. */
export interface StateMoments {
  /** Sample + batch + [length, n]. */
  readonly mean: Tensor;
  /** Batch + [length, n, n]: it does not depend on the values. */
  readonly covariance: Tensor;
}

const swap = (t: Tensor): Tensor =>
  transpose(t, [...Array.from({ length: t.rank - 2 }, (_, i) => i), t.rank - 1, t.rank - 2]);

/** Moves the axis of steps, before the last `after` axes, to the front. */
const toFront = (t: Tensor, after: number): Tensor => {
  const at = t.rank - after - 1;
  return transpose(t, [at, ...Array.from({ length: t.rank }, (_, i) => i).filter((i) => i !== at)]);
};
/** Moves the first axis before the last `after` axes. */
const toPlace = (t: Tensor, after: number): Tensor => {
  const rest = Array.from({ length: t.rank - 1 }, (_, i) => i + 1);
  return transpose(t, [...rest.slice(0, rest.length - after), 0, ...rest.slice(rest.length - after)]);
};
/** Ones after the first axis, so that what follows it aligns with more dimensions. */
const padded = (t: Tensor, rank: number): Tensor =>
  t.rank >= rank
    ? t
    : reshape(t, [t.shape[0], ...new Array<number>(rank - t.rank).fill(1), ...t.shape.slice(1)]);

const square = (scale: Tensor): Tensor => scale.matmul(swap(scale));

/** The distribution that {@link LinearGaussianStateSpace} returns: densities, draws, and the states behind a sequence. */
export class LinearGaussianStateSpaceDistribution extends Distribution {
  readonly length: number;
  /** n. */
  readonly states: number;
  private readonly varying: ReadonlySet<string>;
  private readonly mask: Tensor | undefined;

  /** `parameters` by the names of {@link StateSpaceOptions}. Use {@link LinearGaussianStateSpace}. */
  constructor(parameters: Parameters, length: number, varying: ReadonlySet<string>, mask?: Tensor) {
    const rankOf = (k: string): number => {
      const own = k === "initialScale" ? 2 : k === "initialMean" ? 1 : kinds[k as VaryingPart][0];
      return own + (varying.has(k) ? 1 : 0);
    };
    const constraints: Record<string, Constraint> = {};
    for (const k of Object.keys(parameters)) constraints[k] = independentConstraint(real, rankOf(k));
    const [m] = parameters.emission.shape.slice(-2);
    super({
      name: "LinearGaussianStateSpace",
      parameters,
      constraints,
      support: independentConstraint(real, 2),
      eventShape: [length, m],
      batchShape: broadcastShapes(
        "LinearGaussianStateSpace",
        ...Object.entries(parameters).map(([k, t]) => t.shape.slice(0, t.rank - rankOf(k))),
        ...(mask === undefined ? [] : [mask.shape.slice(0, -2)]),
      ),
      reparameterised: true,
    });
    this.length = length;
    this.states = parameters.transition.shape[parameters.transition.rank - 1];
    this.varying = varying;
    this.mask = mask;
  }

  /** A parameter, or zeros of its shape. */
  private part(name: string, shape: Shape): Tensor {
    return this.parameters[name] ?? full(shape, 0, this.dtype);
  }

  private model(outer: Shape): KalmanModel {
    const [n, m] = [this.states, this.eventShape[1]];
    const sizes: Readonly<Record<VaryingPart, Shape>> = {
      transition: [n, n],
      transitionOffset: [n],
      transitionScale: [n, 1],
      emission: [m, n],
      emissionOffset: [m],
      emissionScale: [m, 1],
    };
    const steps = { transition: { fixed: {}, each: {} }, emission: { fixed: {}, each: {} } };
    for (const name of parts) {
      const [rank, of, as] = kinds[name];
      const own = this.part(name, sizes[name]);
      const t = as === "covariance" ? square(own) : own;
      const varies = this.varying.has(name);
      const kept = varies ? padded(toFront(t, rank), 1 + outer.length + rank) : t;
      Object.assign(varies ? steps[of].each : steps[of].fixed, { [as]: kept });
    }
    const mask =
      this.mask &&
      padded(
        toFront(expand(this.mask, [...this.mask.shape.slice(0, -2), this.length, m]), 1),
        2 + outer.length,
      );
    return {
      length: this.length,
      initialMean: this.part("initialMean", [n]),
      initialCovariance: square(this.parameters.initialScale),
      transition: steps.transition,
      emission: steps.emission,
      ...(mask && { mask }),
      outer,
      // Ones where the samples are, so that masks and parts of each step align.
      batch: [...new Array<number>(outer.length - this.batchShape.length).fill(1), ...this.batchShape],
    };
  }

  /** The filter over a value of shape sample + batch + event, steps first. */
  private filtered(x: Tensor): { readonly model: KalmanModel; readonly seen: Filtered } {
    const outer = broadcastShapes(this.name, x.shape.slice(0, -2), this.batchShape);
    const model = this.model(outer);
    return { model, seen: filter(model, padded(toFront(x, 1), 2 + outer.length)) };
  }

  protected override logDensity(x: Tensor): Tensor {
    return sum(this.filtered(x).seen.logProb, 0);
  }

  /** A value as a tensor, whose shape fits. @throws ShapeError */
  private sequence(what: string, value: TensorLike): Tensor {
    const x = value instanceof Tensor ? value : tensor(value, { dtype: this.dtype });
    if (x.rank < 2 || x.shape.slice(-2).join() !== this.eventShape.join()) {
      throw new ShapeError(
        `${this.name}.${what}: expected a sequence of shape [..., ${this.eventShape.join(", ")}], found ${formatShape(x.shape)}.`,
      );
    }
    return x;
  }

  /**
   * The states given the values up to each of them (Kalman 1960).
   *
   * @throws ShapeError when the value is not a sequence of this length.
   */
  filteredStates(value: TensorLike): StateMoments {
    const { mean, covariance } = this.filtered(this.sequence("filteredStates", value)).seen;
    return this.moments(mean, covariance);
  }

  private moments(mean: Tensor, covariance: Tensor): StateMoments {
    const n = this.states;
    const own = reshape(toPlace(covariance, 2), [...this.batchShape, this.length, n, n]);
    return { mean: toPlace(mean, 1), covariance: own };
  }

  /**
   * The states given all values.
   *
   * @throws ShapeError when the value is not a sequence of this length.
   */
  smoothedStates(value: TensorLike): StateMoments {
    const { model, seen } = this.filtered(this.sequence("smoothedStates", value));
    const { mean, covariance } = smooth(model, seen);
    return this.moments(mean, covariance);
  }

  /**
   * A course of states drawn from its posterior given the values, exactly, by the simulation smoother of Durbin & Koopman (2002): sample + batch +
   * [length, n].
   *
   * @param site the name of the draw's random numbers
   * @throws ShapeError when the value is not a sequence of this length.
   */
  sampleStates(site: string, value: TensorLike): Tensor {
    const x = this.sequence("sampleStates", value);
    const outer = broadcastShapes(this.name, x.shape.slice(0, -2), this.batchShape);
    const model = this.model(outer);
    const states = this.course(`${site}/state`, model);
    const values = this.emitted(`${site}/value`, model, states);
    const given = smooth(model, filter(model, padded(toFront(x, 1), 2 + outer.length))).mean;
    const own = smooth(model, filter(model, values)).mean;
    return toPlace(add(states, sub(given, own)), 1);
  }

  /**
   * The values of the next steps given these: a model that begins where this one ends.
   *
   * @throws UsageError when parts vary from step to step, because those of the next steps are not known. Make the model longer instead, and mask its last steps.
   * @throws ShapeError when the value is not a sequence of this length.
   */
  forecast(value: TensorLike, steps: number): LinearGaussianStateSpaceDistribution {
    if (this.varying.size > 0) {
      throw new UsageError(
        `${this.name}.forecast: ${[...this.varying].join(", ")} vary from step to step, and those of the next steps are not known. Give the model ` +
          "the length of both together, mask the values to come, and read smoothedStates or sampleStates.",
      );
    }
    const { model, seen } = this.filtered(this.sequence("forecast", value));
    const last = (t: Tensor): Tensor => squeeze(slice(t, { axis: 0, start: this.length - 1 }), 0);
    const by = model.transition.fixed as Linear;
    const mean = add(apply(by.matrix, last(seen.mean)), by.offset);
    const n = this.states;
    const before = reshape(last(seen.covariance), [...this.batchShape, n, n]);
    const covariance = add(by.matrix.matmul(before).matmul(swap(by.matrix)), by.covariance);
    return new LinearGaussianStateSpaceDistribution(
      { ...this.parameters, initialMean: mean, initialScale: factorOf(covariance) },
      steps,
      this.varying,
    );
  }

  /** States of all steps, [length, …, n]. Without a site they are their means. */
  private course(site: string | undefined, { outer, transition, initialMean }: KalmanModel): Tensor {
    const n = this.states;
    const { initialScale } = this.parameters;
    const white = (name: string, shape: Shape): Tensor =>
      noise("normal", `${site}/${name}`, shape, this.dtype);
    const start =
      site === undefined
        ? initialMean
        : add(
            initialMean,
            apply(initialScale, white("first", [...outer, initialScale.shape[initialScale.rank - 1]])),
          );
    const begin = expand(start, [...outer, n]);
    if (this.length === 1) return unsqueeze(begin, 0);
    const scale = this.parameters.transitionScale;
    const moved = this.varying.has("transitionScale") ? padded(toFront(scale, 2), 3 + outer.length) : scale;
    const shape = [this.length - 1, ...outer, n];
    const jump =
      site === undefined
        ? expand(full([], 0, this.dtype), shape)
        : expand(
            apply(moved, white("steps", [this.length - 1, ...outer, scale.shape[scale.rank - 1]])),
            shape,
          );
    const { outputs } = scan(
      begin,
      { jump, ...transition.each } as Readonly<Record<string, Tensor>>,
      (state, step) => {
        const matrix = step.matrix ?? (transition.fixed.matrix as Tensor);
        const offset = step.offset ?? (transition.fixed.offset as Tensor);
        const next = expand(add(add(apply(matrix, state), offset), step.jump), [...outer, n]);
        return { carry: next, output: next };
      },
    );
    return concat([unsqueeze(begin, 0), outputs]);
  }

  /** Values of states, [length, …, m]. Without a site they are their means. */
  private emitted(site: string | undefined, { outer, emission }: KalmanModel, states: Tensor): Tensor {
    const { matrix, offset } = { ...emission.fixed, ...emission.each } as Linear;
    const shape = [this.length, ...outer, this.eventShape[1]];
    const mean = expand(add(apply(matrix, states), offset), shape);
    const scale = this.parameters.emissionScale;
    if (site === undefined || scale === undefined) return mean;
    const moved = this.varying.has("emissionScale") ? padded(toFront(scale, 2), 3 + outer.length) : scale;
    const white = noise(
      "normal",
      `${site}/noise`,
      [this.length, ...outer, scale.shape[scale.rank - 1]],
      this.dtype,
    );
    return add(mean, apply(moved, white));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const model = this.model(shape.slice(0, -2));
    return toPlace(this.emitted(site, model, this.course(site, model)), 1);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LinearGaussianStateSpaceDistribution(parameters, this.length, this.varying, this.mask);
  }

  /** The means of the values. */
  private centre(): Tensor {
    const model = this.model(this.batchShape);
    return toPlace(this.emitted(undefined, model, this.course(undefined, model)), 1);
  }

  /** The variances of the values: their covariances, from those of the states. */
  private variances(): Tensor {
    const model = this.model(this.batchShape);
    const n = this.states;
    const { transition, emission } = model;
    const begin = expand(model.initialCovariance, [...this.batchShape, n, n]);
    const { outputs } = scan(
      begin,
      { ...transition.each } as Readonly<Record<string, Tensor>>,
      (before, step) => {
        const by = { ...transition.fixed, ...step } as Linear;
        const next = add(by.matrix.matmul(before).matmul(swap(by.matrix)), by.covariance);
        const wide = expand(next, [...this.batchShape, n, n]);
        return { carry: wide, output: wide };
      },
      { length: this.length - 1 },
    );
    const all = concat([unsqueeze(begin, 0), outputs]);
    const { matrix, covariance } = { ...emission.fixed, ...emission.each } as Linear;
    const both = add(matrix.matmul(all).matmul(swap(matrix)), covariance);
    return toPlace(expand(diagonal(both), [this.length, ...this.batchShape, this.eventShape[1]]), 1);
  }

  protected override forms(): ClosedForms {
    const size = this.length * this.eventShape[1];
    return {
      mean: () => this.centre(),
      variance: () => this.variances(),
      ...(this.mask === undefined && {
        mode: () => this.centre(),
        // At its mean the log density of a normal is −entropy + size/2.
        entropy: () => add(mul(this.logDensity(this.centre()), -1), size / 2),
      }),
    };
  }
}

/**
 * A linear-Gaussian state space model, whose states are summed out exactly by the Kalman filter: x₁ ~ N(initialMean, S Sᵀ), xₜ₊₁ = F xₜ + b + G εₜ, and values
 * yₜ = H xₜ + d + E ηₜ, with standard normal ε and η. Local levels, trends, seasons, autoregressions and their sums are of this kind. Event shape [length, m];
 * leading axes of all parts broadcast to the batch.
 *
 * Densities have gradients in all parts and in the values, and draws in all parts. The filter is a loop over steps (`scan`): its cost is length · n³, and the time to
 * compile does not depend on the length. The states come back by `filteredStates`, `smoothedStates` and `sampleStates` (a course drawn from its posterior), and
 * `forecast` gives the distribution of the next values. Missing values are told by `mask`: what stands in their places is not read, but must be a number. With a
 * mask there is no entropy, and `logProb` is that of the values that were observed.
 *
 * @example
 * // A local level: a random walk seen through noise.
 * const series = LinearGaussianStateSpace({
 *   length: 100,
 *   transition: [[1]],
 *   transitionScale: [[0.3]],
 *   emission: [[1]],
 *   emissionScale: [[1]],
 *   initialScale: [[10]],
 * });
 *
 * @throws ShapeError when the sizes of the parts do not fit one another, or that of a part that varies the length.
 * @throws UsageError when a required part is missing, or `varying` names none of the parts.
 */
export function LinearGaussianStateSpace(options: StateSpaceOptions): LinearGaussianStateSpaceDistribution {
  const what = "LinearGaussianStateSpace";
  checkOptions(what, options, rules);
  const { length, mask, varying = [], ...given } = options;
  const unknown = varying.find((name) => !(name in kinds));
  if (unknown !== undefined) {
    throw new UsageError(`${what}: 'varying' names '${String(unknown)}'; the parts are ${parts.join(", ")}.`);
  }
  const absent = varying.find((name) => given[name] === undefined);
  if (absent !== undefined) {
    throw new UsageError(
      `${what}: 'varying' names '${absent}', which is not given. Give it, or leave it out there.`,
    );
  }
  const names = Object.keys(given).filter((k) => given[k as keyof typeof given] !== undefined);
  const list = operands(what, ...names.map((k) => given[k as keyof typeof given] as TensorLike));
  const parameters: Parameters = Object.fromEntries(names.map((k, i) => [k, list[i]]));
  const [n, m] = [parameters.transition.shape.at(-1), parameters.emission.shape.at(-2)];
  const sizes: Readonly<Record<string, readonly (number | undefined)[]>> = {
    transition: [n, n],
    transitionOffset: [n],
    transitionScale: [n, undefined],
    emission: [m, n],
    emissionOffset: [m],
    emissionScale: [m, undefined],
    initialMean: [n],
    initialScale: [n, undefined],
  };
  const letters: Readonly<Record<string, string>> = {
    transition: "n, n",
    transitionOffset: "n",
    transitionScale: "n, k",
    emission: "m, n",
    emissionOffset: "m",
    emissionScale: "m, k",
    initialMean: "n",
    initialScale: "n, k",
  };
  for (const [name, t] of Object.entries(parameters)) {
    const varies = varying.includes(name as VaryingPart);
    const steps = name.startsWith("transition") ? length - 1 : length;
    const wanted = [...(varies ? [steps] : []), ...sizes[name]];
    const own = t.shape.slice(-wanted.length);
    if (t.rank < wanted.length || own.some((size, i) => wanted[i] !== undefined && size !== wanted[i])) {
      throw new ShapeError(
        `${what}: expected '${name}' of shape [..., ${varies ? `${steps} steps, ` : ""}${letters[name]}] with ${n} states (n) and ${m} values (m) a step, ` +
          `found ${formatShape(t.shape)}.${varies ? "" : " If it differs from step to step, name it in 'varying'."}`,
      );
    }
  }
  return new LinearGaussianStateSpaceDistribution(
    parameters,
    length,
    new Set(varying),
    mask === undefined ? undefined : maskOf(what, mask, [length, m ?? 0], list[0]),
  );
}

/** A mask as numbers, whose last axes fit. */
function maskOf(what: string, mask: TensorLike, event: Shape, like: Tensor): Tensor {
  const given = mask instanceof Tensor ? mask : tensor(mask);
  const fits = given.rank >= 2 && given.shape.slice(-2).every((size, i) => size === event[i] || size === 1);
  if (!fits) {
    throw new ShapeError(
      `${what}: expected a mask of shape [..., ${event.join(", ")}], found ${formatShape(given.shape)}. For whole steps give [${event[0]}, 1].`,
    );
  }
  return cast(given, like.dtype);
}
