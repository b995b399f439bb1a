import { UsageError } from "../../errors.ts";
import {
  abs,
  add,
  div,
  equal,
  isConstant,
  log,
  logicalOr,
  mul,
  operands,
  pow,
  sub,
  type Tensor,
  type TensorLike,
} from "../../tensor/index.ts";
import { positive } from "../constraints.ts";
import { inDType, limitOf } from "./limits.ts";
import { Transform } from "./transform.ts";

/** The transform that {@link power} returns. */
export class PowerTransform extends Transform {
  readonly exponent: Tensor;

  /** Use {@link power}. */
  constructor(exponent: Tensor) {
    super({ name: "power", domain: positive, codomain: positive, batchShape: exponent.shape });
    this.exponent = exponent;
  }

  protected override map(x: Tensor): Tensor {
    return pow(x, inDType(this.exponent, x.dtype));
  }

  override limit(x: Tensor): Tensor {
    const isEnd = logicalOr(equal(x, 0), equal(x, Number.POSITIVE_INFINITY));
    return limitOf((v) => this.forward(v), x, isEnd, 1);
  }

  protected override unmap(y: Tensor): Tensor {
    return pow(y, div(1, inDType(this.exponent, y.dtype)));
  }

  protected override logAbsDet(x: Tensor): Tensor {
    const p = inDType(this.exponent, x.dtype);
    return add(log(abs(p)), mul(sub(p, 1), log(x)));
  }
}

/**
 * y = xᵖ, positive → positive, for any p except 0; ln |dy/dx| = ln |p| + (p − 1) ln x. Shapes broadcast.
 *
 * @throws UsageError when an exponent with known numbers contains a 0.
 */
export function power(exponent: TensorLike): PowerTransform {
  const [p] = operands("power", exponent);
  if (isConstant(p) && p.attributes.values.includes(0)) {
    throw new UsageError("power: 'exponent' must not be 0, which has no inverse; found a 0 in it.");
  }
  return new PowerTransform(p);
}
