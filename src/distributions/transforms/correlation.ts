import {
  add,
  arange,
  cholesky,
  matmul,
  mul,
  type Shape,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";
import { correlation as correlationConstraint, realVector } from "../constraints.ts";
import { correlationCholesky, logDiagonalAt, sideBelow } from "./correlation-cholesky.ts";
import { Transform } from "./transform.ts";

const flipped = (x: Tensor): Tensor => {
  const axes = Array.from({ length: x.rank }, (_, i) => i);
  return transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
};

class CorrelationTransform extends Transform {
  constructor() {
    super({ name: "correlation", domain: realVector, codomain: correlationConstraint });
  }

  protected override map(x: Tensor): Tensor {
    const factor = correlationCholesky.forward(x);
    return matmul(factor, flipped(factor));
  }

  protected override unmap(y: Tensor): Tensor {
    return correlationCholesky.inverse(cholesky(y));
  }

  // To the factor, and from it: Πₖ Lₖₖ^(n − k) for k = 1, …, n.
  protected override logAbsDet(x: Tensor): Tensor {
    const { logDet } = correlationCholesky.forwardAndLogDet(x);
    const n = sideBelow(x.shape[x.rank - 1]) ?? 0;
    const exponents = sub(n - 1, arange(n, x.dtype));
    return add(logDet, sum(mul(logDiagonalAt(x), exponents), -1));
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return sideBelow(event[0]) === undefined
      ? undefined
      : [sideBelow(event[0]) ?? 0, sideBelow(event[0]) ?? 0];
  }

  protected override inverseEvent([rows, columns]: Shape): Shape | undefined {
    return rows === columns && rows >= 2 ? [(rows * (rows - 1)) / 2] : undefined;
  }

  protected override describeEvent(side: "domain" | "codomain"): string {
    return side === "domain" ? "[..., n (n - 1) / 2]" : "[..., n, n] with n ≥ 2";
  }
}

/**
 * A vector as a correlation matrix L Lᵀ with L from {@link correlationCholesky}: realVector [..., n (n − 1) / 2] → correlation
 * [..., n, n]. The Jacobian is that of the numbers below the diagonal. The inverse factorises the matrix.
 *
 * @example
 * await transforms.correlation.forward([0]).value(); // [[1, 0], [0, 1]]
 */
export const correlation: Transform = new CorrelationTransform();
