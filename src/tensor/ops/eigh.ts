/** Eigenvalues and eigenvectors of symmetric matrices, by Jacobi's rotations; leading axes are a batch. */
import { repeatAlong } from "../lanes.ts";
import { constant, full } from "../leaf.ts";
import { type DefinedOp, defineOp, type NoAttributes } from "../op.ts";
import { sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, mul, reciprocal, sub } from "./arithmetic.ts";
import { equal } from "./comparison.ts";
import { checkDType } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { squeeze, transpose, unsqueeze } from "./movement.ts";
import { slice } from "./parts.ts";
import { checkSquare } from "./triangles.ts";
import { where } from "./where.ts";

const SWEEPS = 60;

/**
 * Rotates the symmetric n × n matrix `a` in place until it is diagonal, and the columns of `v` with it (Golub and Van Loan, 8.5).
 * @returns whether it became diagonal
 */
function diagonalise(a: Float64Array, v: Float64Array, n: number): boolean {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let turned = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q];
        const [app, aqq] = [a[p * n + p], a[q * n + q]];
        if (Number.isNaN(apq + app + aqq)) return false;
        // Too small to change either eigenvalue: 0 from now on.
        if (Math.abs(apq) <= Number.EPSILON * 2 ** -3 * Math.sqrt(Math.abs(app * aqq))) {
          if (apq === 0 || app * aqq !== 0) {
            a[p * n + q] = a[q * n + p] = 0;
            continue;
          }
        }
        turned = true;
        const theta = (aqq - app) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[k * n + p], a[k * n + q]];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p * n + k], a[q * n + k]];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
        a[p * n + q] = a[q * n + p] = 0;
        for (let k = 0; k < n; k++) {
          const [x, y] = [v[k * n + p], v[k * n + q]];
          v[k * n + p] = c * x - s * y;
          v[k * n + q] = s * x + c * y;
        }
      }
    }
    if (!turned) return true;
  }
  return false;
}

/** A matrix that is not quite symmetric (the op uses its symmetric part), and a batch of two. */
const cases = [
  { shape: [3, 3], values: [4, 1.8, 0.4, 2.2, 1, 1, 0.5, 0.8, -3], dtype: "float64" },
  { shape: [2, 2, 2], values: [2, 0.5, 0.3, 1, -3, -1, -1, 2], dtype: "float64" },
] as const;

/** [..., n, n] → [..., n + 1, n]: eigenvalues in the first row, eigenvectors as columns below. */
const eighOp: DefinedOp<NoAttributes, [Tensor]> = defineOp<NoAttributes, [Tensor]>({
  name: "eigh",
  infer: ([a]) => {
    checkDType("eigh", a.dtype, "float");
    checkSquare("eigh", a);
    const n = a.shape[a.rank - 1];
    return { shape: [...a.shape.slice(0, -2), n + 1, n], dtype: a.dtype };
  },
  // Ā = V (diag(λ̄) + F ∘ Vᵀ V̄) Vᵀ with Fᵢⱼ = 1 / (λⱼ − λᵢ) (Giles 2008, 3.1), made symmetric.
  derivative: (g, y) => {
    const [byValues, byVectors] = parts(g);
    const [values, vectors] = parts(y);
    const n = y.shape[y.rank - 1];
    const product = matmul(vectors, byVectors, { transposeA: true });
    const gaps = sub(unsqueeze(values, -2), unsqueeze(values, -1));
    const identity = constant(
      Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0)),
      [n, n],
      "bool",
    );
    // Where nothing depends on how two vectors turn into each other, equal eigenvalues do no harm.
    const same = equal(gaps, 0);
    const atSame = where(equal(product, 0), 0, full([], Number.POSITIVE_INFINITY, y.dtype));
    const factors = where(identity, 0, where(same, atSame, reciprocal(where(same, 1, gaps))));
    const inner = add(where(identity, unsqueeze(byValues, -1), 0), mul(product, factors));
    const whole = matmul(matmul(vectors, inner), vectors, { transposeB: true });
    return [mul(add(whole, transpose(whole)), 0.5)];
  },
  batch: ([a], _, { rank }) => eighOp([repeatAlong(a, [rank - 2, rank - 1])], {}),
  host: {
    kernel: (node) => {
      const n = node.shape[node.rank - 1];
      const count = sizeOf(node.shape.slice(0, -2));
      const [work, vectors] = [new Float64Array(n * n), new Float64Array(n * n)];
      return (out, a) => {
        for (let c = 0; c < count; c++) {
          const [from, to] = [c * n * n, c * (n + 1) * n];
          for (let i = 0; i < n; i++) {
            for (let j = 0; j < n; j++) {
              work[i * n + j] = (a[from + i * n + j] + a[from + j * n + i]) / 2;
              vectors[i * n + j] = i === j ? 1 : 0;
            }
          }
          if (!diagonalise(work, vectors, n)) {
            out.fill(Number.NaN, to, to + (n + 1) * n);
            continue;
          }
          const order = Array.from({ length: n }, (_, i) => i).sort(
            (i, j) => work[i * n + i] - work[j * n + j] || i - j,
          );
          order.forEach((column, k) => {
            out[to + k] = work[column * n + column];
            let largest = 0;
            for (let i = 1; i < n; i++)
              if (Math.abs(vectors[i * n + column]) > Math.abs(vectors[largest * n + column])) largest = i;
            const sign = vectors[largest * n + column] < 0 ? -1 : 1;
            for (let i = 0; i < n; i++) out[to + (i + 1) * n + k] = sign * vectors[i * n + column];
          });
        }
      };
    },
  },
  native: { unsupported: "ONNX has no eigenvalues" },
  cases: cases.map((matrix) => ({ inputs: [matrix] })),
});

/** Eigenvalues [..., n] and eigenvectors [..., n, n] of the op's result. */
function parts(y: Tensor): readonly [Tensor, Tensor] {
  const values = squeeze(slice(y, { axis: -2, end: 1 }), -2);
  return [values, slice(y, { axis: -2, start: 1 })];
}

/** What {@link eigh} returns. */
export interface Eigh {
  /** Eigenvalues in ascending order, [..., n]. */
  readonly values: Tensor;
  /** Orthonormal eigenvectors as columns, [..., n, n]; the largest element of each is positive. */
  readonly vectors: Tensor;
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices: A = V diag(λ) Vᵀ. a [..., n, n]; its symmetric part ½ (A + Aᵀ) is taken. A matrix with
 * NaN gives NaN. Host executor only.
 *
 * Derivative: Giles (2008), 3.1. That of the eigenvalues exists while they are distinct; of equal ones the derivative of a symmetric function, such as
 * their sum, is right, and others are those of one choice of vectors. That of the vectors divides by the gaps between eigenvalues: where two are
 * equal it does not exist, and is infinite or NaN.
 *
 * @example
 * const { values } = eigh(tensor([[2, 1], [1, 2]])); // [1, 3]
 *
 * @throws ShapeError unless the matrices are square.
 */
export function eigh(a: Tensor): Eigh {
  const [values, vectors] = parts(eighOp([a], {}));
  return { values, vectors };
}
/** @internal */
eigh.is = eighOp.is;
