import { eye, greater, mul, reshape, sub, sum, type Tensor, where } from "../../tensor/index.ts";

/**
 * The baselines of VIMCO (Mnih and Rezende 2016, "Variational inference for Monte Carlo objectives"): for each of K draws, the
 * bound with that draw's log weight replaced by the mean of the others'. It costs nothing extra, and it does not depend on the
 * draw.
 *
 * @param logWeights [K, rows]
 * @param bound maps log weights [K, …] to the bound of each row, over the first dimension
 * @returns [K, rows]
 */
export function leaveOneOutBounds(logWeights: Tensor, bound: (logWeights: Tensor) => Tensor): Tensor {
  const [k, rows] = logWeights.shape;
  const others = mul(sub(sum(logWeights, 0, { keepDims: true }), logWeights), 1 / (k - 1));
  // Log weights with replacements: [draw i, replaced draw j, row].
  const own = reshape(greater(eye(k, logWeights.dtype), 0), [k, k, 1]);
  const replaced = where(own, reshape(others, [1, k, rows]), reshape(logWeights, [k, 1, rows]));
  return bound(replaced);
}
