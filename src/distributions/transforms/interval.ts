import {
  add,
  broadcastShapes,
  isConstant,
  log,
  mul,
  operands,
  softplus,
  sub,
  type Tensor,
  type TensorLike,
} from "../../tensor/index.ts";
import { type Constraint, interval as intervalConstraint, real } from "../constraints.ts";
import { inDType } from "./limits.ts";
import { sigmoid } from "./sigmoid.ts";
import { Transform } from "./transform.ts";

class IntervalTransform extends Transform {
  readonly low: Tensor;
  readonly high: Tensor;

  constructor(low: Tensor, high: Tensor, codomain: Constraint) {
    super({
      name: "interval",
      domain: real,
      codomain,
      batchShape: broadcastShapes("interval", low.shape, high.shape),
    });
    this.low = low;
    this.high = high;
  }

  protected override map(x: Tensor): Tensor {
    // From 0 to 1, use the logistic function itself: densities recognise it and compute its complement and logarithms exactly.
    if (isUnit(this.low, 0) && isUnit(this.high, 1)) return sigmoid.forward(x);
    return add(inDType(this.low, x.dtype), mul(this.#range(x), sigmoid.forward(x)));
  }

  protected override unmap(y: Tensor): Tensor {
    const above = sub(y, inDType(this.low, y.dtype));
    return sub(log(above), log(sub(inDType(this.high, y.dtype), y)));
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return add(log(this.#range(x)), sub(x, mul(softplus(x), 2)));
  }

  #range(x: Tensor): Tensor {
    return sub(inDType(this.high, x.dtype), inDType(this.low, x.dtype));
  }
}

const isUnit = (end: Tensor, value: number): boolean =>
  isConstant(end) && end.size === 1 && end.rank === 0 && end.attributes.values[0] === value;

/** y = low + (high − low) σ(x), real → (low, high); shapes broadcast. It may round to an end that is large relative to the range. */
export function interval(low: TensorLike, high: TensorLike): Transform {
  const [a, b] = operands("interval", low, high);
  // Keep plain numbers in the constraint, so that it can check values of any dtype.
  const end = (given: TensorLike, t: Tensor) => (typeof given === "number" ? given : t);
  return new IntervalTransform(a, b, intervalConstraint(end(low, a), end(high, b)));
}
