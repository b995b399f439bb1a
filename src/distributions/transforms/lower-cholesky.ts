import { UsageError } from "../../errors.ts";
import { constant, gather, reshape, type Shape, type Tensor, where } from "../../tensor/index.ts";
import { lowerCholesky as lowerCholeskyConstraint, realVector } from "../constraints.ts";
import { exp } from "./exp.ts";
import { Transform } from "./transform.ts";

const indices = (values: readonly number[], shape: Shape): Tensor => constant(values, shape, "int64");

/** Positions of row i's entries in the packed lower triangle: (i, j) ↦ i (i + 1) / 2 + j. */
const packed = (i: number, j: number): number => (i * (i + 1)) / 2 + j;

/** n with n (n + 1) / 2 = count, or undefined. */
function sideOf(count: number): number | undefined {
  const n = Math.round((Math.sqrt(8 * count + 1) - 1) / 2);
  return n >= 1 && packed(n, 0) === count ? n : undefined;
}

const pairs = (n: number): readonly (readonly [number, number])[] =>
  Array.from({ length: n * n }, (_, k) => [Math.floor(k / n), k % n] as const);

class LowerCholeskyTransform extends Transform {
  readonly diagonal: Transform;

  constructor(diagonal: Transform) {
    super({ name: "lowerCholesky", domain: realVector, codomain: lowerCholeskyConstraint });
    this.diagonal = diagonal;
  }

  protected override map(x: Tensor): Tensor {
    const n = sideOf(x.shape[x.rank - 1]) ?? 0;
    const mask = (keep: (i: number, j: number) => boolean): Tensor =>
      constant(
        pairs(n).map(([i, j]) => Number(keep(i, j))),
        [n, n],
        "bool",
      );
    const at = indices(
      pairs(n).map(([i, j]) => (j <= i ? packed(i, j) : 0)),
      [n, n],
    );
    const full = gather(x, at, x.rank - 1);
    const onDiagonal = mask((i, j) => i === j);
    // Off the diagonal, apply the diagonal's map to 0, so that nothing overflows there and spoils the gradient.
    const positive = this.diagonal.forward(where(onDiagonal, full, 0));
    return where(
      onDiagonal,
      positive,
      where(
        mask((i, j) => j < i),
        full,
        0,
      ),
    );
  }

  protected override unmap(y: Tensor): Tensor {
    const n = y.shape[y.rank - 1];
    const lower = pairs(n).filter(([i, j]) => j <= i);
    const at = indices(
      lower.map(([i, j]) => i * n + j),
      [lower.length],
    );
    const flat = gather(reshape(y, [...y.shape.slice(0, -2), n * n]), at, y.rank - 2);
    const onDiagonal = constant(
      lower.map(([i, j]) => Number(i === j)),
      [lower.length],
      "bool",
    );
    return where(onDiagonal, this.diagonal.inverse(where(onDiagonal, flat, 1)), flat);
  }

  protected override logAbsDet(x: Tensor): Tensor {
    const n = sideOf(x.shape[x.rank - 1]) ?? 0;
    const at = indices(
      Array.from({ length: n }, (_, i) => packed(i, i)),
      [n],
    );
    return this.diagonal.forwardAndLogDet(gather(x, at, x.rank - 1), 1).logDet;
  }

  protected override forwardEvent([count]: Shape): Shape | undefined {
    const n = sideOf(count);
    return n === undefined ? undefined : [n, n];
  }

  protected override inverseEvent([rows, columns]: Shape): Shape | undefined {
    return rows === columns && rows >= 1 ? [packed(rows, 0)] : undefined;
  }

  protected override describeEvent(side: "domain" | "codomain"): string {
    return side === "domain" ? "[..., n (n + 1) / 2]" : "[..., n, n]";
  }
}

/**
 * A vector as a lower triangle, row by row, with a positive diagonal: realVector [..., n (n + 1) / 2] →
 * lowerCholesky [..., n, n]. The diagonal goes through `diagonal` (default {@link exp}; `softplus` grows more slowly). The
 * Jacobian is that of the lower triangle.
 *
 * @throws UsageError when `diagonal` is not an element-wise map to positive numbers.
 */
export function lowerCholesky(options: { readonly diagonal?: Transform } = {}): Transform {
  const { diagonal = exp } = options;
  if (diagonal.eventRank !== 0 || diagonal.codomain.name !== "positive") {
    throw new UsageError(
      `lowerCholesky: 'diagonal' must map numbers to positive ones, as exp and softplus do; found ${diagonal}.`,
    );
  }
  return new LowerCholeskyTransform(diagonal);
}
