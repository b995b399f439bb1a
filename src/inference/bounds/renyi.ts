import { logsumexp, mean, mul, sub, type Tensor } from "../../tensor/index.ts";

/**
 * The variational Rényi bound (Li and Turner 2016) from log weights log p(x, z) − log q(z) of K draws along the first dimension:
 * 1/(1 − α) · log (1/K) Σ w^(1−α), for each element of the others. α = 0 is the importance-weighted bound, α → 1 the ELBO; it falls
 * as α grows, and for α below 0 it is not a lower bound. **The logarithm is taken for each datum**, before any mean over data.
 */
export function renyi(logWeights: Tensor, alpha: number): Tensor {
  if (alpha === 1) return mean(logWeights, 0);
  const power = alpha === 0 ? logWeights : mul(logWeights, 1 - alpha);
  const value = sub(logsumexp(power, 0), Math.log(logWeights.shape[0]));
  return alpha === 0 ? value : mul(value, 1 / (1 - alpha));
}
