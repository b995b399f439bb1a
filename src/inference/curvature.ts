/** Second derivatives of a log density over unconstrained coordinates, from the graph, on the host. */
import { cast, concat, grad, input, mul, reshape, slice, solveRows, sum } from "../tensor/index.ts";
import type { UnconstrainedDensity } from "./unconstrained-density.ts";

/** H v, the Hessian at q times a direction, both of the density's dimension. The next call overwrites the result. */
export type HessianProduct = (q: ArrayLike<number>, direction: ArrayLike<number>) => Float64Array;

/** Compiles products of the Hessian of a log density with vectors: about the cost of three gradients each. */
export async function hessianProduct({
  graph,
  logDensity,
  derivatives,
  sites,
  dimension,
  evaluator,
}: Pick<
  UnconstrainedDensity,
  "graph" | "logDensity" | "derivatives" | "sites" | "dimension" | "evaluator"
>): Promise<HessianProduct> {
  // One array for all sites: one array each would cost a call per site and direction.
  const direction = input("direction", [dimension], logDensity.dtype);
  const terms = derivatives.map((g, i) => {
    const { start, end } = sites[i];
    const own = reshape(slice(direction, { axis: 0, start, end }), g.shape);
    return reshape(cast(sum(mul(g, cast(own, g.dtype))), logDensity.dtype), [1]);
  });
  const slope = sum(terms.length === 1 ? terms[0] : concat(terms, 0));
  const flat = grad(slope, graph.coordinates).map((g) => cast(reshape(g, [g.size]), "float64"));
  const run = await evaluator([flat.length === 1 ? flat[0] : concat(flat, 0)], [direction]);
  return (q, v) => run(q, v)[0];
}

/** Up to this many dimensions, each gets its own product. */
const EACH = 300;
/** Number of products per site beyond that, with random signs. */
const PROBES = 3;

/**
 * The Hessian's diagonal. Beyond 300 dimensions, an estimate of its size: for each site the median of three products with random signs
 * in the site's elements (Bekas, Kokiopoulou and Saad 2007), which is exact if the site's elements do not interact.
 */
export function curvatures(
  product: HessianProduct,
  { sites, dimension }: Pick<UnconstrainedDensity, "sites" | "dimension">,
  q: ArrayLike<number>,
): Float64Array {
  const diagonal = new Float64Array(dimension);
  const direction = new Float64Array(dimension);
  if (dimension <= EACH) {
    for (let i = 0; i < dimension; i++) {
      direction[i] = 1;
      diagonal[i] = product(q, direction)[i];
      direction[i] = 0;
    }
    return diagonal;
  }
  for (const { start, end } of sites) {
    const found: Float64Array[] = [];
    for (let probe = 0; probe < (end - start === 1 ? 1 : PROBES); probe++) {
      // Any fixed signs will do: use a multiplicative hash of the index and the probe.
      for (let i = start; i < end; i++)
        direction[i] = Math.imul(i + 1, 0x9e3779b1 + 2 * probe) & 0x8000 ? 1 : -1;
      const image = product(q, direction);
      found.push(
        Float64Array.from({ length: end - start }, (_, i) => direction[start + i] * image[start + i]),
      );
      direction.fill(0, start, end);
    }
    for (let i = start; i < end; i++) {
      const values = found.map((f) => f[i - start]).sort((a, b) => a - b);
      diagonal[i] = values[Math.floor(values.length / 2)];
    }
  }
  return diagonal;
}

/** −∂²/∂q² of the log density, [d, d]: one product for each dimension. */
export function negativeHessian(
  product: HessianProduct,
  { dimension: n }: Pick<UnconstrainedDensity, "dimension">,
  q: ArrayLike<number>,
): Float64Array {
  const hessian = new Float64Array(n * n);
  const unit = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    unit[i] = -1;
    hessian.set(product(q, unit), i * n);
    unit[i] = 0;
  }
  return hessian;
}

/** (L Lᵀ)⁻¹, column by column, for a lower triangular L, [n, n]. */
export function inverseOf(root: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const column = inverse.subarray(i * n, (i + 1) * n);
    column[i] = 1;
    solveRows(root, n, column, false);
    solveRows(root, n, column, true);
  }
  return inverse;
}
