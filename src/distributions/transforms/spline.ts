import { ShapeError, UsageError } from "../../errors.ts";
import {
  abs,
  add,
  broadcastShapes,
  cast,
  concat,
  cumsum,
  div,
  formatShape,
  full,
  greaterEqual,
  lessEqual,
  log,
  maximum,
  mul,
  neg,
  ones,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../../tensor/index.ts";
import { real } from "../constraints.ts";
import { tiniest } from "../numerics.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";

/** The smallest size of a bin relative to the mean bin, so that a softmax over many bins keeps every one. */
const SMALLEST_SHARE = 0.01;
const SMALLEST_DERIVATIVE = 1e-3;

/** Parameters of a rational-quadratic spline. */
export interface SplineParameters {
  /** Unnormalised, [..., bins]; equal values make equal bins. */
  readonly widths: Tensor;
  /** Unnormalised, [..., bins]. */
  readonly heights: Tensor;
  /** Unconstrained, [..., bins − 1]: at the inner knots, 0 for a slope of 1. */
  readonly derivatives: Tensor;
}

/** The bin that holds a value, as numbers of the value's shape. */
interface Bin {
  readonly left: Tensor;
  readonly bottom: Tensor;
  readonly width: Tensor;
  readonly height: Tensor;
  /** Slopes at its two ends. */
  readonly d0: Tensor;
  readonly d1: Tensor;
}

class SplineTransform extends Transform {
  readonly widths: Tensor;
  readonly heights: Tensor;
  readonly derivatives: Tensor;
  readonly bound: number;

  constructor({ widths, heights, derivatives }: SplineParameters, bound: number) {
    const batches = [widths, heights, derivatives].map((t) => t.shape.slice(0, -1));
    super({
      name: "rationalQuadraticSpline",
      domain: real,
      codomain: real,
      batchShape: broadcastShapes("rationalQuadraticSpline", ...batches),
    });
    this.widths = widths;
    this.heights = heights;
    this.derivatives = derivatives;
    this.bound = bound;
  }

  protected override map(x: Tensor): Tensor {
    return this.mapWithLogDet(x).value;
  }

  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    const inside = lessEqual(abs(x), this.bound);
    const held = where(inside, x, 0);
    const bin = this.#binOf(held, "left");
    const theta = div(sub(held, bin.left), bin.width);
    const { ratio, logSlope } = rational(bin, theta);
    return {
      value: where(inside, add(bin.bottom, mul(bin.height, ratio)), x),
      logDet: where(inside, logSlope, 0),
    };
  }

  protected override unmap(y: Tensor): Tensor {
    return this.unmapWithLogDet(y).value;
  }

  // θ solves a quadratic with one root in [0, 1]; this form does not cancel (Durkan et al. 2019, appendix A.3).
  protected override unmapWithLogDet(y: Tensor): ValueAndLogDet {
    const inside = lessEqual(abs(y), this.bound);
    const held = where(inside, y, 0);
    const bin = this.#binOf(held, "bottom");
    const s = div(bin.height, bin.width);
    const rise = sub(held, bin.bottom);
    const bend = sub(add(bin.d0, bin.d1), mul(s, 2));
    const a = add(mul(bin.height, sub(s, bin.d0)), mul(rise, bend));
    const b = sub(mul(bin.height, bin.d0), mul(rise, bend));
    const c = neg(mul(s, rise));
    const discriminant = maximum(sub(square(b), mul(mul(a, c), 4)), tiniest(y.dtype));
    const theta = div(mul(c, 2), sub(neg(b), sqrt(discriminant)));
    return {
      value: where(inside, add(bin.left, mul(bin.width, theta)), y),
      logDet: where(inside, neg(rational(bin, theta).logSlope), 0),
    };
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.mapWithLogDet(x).logDet;
  }

  /** Selects by a one-hot sum over the bins: no branch, and no gradient through the selection. */
  #binOf(value: Tensor, axis: "left" | "bottom"): Bin {
    const bins = this.widths.shape[this.widths.rank - 1];
    const side = { width: this.#sizes(this.widths), height: this.#sizes(this.heights) };
    const left = sub(cumsum(side.width, -1, { exclusive: true }), this.bound);
    const bottom = sub(cumsum(side.height, -1, { exclusive: true }), this.bound);
    const slopes = this.#slopes();
    const knots = slice(axis === "left" ? left : bottom, { axis: -1, start: 1 });
    const passed = cast(greaterEqual(unsqueeze(value, -1), knots), value.dtype);
    const end = [...passed.shape.slice(0, -1), 1];
    const chosen = sub(
      concat([ones(end, value.dtype), passed], -1),
      concat([passed, full(end, 0, value.dtype)], -1),
    );
    const pick = (t: Tensor): Tensor => sum(mul(chosen, t), -1);
    return {
      left: pick(left),
      bottom: pick(bottom),
      width: pick(side.width),
      height: pick(side.height),
      d0: pick(slice(slopes, { axis: -1, end: bins })),
      d1: pick(slice(slopes, { axis: -1, start: 1 })),
    };
  }

  /** Shares of [−bound, bound], [..., bins]. */
  #sizes(raw: Tensor): Tensor {
    const bins = raw.shape[raw.rank - 1];
    const shares = add(mul(softmax(raw), 1 - SMALLEST_SHARE), SMALLEST_SHARE / bins);
    return mul(shares, 2 * this.bound);
  }

  /** At all knots, [..., bins + 1]; 1 at the ends, where the tails begin. */
  #slopes(): Tensor {
    const raw = this.derivatives;
    const end = ones([...raw.shape.slice(0, -1), 1], raw.dtype);
    const offset = Math.log(Math.expm1(1 - SMALLEST_DERIVATIVE));
    return concat([end, add(softplus(add(raw, offset)), SMALLEST_DERIVATIVE), end], -1);
  }
}

/** The monotone rational quadratic of one bin at θ in [0, 1]: its value as a fraction of the height, and ln dy/dx. */
function rational(bin: Bin, theta: Tensor): { readonly ratio: Tensor; readonly logSlope: Tensor } {
  const { d0, d1 } = bin;
  const s = div(bin.height, bin.width);
  const rest = sub(1, theta);
  const mixed = mul(theta, rest);
  const denominator = add(s, mul(sub(add(d0, d1), mul(s, 2)), mixed));
  const ratio = div(add(mul(s, square(theta)), mul(d0, mixed)), denominator);
  const slope = add(add(mul(d1, square(theta)), mul(mul(s, mixed), 2)), mul(d0, square(rest)));
  return { ratio, logSlope: sub(log(slope), mul(log(div(denominator, s)), 2)) };
}

/**
 * A monotone rational-quadratic spline on [−bound, bound], element by element; outside it is the identity. Durkan et al.,
 * "Neural spline flows" (2019). Its inverse has a closed form. Parameters may be plain (one spline for all values) or come from a
 * network, as in {@link splineCoupling}.
 *
 * @throws ShapeError when the numbers of bins differ; UsageError when the bound is not positive.
 */
export function rationalQuadraticSpline(
  parameters: SplineParameters,
  options: { readonly bound?: number } = {},
): Transform {
  const { widths, heights, derivatives } = parameters;
  const { bound = 3 } = options;
  if (!(bound > 0 && Number.isFinite(bound))) {
    throw new UsageError(`rationalQuadraticSpline: 'bound' must be positive and finite, found ${bound}.`);
  }
  const bins = widths.shape.at(-1) ?? 0;
  if (bins < 2 || heights.shape.at(-1) !== bins || derivatives.shape.at(-1) !== bins - 1) {
    throw new ShapeError(
      "rationalQuadraticSpline: expected widths [..., bins], heights [..., bins] and derivatives [..., bins - 1] with at " +
        `least 2 bins, found ${[widths, heights, derivatives].map((t) => formatShape(t.shape)).join(", ")}.`,
    );
  }
  return new SplineTransform(parameters, bound);
}
