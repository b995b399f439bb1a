import { eye } from "../tensor/leaf.ts";
import { mul, sub } from "../tensor/ops/arithmetic.ts";
import { oneHot } from "../tensor/ops/gather.ts";
import { argmax, logsumexp, sum } from "../tensor/ops/reduce.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { drawCategory } from "./categorical.ts";
import { logitVector, oneHotVector, simplex } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import {
  type Categories,
  categories,
  expandTo,
  expectedLogProb,
  type LogitsOrProbs,
  oneOf,
} from "./numerics.ts";

export class OneHotCategoricalDistribution extends Distribution {
  readonly categories: Categories;

  /** `parameters` holds one of `logits`, `probs`. Use {@link OneHotCategorical}. */
  constructor(parameters: Parameters) {
    const given = parameters.logits ?? parameters.probs;
    const count = given.shape[given.rank - 1];
    super({
      name: "OneHotCategorical",
      parameters,
      constraints: "logits" in parameters ? { logits: logitVector } : { probs: simplex },
      support: oneHotVector,
      eventShape: [count],
      reparameterised: false,
      cardinality: count,
    });
    this.categories = categories(parameters);
  }

  get probs(): Tensor {
    return this.categories.probs;
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [1],
      naturalParameters: [expandTo(this.categories.weights, [...this.batchShape, ...this.eventShape])],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => logsumexp(eta, -1),
      logBaseMeasure: (x) => mul(sum(x, -1), 0),
      distributionAt: ([eta]) => new OneHotCategoricalDistribution({ logits: eta }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    return expectedLogProb(x, this.categories);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return oneHot(drawCategory(site, shape.slice(0, -1), this.probs), this.eventShape[0], this.dtype);
  }

  protected override values(): Tensor {
    return eye(this.eventShape[0], this.dtype);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new OneHotCategoricalDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { categories } = this;
    const { probs } = categories;
    return {
      mean: () => probs,
      variance: () => mul(probs, sub(1, probs)),
      mode: () => oneHot(argmax(categories.weights, -1), this.eventShape[0], this.dtype),
      entropy: () => expectedLogProb(probs, categories).neg(),
    };
  }
}

/**
 * One of K categories as a vector with a single 1, in a float dtype; event shape [K]. Parameters as for `Categorical`. The
 * log density is linear in the value, so a relaxed value on the simplex gives the cross entropy.
 *
 * @throws UsageError when both or neither are given, or known probabilities do not sum to 1.
 */
export const OneHotCategorical = (parameters: LogitsOrProbs): OneHotCategoricalDistribution =>
  new OneHotCategoricalDistribution(oneOf("OneHotCategorical", parameters));

registerKl(OneHotCategoricalDistribution, OneHotCategoricalDistribution, (p, q) =>
  sub(expectedLogProb(p.probs, p.categories), expectedLogProb(p.probs, q.categories)),
);
