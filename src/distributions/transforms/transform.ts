/**
 * The contract that every transform (bijector) satisfies: a differentiable map with the logarithm of its Jacobian's
 * determinant. A new one extends {@link Transform} and writes `map`, `unmap` and `logAbsDet`; shapes are checked here, once.
 *
 * A value has shape batch + event. `domain.eventRank` is the number of trailing dimensions that the map takes as one event (0:
 * element by element), `codomain.eventRank` the number that it returns.
 */
import { ShapeError } from "../../errors.ts";
import { parametersOf } from "../../nn/index.ts";
import {
  broadcastShapes,
  formatShape,
  isFloat,
  neg,
  operands,
  type Shape,
  Tensor,
  type TensorLike,
} from "../../tensor/index.ts";
import type { Constraint } from "../constraints.ts";
import type { Parameters } from "../distribution.ts";
import { liesIn } from "../membership.ts";
import { expandTo, sumRepeated } from "../numerics.ts";

/** While a program is traced: for each value, the transforms that made it and the values that they were applied to. */
const origins = new WeakMap<Tensor, Map<Transform, Tensor>>();

/** The specification of a transform. */
export interface TransformSpec {
  readonly name: string;
  readonly domain: Constraint;
  readonly codomain: Constraint;
  /** The batch shape of the transform's own parameters, without their event dimensions. Values broadcast with it. Default []. */
  readonly batchShape?: Shape;
}

/** The result of a map, and the logarithm of its Jacobian's determinant. */
export interface ValueAndLogDet {
  readonly value: Tensor;
  /** The log determinant of the map that made the value. */
  readonly logDet: Tensor;
}

/** The contract of every transform: a map, its inverse, and the logarithm of its Jacobian's determinant. */
export abstract class Transform {
  readonly name: string;
  readonly domain: Constraint;
  readonly codomain: Constraint;
  readonly batchShape: Shape;

  protected constructor(spec: TransformSpec) {
    this.name = spec.name;
    this.domain = spec.domain;
    this.codomain = spec.codomain;
    this.batchShape = spec.batchShape ?? [];
  }

  /** The number of trailing dimensions of one event of the domain: 0 element by element, 1 for vectors. */
  get eventRank(): number {
    return this.domain.eventRank;
  }

  /** Whether `forward` exists. If not, the map is known only in the other direction. */
  get hasForward(): boolean {
    return true;
  }

  /** Whether `inverse` has a closed form. */
  get hasInverse(): boolean {
    return true;
  }

  /** The tensors that define the map, by path: those passed in and the parameters of its networks. */
  get parameters(): Parameters {
    const found: Record<string, Tensor> = {};
    for (const [key, part] of Object.entries(this)) {
      if (key === "domain" || key === "codomain") continue;
      if (part instanceof Tensor) found[key] = part;
      else if (part instanceof Transform) {
        for (const [name, t] of Object.entries(part.parameters)) found[`${key}.${name}`] = t;
      } else for (const { name, tensor } of parametersOf(part, key)) found[name] = tensor;
    }
    return found;
  }

  /** y of a checked x. */
  protected abstract map(x: Tensor): Tensor;

  /** x of a checked y. */
  protected abstract unmap(y: Tensor): Tensor;

  /** ln |det ∂y/∂x| of a checked pair; any shape that broadcasts to the batch. */
  protected abstract logAbsDet(x: Tensor, y: Tensor): Tensor;

  /** y and ln |det ∂y/∂x|. Override it if one pass gives both. */
  protected mapWithLogDet(x: Tensor): ValueAndLogDet {
    const value = this.map(x);
    return { value, logDet: this.logAbsDet(x, value) };
  }

  /** x and ln |det ∂x/∂y|. Override it if one pass gives both. */
  protected unmapWithLogDet(y: Tensor): ValueAndLogDet {
    const value = this.unmap(y);
    return { value, logDet: neg(this.logAbsDet(value, y)) };
  }

  /** The event shape of y for that of x, or undefined if it does not fit. */
  protected forwardEvent(event: Shape): Shape | undefined {
    return event;
  }

  /** The event shape of x for that of y, or undefined if it does not fit. */
  protected inverseEvent(event: Shape): Shape | undefined {
    return event;
  }

  /** How messages describe the events of either side; the default fits any size. */
  protected describeEvent(side: "domain" | "codomain"): string {
    return `[${["...", "m", "n"].slice(0, 1 + this[side].eventRank).join(", ")}]`;
  }

  /**
   * y = f(x), for x of shape batch + event.
   * @throws ShapeError naming the shapes; ClosedFormError when the map is known only in the other direction.
   */
  forward(x: TensorLike): Tensor {
    const [given] = operands(this.name, x);
    const shape = this.forwardShape(given.shape);
    return this.#made(expandTo(this.map(this.#fit(given, this.eventRank)), shape), given);
  }

  /**
   * f at an end of its domain, which may be infinite. Where no parameter moves the end of the image, its derivatives are 0, not the NaN of ∞ · 0.
   * Elementwise maps with parameters override it.
   */
  limit(x: Tensor): Tensor {
    return this.forward(x);
  }

  /**
   * x = f⁻¹(y), for y of shape batch + event.
   * @throws ShapeError naming the shapes; ClosedFormError when there is no closed form.
   */
  inverse(y: TensorLike): Tensor {
    const [given] = operands(this.name, y);
    const shape = this.inverseShape(given.shape);
    const origin = this.#originOf(given);
    if (origin !== undefined) return expandTo(origin, shape);
    return expandTo(this.unmap(this.#fit(given, this.codomain.eventRank)), shape);
  }

  /**
   * ln |det ∂y/∂x| for y = f(x), in the batch shape, or summed over its last `n` dimensions (for an element-wise map
   * of a vector). Redundant numbers of the codomain (the last of a simplex, the zeros of a triangle) are
   * left out of the Jacobian.
   */
  logDet(x: TensorLike, y: TensorLike, n = 0): Tensor {
    const [a, b] = operands(this.name, x, y);
    const shape = this.forwardShape(a.shape);
    this.inverseShape(b.shape);
    const raw = this.logAbsDet(this.#fit(a, this.eventRank), this.#fit(b, this.codomain.eventRank));
    return this.#total(raw, n, broadcastShapes(this.name, this.#batchOf(shape), this.#batchOf(b.shape)));
  }

  /** `forward` and `logDet` in one pass. Drawing from a flow with its density uses it. */
  forwardAndLogDet(x: TensorLike, n = 0): ValueAndLogDet {
    const [given] = operands(this.name, x);
    const shape = this.forwardShape(given.shape);
    const { value, logDet } = this.mapWithLogDet(this.#fit(given, this.eventRank));
    return {
      value: this.#made(expandTo(value, shape), given),
      logDet: this.#total(logDet, n, this.#batchOf(shape)),
    };
  }

  /** `inverse` and ln |det ∂x/∂y| (that of the inverse map) in one pass. The density of a value uses it. */
  inverseAndLogDet(y: TensorLike, n = 0): ValueAndLogDet {
    const [given] = operands(this.name, y);
    const shape = this.inverseShape(given.shape);
    const fitted = this.#fit(given, this.codomain.eventRank);
    const origin = this.#originOf(given);
    const { value, logDet } =
      origin === undefined
        ? this.unmapWithLogDet(fitted)
        : { value: origin, logDet: neg(this.logAbsDet(this.#fit(origin, this.eventRank), fitted)) };
    const batch = shape.slice(0, shape.length - this.eventRank);
    return { value: expandTo(value, shape), logDet: this.#total(logDet, n, batch) };
  }

  /** The shape of f(x) for the shape of x; its batch broadcasts with the transform's. @throws ShapeError when it does not fit. */
  forwardShape(shape: Shape): Shape {
    return this.#shapeThrough("forward", shape);
  }

  /** The shape of f⁻¹(y) for the shape of y. @throws ShapeError when it does not fit. */
  inverseShape(shape: Shape): Shape {
    return this.#shapeThrough("inverse", shape);
  }

  /** The name in messages. */
  toString(): string {
    return `${this.name}(${this.domain.name} → ${this.codomain.name})`;
  }

  /** Records the origin of a value. Its inverse is then exact, even if the value has lost digits. */
  #made(y: Tensor, x: Tensor): Tensor {
    const from = origins.get(y) ?? new Map<Transform, Tensor>();
    origins.set(y, from.set(this, x));
    return liesIn(y, this.codomain);
  }

  /** The value that this transform computed y from, if it is known. */
  #originOf(y: Tensor): Tensor | undefined {
    return origins.get(y)?.get(this);
  }

  /** The shape after the map in one direction, for the shape before it. */
  #shapeThrough(direction: "forward" | "inverse", shape: Shape): Shape {
    const side = direction === "forward" ? "domain" : "codomain";
    const rank = this[side].eventRank;
    const split = shape.length - rank;
    const event =
      split < 0
        ? undefined
        : direction === "forward"
          ? this.forwardEvent(shape.slice(split))
          : this.inverseEvent(shape.slice(split));
    if (event === undefined) {
      throw new ShapeError(
        `${this.name}.${direction}: expected ${direction === "forward" ? "x" : "y"} of shape ` +
          `${this.describeEvent(side)} (${side} ${this[side].name}), found ${formatShape(shape)}; ` +
          `reshape or transpose it so that its last ${rank === 1 ? "dimension is" : `${rank} dimensions are`} the event.`,
      );
    }
    return [
      ...broadcastShapes(`${this.name}.${direction}`, shape.slice(0, split), this.batchShape),
      ...event,
    ];
  }

  /** The batch part of a shape of the codomain. */
  #batchOf(codomainShape: Shape): Shape {
    return codomainShape.slice(0, codomainShape.length - this.codomain.eventRank);
  }

  /** A float tensor of the joint batch; an element-wise map broadcasts by itself. */
  #fit(given: Tensor, rank: number): Tensor {
    if (!isFloat(given.dtype)) {
      throw new ShapeError(
        `${this.name}: expected a float tensor, found ${given.dtype}; cast it (x.cast("float32")).`,
      );
    }
    if (rank === 0 || this.batchShape.length === 0) return given;
    const split = given.rank - rank;
    const batch = broadcastShapes(this.name, given.shape.slice(0, split), this.batchShape);
    return expandTo(given, [...batch, ...given.shape.slice(split)]);
  }

  /** Sums a log determinant over the last `n` batch dimensions. */
  #total(raw: Tensor, n: number, batch: Shape): Tensor {
    if (!Number.isInteger(n) || n < 0 || n > batch.length) {
      throw new ShapeError(
        `${this.name}.logDet: cannot sum over the last ${n} dimensions of batch shape ${formatShape(batch)}; ` +
          `give a whole number from 0 to ${batch.length}.`,
      );
    }
    return expandTo(n === 0 ? raw : sumRepeated(raw, n, batch), batch.slice(0, batch.length - n));
  }
}

/** A map of numbers, given by three formulas. */
export interface ElementwiseRule {
  readonly name: string;
  readonly domain: Constraint;
  readonly codomain: Constraint;
  /** y of x. */
  readonly forward: (x: Tensor) => Tensor;
  /** x of y. */
  readonly inverse: (y: Tensor) => Tensor;
  /** ln |dy/dx|, from whichever of x and y is numerically safer. */
  readonly logDet: (x: Tensor, y: Tensor) => Tensor;
}

class ElementwiseTransform extends Transform {
  readonly #rule: ElementwiseRule;

  constructor(rule: ElementwiseRule) {
    super(rule);
    this.#rule = rule;
  }

  protected override map(x: Tensor): Tensor {
    return this.#rule.forward(x);
  }

  protected override unmap(y: Tensor): Tensor {
    return this.#rule.inverse(y);
  }

  protected override logAbsDet(x: Tensor, y: Tensor): Tensor {
    return this.#rule.logDet(x, y);
  }
}

/** An element-wise transform without parameters, from its formulas. */
export const elementwise = (rule: ElementwiseRule): Transform => new ElementwiseTransform(rule);
