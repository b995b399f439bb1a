import {
  add,
  arange,
  cholesky,
  diagonal,
  log,
  matmul,
  mul,
  type Shape,
  sub,
  sum,
  type Tensor,
} from "../../tensor/index.ts";
import { positiveDefinite as positiveDefiniteConstraint, realVector } from "../constraints.ts";
import { lowerCholesky } from "./lower-cholesky.ts";
import { Transform } from "./transform.ts";

class PositiveDefiniteTransform extends Transform {
  readonly factor: Transform;

  constructor(factor: Transform) {
    super({ name: "positiveDefinite", domain: realVector, codomain: positiveDefiniteConstraint });
    this.factor = factor;
  }

  protected override map(x: Tensor): Tensor {
    const l = this.factor.forward(x);
    return matmul(l, l, { transposeB: true });
  }

  protected override unmap(y: Tensor): Tensor {
    return this.factor.inverse(cholesky(y));
  }

  // To the factor, and from it: 2ⁿ Πₖ Lₖₖ^(n − k + 1) for k = 1, …, n.
  protected override logAbsDet(x: Tensor): Tensor {
    const { value, logDet } = this.factor.forwardAndLogDet(x);
    const n = value.shape[value.rank - 1];
    const exponents = sub(n, arange(n, x.dtype));
    return add(add(logDet, sum(mul(log(diagonal(value)), exponents), -1)), n * Math.LN2);
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    const n = Math.round((Math.sqrt(8 * event[0] + 1) - 1) / 2);
    return n >= 1 && (n * (n + 1)) / 2 === event[0] ? [n, n] : undefined;
  }

  protected override inverseEvent([rows, columns]: Shape): Shape | undefined {
    return rows === columns && rows >= 1 ? [(rows * (rows + 1)) / 2] : undefined;
  }

  protected override describeEvent(side: "domain" | "codomain"): string {
    return side === "domain" ? "[..., n (n + 1) / 2]" : "[..., n, n]";
  }
}

/**
 * A vector as a symmetric positive definite matrix L Lᵀ with L from {@link lowerCholesky}: realVector [..., n (n + 1) / 2] → positiveDefinite
 * [..., n, n]. The Jacobian is that of the lower triangle. The inverse factorises the matrix.
 *
 * @example
 * await transforms.positiveDefinite().forward([0, 1, 0]).value(); // [[1, 1], [1, 2]]
 *
 * @throws UsageError when `diagonal` is not an element-wise map to positive numbers.
 */
export const positiveDefinite = (options: { readonly diagonal?: Transform } = {}): Transform =>
  new PositiveDefiniteTransform(lowerCholesky(options));
