/**
 * Rejection samplers as graphs: a fixed number of proposals along the last axis, of which the first accepted one is used.
 */
import { argmax, equal, oneHot, sum, type Tensor, where } from "../tensor/index.ts";

/**
 * The first proposal along the last axis whose `accepted` is 1, or the first of all if none is. Both have shape
 * [..., n]; `accepted` holds 0 and 1. Proposals that are not accepted must not be NaN or infinite.
 */
export function firstAccepted(proposals: Tensor, accepted: Tensor): Tensor {
  const first = oneHot(argmax(accepted, -1), accepted.shape[accepted.rank - 1], accepted.dtype);
  return sum(where(equal(first, 1), proposals, 0), -1);
}
