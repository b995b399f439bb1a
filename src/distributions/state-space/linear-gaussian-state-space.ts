/** A linear-Gaussian state space model as a distribution: the filter and the smoothers of `kalman.ts` over the parts of `parts.ts`. */
import { ShapeError, UsageError } from "../../errors.ts";
import {
  add,
  broadcastShapes,
  concat,
  diagonal,
  expand,
  formatShape,
  full,
  mul,
  noise,
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
  unsqueeze,
} from "../../tensor/index.ts";
import { type Constraint, independentConstraint, real } from "../constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "../distribution.ts";
import { covarianceOf, padded, swap, toFront, toPlace } from "./axes.ts";
import { apply, type Filtered, factorOf, filter, type KalmanModel, type Linear, smooth } from "./kalman.ts";
import {
  kinds,
  partsOf,
  type StateSpaceOptions,
  type StateSpaceParts,
  type VaryingPart,
  varyingParts,
} from "./parts.ts";

/** Means and covariances of the states of all steps. */
export interface StateMoments {
  /** Sample + batch + [length, n]. */
  readonly mean: Tensor;
  /** Batch + [length, n, n]: it does not depend on the values. */
  readonly covariance: Tensor;
}

/** The distribution that {@link LinearGaussianStateSpace} returns: densities, draws, and the states behind a sequence. */
export class LinearGaussianStateSpaceDistribution extends Distribution {
  readonly length: number;
  /** n. */
  readonly states: number;
  private readonly varying: ReadonlySet<string>;
  private readonly mask: Tensor | undefined;

  /** Use {@link LinearGaussianStateSpace}. */
  constructor({ parameters, length, varying, mask }: StateSpaceParts) {
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
    for (const name of varyingParts) {
      const [rank, of, as] = kinds[name];
      const own = this.part(name, sizes[name]);
      const t = as === "covariance" ? covarianceOf(own) : own;
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
      initialCovariance: covarianceOf(this.parameters.initialScale),
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
    return new LinearGaussianStateSpaceDistribution({
      length: steps,
      parameters: { ...this.parameters, initialMean: mean, initialScale: factorOf(covariance) },
      varying: this.varying,
    });
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
    const { length, varying, mask } = this;
    return new LinearGaussianStateSpaceDistribution({ parameters, length, varying, ...(mask && { mask }) });
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
  return new LinearGaussianStateSpaceDistribution(partsOf(options));
}
