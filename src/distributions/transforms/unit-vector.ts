import {
  div,
  lgammaOfNumber,
  mul,
  type Shape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../../tensor/index.ts";
import { realVector, unitVector as unitVectorConstraint } from "../constraints.ts";
import { Transform } from "./transform.ts";

class UnitVectorTransform extends Transform {
  constructor() {
    super({ name: "unitVector", domain: realVector, codomain: unitVectorConstraint });
  }

  protected override map(x: Tensor): Tensor {
    return div(x, sqrt(sum(square(x), -1, { keepDims: true })));
  }

  protected override unmap(y: Tensor): Tensor {
    return y;
  }

  protected override logAbsDet(x: Tensor): Tensor {
    const n = x.shape[x.rank - 1];
    const shared = (n / 2 - 1) * Math.LN2 + lgammaOfNumber(n / 2);
    return sub(mul(sum(square(x), -1), -0.5), shared);
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] >= 2 ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }

  protected override describeEvent(): string {
    return "[..., n] with n ≥ 2";
  }
}

/**
 * A vector divided by its length: realVector [..., n] → unitVector [..., n], n ≥ 2 (the Stan Reference Manual's unit vector). Every
 * point of the sphere is the image of a ray of vectors. In place of the log determinant, −½ |x|² − ln(2^(n/2 − 1) Γ(n/2)) spreads the
 * point's density along the ray as a standard normal does. The density of x then has the same total as that of y over the sphere's
 * surface. The inverse is the vector itself, or the vector that it was computed from while a program was traced.
 *
 * @example
 * await transforms.unitVector.forward([3, 4]).value(); // [0.6, 0.8]
 */
export const unitVector: Transform = new UnitVectorTransform();
