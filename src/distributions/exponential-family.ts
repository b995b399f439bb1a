import { add, grad, input, mul, sub, substituteAll, sum, type Tensor } from "../tensor/index.ts";
import type { Distribution } from "./distribution.ts";

/**
 * log p(x) = Σᵢ ⟨ηᵢ, Tᵢ(x)⟩ − A(η) + h(x). Natural parameters are lists, because some families have statistics of different
 * shapes (a vector and a matrix). A is a function of η, so ∇A(η) = E[T(x)] and conjugate updates are computed by
 * differentiation.
 */
export interface ExponentialFamily {
  /** The number of trailing dimensions that each ηᵢ and Tᵢ has beyond the batch; the inner product sums over them. */
  readonly ranks: readonly number[];
  /** ηᵢ, of shape batch + its own. */
  readonly naturalParameters: readonly Tensor[];
  /** Tᵢ(value), of shape sample + batch + its own. */
  sufficientStatistics(value: Tensor): readonly Tensor[];
  /** A(η), of the batch shape, for any natural parameters of this family. */
  logNormalizer(naturalParameters: readonly Tensor[]): Tensor;
  /** h(value), broadcasting against sample + batch. */
  logBaseMeasure(value: Tensor): Tensor;
  /** The member of the family with these natural parameters. */
  distributionAt(naturalParameters: readonly Tensor[]): Distribution;
}

const lastAxes = (n: number): number[] => Array.from({ length: n }, (_, i) => i - n);

/** Σᵢ ⟨aᵢ, bᵢ⟩ over each pair's own dimensions. Shape: the broadcast batch. */
export const innerProduct = (family: ExponentialFamily, a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
  family.ranks.map((rank, i) => sum(mul(a[i], b[i]), lastAxes(rank))).reduce((s, t) => add(s, t));

/** The log density in exponential-family form, for derivations and tests; `logProb` is numerically safer. */
export function exponentialFamilyLogProb(family: ExponentialFamily, value: Tensor): Tensor {
  const eta = family.naturalParameters;
  const linear = innerProduct(family, eta, family.sufficientStatistics(value));
  return add(sub(linear, family.logNormalizer(eta)), family.logBaseMeasure(value));
}

/**
 * E[Tᵢ] = ∂A/∂ηᵢ, with the shapes of the natural parameters. These may be any natural parameters of the family, also if one of them is computed
 * from another.
 */
export function expectedStatistics(
  { logNormalizer }: ExponentialFamily,
  naturalParameters: readonly Tensor[],
): Tensor[] {
  // Partial derivatives: a parameter that another one is computed from must not be followed through it.
  const leaves = naturalParameters.map((t) => input("natural parameter", t.shape, t.dtype));
  const parts = new Map(leaves.map((leaf, i) => [leaf, naturalParameters[i]]));
  return [...substituteAll(grad(sum(logNormalizer(leaves)), leaves), parts)];
}
