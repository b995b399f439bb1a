import {
  add,
  concat,
  constant,
  cumsum,
  exp,
  log,
  neg,
  type Shape,
  slice,
  softplus,
  sub,
  sum,
  type Tensor,
  zeros,
} from "../../tensor/index.ts";
import { realVector, simplex } from "../constraints.ts";
import { Transform } from "./transform.ts";

class StickBreakingTransform extends Transform {
  constructor() {
    super({ name: "stickBreaking", domain: realVector, codomain: simplex });
  }

  protected override map(x: Tensor): Tensor {
    return this.mapWithLogDet(x).value;
  }

  // With zₖ = σ(xₖ − ln(K − k)): yₖ = zₖ Πⱼ₍ⱼ<ₖ₎ (1 − zⱼ) and |J| = Πₖ yₖ (1 − zₖ), all in logarithms.
  protected override mapWithLogDet(x: Tensor) {
    const t = sub(x, offsets(x));
    const logRest = neg(softplus(t));
    const logTaken = neg(softplus(neg(t)));
    const end = zeros([...x.shape.slice(0, -1), 1], x.dtype);
    const before = cumsum(concat([logRest, end], -1), -1, { exclusive: true });
    const logY = add(concat([logTaken, end], -1), before);
    const value = exp(logY);
    return { value, logDet: sum(add(slice(logY, { axis: -1, end: -1 }), logRest), -1) };
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.mapWithLogDet(x).logDet;
  }

  // logit zₖ = ln yₖ − ln Σⱼ₍ⱼ>ₖ₎ yⱼ: the rest of the stick is summed from its end, so nothing cancels.
  protected override unmap(y: Tensor): Tensor {
    const taken = slice(y, { axis: -1, end: -1 });
    const rest = slice(cumsum(y, -1, { reverse: true }), { axis: -1, start: 1 });
    return add(sub(log(taken), log(rest)), offsets(taken));
  }

  protected override forwardEvent([n]: Shape): Shape | undefined {
    return n >= 1 ? [n + 1] : undefined;
  }

  protected override inverseEvent([n]: Shape): Shape | undefined {
    return n >= 2 ? [n - 1] : undefined;
  }

  protected override describeEvent(side: "domain" | "codomain"): string {
    return side === "domain" ? "[..., k - 1]" : "[..., k] with k ≥ 2";
  }
}

/** ln(K − k) for k = 1, …, K − 1: x = 0 maps to the centre of the simplex. */
function offsets(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  const logs = Array.from({ length: n }, (_, k) => Math.log(n - k));
  return constant(logs, [n], x.dtype);
}

/**
 * Breaks a stick of length 1: realVector [..., k − 1] → simplex [..., k], with x = 0 at its centre (the Stan Reference
 * Manual's simplex transform). The Jacobian is that of the first k − 1 numbers. A part too small
 * for the dtype is 0. If the vector was computed from x while a program was traced, densities still use the part's logarithm.
 *
 * @example
 * await transforms.stickBreaking.forward([0, 0]).value(); // [1/3, 1/3, 1/3]
 */
export const stickBreaking: Transform = new StickBreakingTransform();
