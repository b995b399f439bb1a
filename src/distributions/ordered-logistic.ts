import {
  add,
  arange,
  concat,
  equal,
  exp,
  expm1,
  log,
  logSigmoid,
  mul,
  neg,
  operands,
  type Shape,
  slice,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
  zeros,
} from "../tensor/index.ts";
import { drawCategory } from "./categorical.ts";
import { integerInterval, orderedVector, real } from "./constraints.ts";
import { type Cumulative, cumulativeOfMasses } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";

/** The distribution that {@link OrderedLogistic} returns: parameters, moments and densities as expressions. */
export class OrderedLogisticDistribution extends Distribution {
  /** ln of the probability of each category, [..., K]. */
  readonly logProbs: Tensor;
  private readonly count: number;

  /** Use {@link OrderedLogistic}. */
  constructor(parameters: Parameters) {
    const { predictor, cutpoints } = parameters;
    const count = cutpoints.shape[cutpoints.rank - 1] + 1;
    super({
      name: "OrderedLogistic",
      parameters,
      constraints: { predictor: real, cutpoints: orderedVector },
      support: integerInterval(0, count - 1),
      dtype: "int64",
      reparameterised: false,
      cardinality: count,
    });
    this.count = count;
    this.logProbs = logProbsOf(predictor, cutpoints);
  }

  protected override logDensity(x: Tensor): Tensor {
    const chosen = equal(unsqueeze(x, -1), arange(this.count, x.dtype));
    return sum(where(chosen, this.logProbs, 0), -1);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return drawCategory(site, shape, exp(this.logProbs));
  }

  protected override values(): Tensor {
    return arange(this.count, this.dtype);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new OrderedLogisticDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    return cumulativeOfMasses(this.logProbs);
  }

  protected override forms(): ClosedForms {
    return { entropy: () => neg(sum(mul(exp(this.logProbs), this.logProbs), -1)) };
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
