import { concat, cumsum, exp, log, type Shape, slice, sub, sum, type Tensor } from "../../tensor/index.ts";
import { orderedVector, realVector } from "../constraints.ts";
import { Transform } from "./transform.ts";

const first = (x: Tensor): Tensor => slice(x, { axis: -1, end: 1 });
const rest = (x: Tensor): Tensor => slice(x, { axis: -1, start: 1 });

class OrderedTransform extends Transform {
  constructor() {
    super({ name: "ordered", domain: realVector, codomain: orderedVector });
  }

  protected override map(x: Tensor): Tensor {
    return x.shape[x.rank - 1] === 1 ? x : cumsum(concat([first(x), exp(rest(x))], -1), -1);
  }

  protected override unmap(y: Tensor): Tensor {
    if (y.shape[y.rank - 1] === 1) return y;
    return concat([first(y), log(sub(rest(y), slice(y, { axis: -1, end: -1 })))], -1);
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return x.shape[x.rank - 1] === 1 ? sum(x.mul(0), -1) : sum(rest(x), -1);
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] >= 1 ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }
}

/**
 * y₁ = x₁, yₖ = yₖ₋₁ + exp(xₖ): realVector → strictly increasing vectors [..., n]. ln |J| = Σₖ₍ₖ>₁₎ xₖ.
 *
 * Steps below the rounding of y are lost: in float32, of the order of 1e-7 |y|.
 */
export const ordered: Transform = new OrderedTransform();
