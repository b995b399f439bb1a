/** The derivative of a Cholesky factor, as an op of its own: on the host in one pass over the factor. */
import { vjp } from "../grad.ts";
import { fullBatch } from "../lanes.ts";
import { input, sameDType } from "../leaf.ts";
import { defineOp, type HostArray, type NoAttributes } from "../op.ts";
import { sizeOf } from "../shape.ts";
import { substituteAll } from "../substitute.ts";
import type { Tensor } from "../tensor.ts";
import { add, mul } from "./arithmetic.ts";
import { triangularSolve } from "./linalg.ts";
import { matmul } from "./matmul.ts";
import { transpose } from "./movement.ts";
import { tril } from "./triangles.ts";

/** Ā = ½ (S + Sᵀ), S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, where Φ takes the lower triangle and halves the diagonal (Murray 2016, eq. 10). */
function adjointByProducts(l: Tensor, g: Tensor): Tensor {
  // Both count by their lower triangles only.
  const product = matmul(tril(l), tril(g), { transposeA: true });
  const phi = mul(add(tril(product), tril(product, -1)), 0.5);
  const left = triangularSolve(l, phi, { transpose: true });
  const s = triangularSolve(l, transpose(left), { transpose: true });
  return mul(add(s, transpose(s)), 0.5);
}

/**
 * Takes the rows of the factorisation back, n³/3 products (Murray 2016, section 3.2). `f` begins with the gradient's lower triangle and ends
 * with the gradient with respect to the matrix, each pair of equal elements counted once.
 */
function reverseFactor(f: Float64Array, l: HostArray, start: number, n: number): void {
  for (let j = n - 1; j >= 0; j--) {
    const row = start + j * n;
    const pivot = l[row + j];
    let diagonal = f[row + j];
    for (let i = j + 1; i < n; i++) {
      const place = start + i * n + j;
      f[place] /= pivot;
      diagonal -= l[place] * f[place];
    }
    diagonal /= pivot;
    f[row + j] = diagonal / 2;
    for (let m = 0; m < j; m++) f[row + m] -= diagonal * l[row + m];
    for (let i = j + 1; i < n; i++) {
      const below = start + i * n;
      const w = f[below + j];
      for (let m = 0; m < j; m++) {
        f[row + m] -= w * l[below + m];
        f[below + m] -= w * l[row + m];
      }
    }
  }
}

/** What is above the diagonal is not read. */
const factor = {
  shape: [3, 3],
  values: [2, 0.7, 0.3, 1, 1.5, 0.5, 0.2, 0.4, 1.7],
  dtype: "float64",
} as const;
const pair = {
  shape: [2, 2, 2],
  values: [1.4, 0.6, 0.2, 1.7, 1.4, -0.3, -0.7, 1.2],
  dtype: "float64",
} as const;

const adjointOp = defineOp<NoAttributes, [Tensor, Tensor]>({
  name: "choleskyAdjoint",
  infer: ([l, g]) => ({ shape: l.shape, dtype: sameDType("choleskyAdjoint", [l, g]) }),
  derivative: (gradient, _, inputs) => {
    // The gradient depends on the factor: a derivative of the expression itself would count that path as well.
    const leaves = inputs.map((t) => input("factor and gradient", t.shape, t.dtype));
    const [l, g] = leaves;
    const parts = new Map(leaves.map((leaf, i) => [leaf, inputs[i]]));
    return substituteAll(vjp(adjointByProducts(l, g), gradient, leaves), parts);
  },
  batch: ([l, g], _, __, size) => choleskyAdjoint(fullBatch(l, size), fullBatch(g, size)),
  host: {
    kernel: (node) => {
      const n = node.shape[node.rank - 1];
      const count = sizeOf(node.shape.slice(0, -2));
      return (out, l, g) => {
        for (let c = 0; c < count; c++) {
          const start = c * n * n;
          for (let i = 0; i < n; i++)
            for (let j = 0; j <= i; j++) out[start + i * n + j] = g[start + i * n + j];
          reverseFactor(out, l, start, n);
          for (let i = 0; i < n; i++)
            for (let j = 0; j < i; j++) {
              const half = out[start + i * n + j] / 2;
              out[start + i * n + j] = half;
              out[start + j * n + i] = half;
            }
        }
      };
    },
  },
  native: { expand: ([l, g]) => adjointByProducts(l, g) },
  cases: [
    { inputs: [factor, [3, 3]], dtype: "float64" },
    { inputs: [pair, [2, 2, 2]], dtype: "float64" },
  ],
});

/**
 * The gradient with respect to a matrix, from its Cholesky factor L and the gradient with respect to L, whose lower triangle counts. Both
 * [..., n, n]; the result is symmetric.
 */
export const choleskyAdjoint = (l: Tensor, g: Tensor): Tensor => adjointOp([l, g], {});
/** @internal */
choleskyAdjoint.is = adjointOp.is;
