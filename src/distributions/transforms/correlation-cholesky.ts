import {
  abs,
  add,
  constant,
  cumsum,
  div,
  exp,
  gather,
  log1p,
  mul,
  reshape,
  type Shape,
  sign,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  where,
} from "../../tensor/index.ts";
import { correlationCholesky as correlationCholeskyConstraint, realVector } from "../constraints.ts";
import { Transform } from "./transform.ts";

/** Places of row i's entries below the diagonal, packed row by row: (i, j) ↦ i (i − 1) / 2 + j. */
const packed = (i: number, j: number): number => (i * (i - 1)) / 2 + j;

/** n with n (n − 1) / 2 = count, if there is one. */
export function sideBelow(count: number): number | undefined {
  const n = Math.round((1 + Math.sqrt(8 * count + 1)) / 2);
  return n >= 2 && packed(n, 0) === count ? n : undefined;
}

const pairs = (n: number): readonly (readonly [number, number])[] =>
  Array.from({ length: n * n }, (_, k) => [Math.floor(k / n), k % n] as const);

const mask = (n: number, keep: (i: number, j: number) => boolean): Tensor =>
  constant(
    pairs(n).map(([i, j]) => Number(keep(i, j))),
    [n, n],
    "bool",
  );

/** ln(1 − tanh² x) = 2 (ln 2 − |x| − ln(1 + e^−2|x|)), with small relative error at 0 too. */
function logSechSquare(x: Tensor): Tensor {
  const size = abs(x);
  return mul(sub(sub(Math.LN2, size), softplus(mul(size, -2))), 2);
}

/** ln(y + √(1 + y²)). */
function arsinh(y: Tensor): Tensor {
  const [size, squared] = [abs(y), square(y)];
  return mul(sign(y), log1p(add(size, div(squared, add(sqrt(add(squared, 1)), 1)))));
}

/** The parts of a factor: the partial correlations' places, ln(1 − z²) there and 0 elsewhere, and ½ Σ of it left of each place. */
function partsOf(x: Tensor, n: number) {
  const at = constant(
    pairs(n).map(([i, j]) => (j < i ? packed(i, j) : 0)),
    [n, n],
    "int64",
  );
  const below = mask(n, (i, j) => j < i);
  const y = where(below, gather(x, at, x.rank - 1), 0);
  const logs = where(below, logSechSquare(y), 0);
  return { y, below, logs, before: mul(cumsum(logs, -1, { exclusive: true }), 0.5) };
}

class CorrelationCholeskyTransform extends Transform {
  constructor() {
    super({ name: "correlationCholesky", domain: realVector, codomain: correlationCholeskyConstraint });
  }

  protected override map(x: Tensor): Tensor {
    return this.mapWithLogDet(x).value;
  }

  // With zᵢⱼ = tanh xᵢⱼ: Lᵢⱼ = zᵢⱼ √Πₖ₍ₖ<ⱼ₎(1 − zᵢₖ²), and ∂Lᵢⱼ/∂xᵢⱼ = (1 − zᵢⱼ²) √Πₖ₍ₖ<ⱼ₎(1 − zᵢₖ²).
  protected override mapWithLogDet(x: Tensor) {
    const n = sideBelow(x.shape[x.rank - 1]) ?? 0;
    const { y, below, logs, before } = partsOf(x, n);
    const height = exp(before);
    const onDiagonal = where(
      mask(n, (i, j) => i === j),
      height,
      0,
    );
    const value = where(below, mul(tanh(y), height), onDiagonal);
    return { value, logDet: sum(where(below, add(logs, before), 0), [-2, -1]) };
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.mapWithLogDet(x).logDet;
  }

  // sinh xᵢⱼ = Lᵢⱼ / √Σₖ₍ₖ>ⱼ₎ Lᵢₖ²: the rest of the row is summed from its end, where nothing cancels.
  protected override unmap(y: Tensor): Tensor {
    const n = y.shape[y.rank - 1];
    const rest = cumsum(square(y), -1, { exclusive: true, reverse: true });
    const below = mask(n, (i, j) => j < i);
    const whole = arsinh(div(where(below, y, 0), sqrt(where(below, rest, 1))));
    const lower = pairs(n).filter(([i, j]) => j < i);
    const at = constant(
      lower.map(([i, j]) => i * n + j),
      [lower.length],
      "int64",
    );
    return gather(reshape(whole, [...y.shape.slice(0, -2), n * n]), at, y.rank - 2);
  }

  protected override forwardEvent([count]: Shape): Shape | undefined {
    const n = sideBelow(count);
    return n === undefined ? undefined : [n, n];
  }

  protected override inverseEvent([rows, columns]: Shape): Shape | undefined {
    return rows === columns && rows >= 2 ? [packed(rows, 0)] : undefined;
  }

  protected override describeEvent(side: "domain" | "codomain"): string {
    return side === "domain" ? "[..., n (n - 1) / 2]" : "[..., n, n] with n ≥ 2";
  }
}

/**
 * A vector as the Cholesky factor of a correlation matrix, row by row: realVector [..., n (n − 1) / 2] → correlationCholesky [..., n, n].
 * Its numbers are tanh⁻¹ of canonical partial correlations (Lewandowski, Kurowicka and Joe 2009; the Stan Reference Manual's
 * Cholesky factors of correlation matrices). The Jacobian is that of the numbers below the diagonal.
 *
 * @example
 * await transforms.correlationCholesky.forward([0]).value(); // [[1, 0], [0, 1]]
 */
export const correlationCholesky: Transform = new CorrelationCholeskyTransform();

/** ln Lₖₖ of the factor that `x` leads to, the diagonal as a vector [..., n]: exact where the factor itself has rounded. */
export function logDiagonalAt(x: Tensor): Tensor {
  const { logs } = partsOf(x, sideBelow(x.shape[x.rank - 1]) ?? 0);
  return mul(sum(logs, -1), 0.5);
}
