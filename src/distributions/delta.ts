import {
  equal,
  expand,
  full,
  mul,
  type Shape,
  sum,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { operands } from "../tensor/leaf.ts";
import { independentConstraint, real } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { lastAxes } from "./numerics.ts";

export class DeltaDistribution extends Distribution {
  readonly value: Tensor;

  /** Use {@link Delta}. */
  constructor(parameters: Parameters, eventRank: number) {
    const { value } = parameters;
    const constraint = independentConstraint(real, eventRank);
    super({
      name: "Delta",
      parameters,
      constraints: { value: constraint },
      support: constraint,
      eventShape: value.shape.slice(value.rank - eventRank),
      reparameterised: true,
    });
    this.value = value;
  }

  protected override logDensity(x: Tensor): Tensor {
    const off = where(equal(x, this.value), full([], 0, this.dtype), Number.NEGATIVE_INFINITY);
    return this.eventShape.length === 0 ? off : sum(off, lastAxes(this.eventShape.length));
  }

  protected override draw(_site: string, shape: Shape): Tensor {
    return expand(this.value, shape);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new DeltaDistribution(parameters, this.eventShape.length);
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => this.value,
      mode: () => this.value,
      variance: () => mul(this.value, 0),
      entropy: () => mul(sum(this.value, lastAxes(this.eventShape.length)), 0),
    };
  }
}

/**
 * All mass at `value`: what a guide of a point estimate draws. Its log density is that of a unit mass: 0 at the
 * value, −∞ elsewhere. The last `eventRank` dimensions of the value (default 0) are its event, the rest the batch.
 * Needs no noise.
 *
 * @example
 * await Delta([1, 2]).logProb([1, 3]).value(); // [0, -Infinity]
 */
export const Delta = (value: TensorLike, options: { readonly eventRank?: number } = {}): DeltaDistribution =>
  new DeltaDistribution({ value: operands("Delta", value)[0] }, options.eventRank ?? 0);
