import {
  add,
  equal,
  expand,
  full,
  greaterEqual,
  isNan,
  less,
  mul,
  operands,
  type Shape,
  sum,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { independentConstraint, real } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { lastAxes } from "./numerics.ts";

/** The distribution that {@link Delta} returns: parameters, moments and densities as expressions. */
export class DeltaDistribution extends Distribution {
  readonly value: Tensor;

  /** Use {@link Delta}. */
  constructor(parameters: Parameters, eventRank: number) {
    const { value, logDensity } = parameters;
    const constraint = independentConstraint(real, eventRank);
    super({
      name: "Delta",
      parameters,
      constraints: { value: constraint, ...(logDensity !== undefined && { logDensity: real }) },
      support: constraint,
      eventShape: value.shape.slice(value.rank - eventRank),
      reparameterised: true,
    });
    this.value = value;
  }

  override get hasAtoms(): boolean {
    return true;
  }

  protected override logDensity(x: Tensor): Tensor {
    const off = where(equal(x, this.value), full([], 0, this.dtype), Number.NEGATIVE_INFINITY);
    const mass = this.eventShape.length === 0 ? off : sum(off, lastAxes(this.eventShape.length));
    const { logDensity } = this.parameters;
    return logDensity === undefined ? mass : add(mass, logDensity);
  }

  protected override draw(_site: string, shape: Shape): Tensor {
    return expand(this.value, shape);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new DeltaDistribution(parameters, this.eventShape.length);
  }

  protected override cumulative(): Cumulative | undefined {
    if (this.eventShape.length > 0 || this.parameters.logDensity !== undefined) return undefined;
    const sure = (x: Tensor, reached: Tensor): Tensor =>
      where(isNan(x), x, where(reached, full([], 0, this.dtype), Number.NEGATIVE_INFINITY));
    return {
      atoms: true,
      ends: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
      logCdf: (x) => sure(x, greaterEqual(x, this.value)),
      logSurvival: (x) => sure(x, less(x, this.value)),
      logIcdf: (l) => add(this.value, mul(l, 0)),
      median: () => this.value,
    };
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => this.value,
      mode: () => this.value,
      variance: () => mul(this.value, 0),
      ...(this.parameters.logDensity === undefined && {
        entropy: () => mul(sum(this.value, lastAxes(this.eventShape.length)), 0),
      }),
    };
  }
}

/**
 * All mass at `value`: the distribution that a point-estimate guide draws from. Its log density is that of a unit mass: 0 at the
 * value, −∞ elsewhere. The last `eventRank` dimensions of the value (default 0) are its event, the rest the batch.
 * It needs no noise.
 *
 * With `logDensity` (of the batch shape), that is the log density at the value. Guides use it for a value that they computed from
 * another draw by a map whose Jacobian is known.
 *
 * @example
 * await Delta([1, 2]).logProb([1, 3]).value(); // [0, -Infinity]
 */
export function Delta(
  value: TensorLike,
  options: { readonly eventRank?: number; readonly logDensity?: TensorLike } = {},
): DeltaDistribution {
  const { eventRank = 0, logDensity } = options;
  if (logDensity === undefined)
    return new DeltaDistribution({ value: operands("Delta", value)[0] }, eventRank);
  const [at, density] = operands("Delta", value, logDensity);
  return new DeltaDistribution({ value: at, logDensity: density }, eventRank);
}
