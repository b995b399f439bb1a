/**
 * Rejection samplers as graphs: a fixed number of proposals along the last axis, of which the first accepted one
 * counts.
 */
import { argmax, equal, oneHot, sum, type Tensor, where } from "../tensor/index.ts";

/**
 * The first of the proposals along the last axis whose `accepted` is 1; the first of all where none is. Both of shape
 * [..., n]; `accepted` holds 0 and 1. Proposals must be finite or at least no NaN where they are not accepted.
 */
export function firstAccepted(proposals: Tensor, accepted: Tensor): Tensor {
  const first = oneHot(argmax(accepted, -1), accepted.shape[accepted.rank - 1], accepted.dtype);
  return sum(where(equal(first, 1), proposals, 0), -1);
}
