import {
  add,
  concat,
  expm1,
  log,
  logSigmoid,
  neg,
  operands,
  slice,
  sub,
  type Tensor,
  type TensorLike,
  unsqueeze,
  zeros,
} from "../tensor/index.ts";
import type { Distribution, Parameters } from "./distribution.ts";
import { OrderedCategoriesDistribution } from "./ordered-categories.ts";

/** The distribution that {@link OrderedLogistic} returns: parameters, moments and densities as expressions. */
export class OrderedLogisticDistribution extends OrderedCategoriesDistribution {
  /** Use {@link OrderedLogistic}. */
  constructor(parameters: Parameters) {
    super("OrderedLogistic", parameters, logProbsOf(parameters.predictor, parameters.cutpoints));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new OrderedLogisticDistribution(parameters);
  }
}

// σ(u) − σ(l) = σ(u) σ(−l) (1 − e^−(u − l)): no difference of near numbers in either tail.
function logProbsOf(predictor: Tensor, cutpoints: Tensor): Tensor {
  const n = cutpoints.shape[cutpoints.rank - 1];
  const at = sub(cutpoints, unsqueeze(predictor, -1));
  const end = zeros([...at.shape.slice(0, -1), 1], at.dtype);
  const below = concat([logSigmoid(at), end], -1);
  const above = concat([end, logSigmoid(neg(at))], -1);
  if (n === 1) return add(below, above);
  const steps = sub(slice(cutpoints, { axis: -1, start: 1 }), slice(cutpoints, { axis: -1, end: -1 }));
  const edge = zeros([...cutpoints.shape.slice(0, -1), 1], at.dtype);
  return add(add(below, above), concat([edge, log(neg(expm1(neg(steps)))), edge], -1));
}

/**
 * An ordered category from 0 to K − 1, as int64: the interval between K − 1 increasing cutpoints that a logistic variable about `predictor`
 * falls into, P(y ≤ k) = σ(cₖ₊₁ − predictor). The last axis of `cutpoints` holds the K − 1 cutpoints; the others broadcast with the
 * predictor's shape to the batch (McCullagh 1980, proportional odds).
 *
 * @example
 * await OrderedLogistic(0, [0]).logProb([0, 1]).value(); // [-0.6931, -0.6931]
 *
 * @throws UsageError when known cutpoints do not increase.
 */
export function OrderedLogistic(predictor: TensorLike, cutpoints: TensorLike): OrderedLogisticDistribution {
  const [p, c] = operands("OrderedLogistic", predictor, cutpoints);
  return new OrderedLogisticDistribution({ predictor: p, cutpoints: c });
}
