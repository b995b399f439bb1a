import { concat, cumsum, exp, log, type Shape, slice, sub, sum, type Tensor } from "../../tensor/index.ts";
import { positiveOrderedVector, realVector } from "../constraints.ts";
import { Transform } from "./transform.ts";

class PositiveOrderedTransform extends Transform {
  constructor() {
    super({ name: "positiveOrdered", domain: realVector, codomain: positiveOrderedVector });
  }

  protected override map(x: Tensor): Tensor {
    return cumsum(exp(x), -1);
  }

  protected override unmap(y: Tensor): Tensor {
    if (y.shape[y.rank - 1] === 1) return log(y);
    const first = slice(y, { axis: -1, end: 1 });
    const steps = sub(slice(y, { axis: -1, start: 1 }), slice(y, { axis: -1, end: -1 }));
    return log(concat([first, steps], -1));
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return sum(x, -1);
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] >= 1 ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }
}

/**
 * yₖ = exp(x₁) + … + exp(xₖ): realVector → strictly increasing vectors of positive numbers [..., n]. ln |J| = Σₖ xₖ (the Stan
 * Reference Manual's positive ordered vector).
 *
 * Steps below the rounding of y are lost: in float32, of the order of 1e-7 y.
 *
 * @example
 * await transforms.positiveOrdered.forward([0, 0]).value(); // [1, 2]
 */
export const positiveOrdered: Transform = new PositiveOrderedTransform();
