import {
  arange,
  argmax,
  cast,
  cumsum,
  equal,
  greaterEqual,
  logsumexp,
  mul,
  noise,
  oneHot,
  type Shape,
  slice,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { integerInterval, logitVector, simplex } from "./constraints.ts";
import { type Cumulative, cumulativeOfMasses } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { categoricalDivergence } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import { type Categories, categories, entropyOf, expandTo, type LogitsOrProbs, oneOf } from "./numerics.ts";

/**
 * Indices of categories by the inverse distribution function: one uniform for each draw. The threshold is scaled by the rounded
 * total and compared strictly, so a category of probability 0 is never drawn. If a probability is NaN, the index is K, which
 * no category has, so it cannot be mistaken for a draw. `shape` has no category axis.
 */
export function drawCategory(site: string, shape: Shape, probs: Tensor): Tensor {
  const cumulative = cumsum(probs, -1);
  const total = slice(cumulative, { axis: -1, start: probs.shape[probs.rank - 1] - 1 });
  const threshold = mul(unsqueeze(noise("uniform", site, shape, probs.dtype), -1), total);
  // Count from above: no comparison with NaN is true.
  const above = sum(cast(greaterEqual(cumulative, threshold), "int32"), -1);
  return cast(sub(probs.shape[probs.rank - 1], above), "int64");
}

/** The distribution that {@link Categorical} returns: parameters, moments and densities as expressions. */
export class CategoricalDistribution extends Distribution {
  readonly categories: Categories;
  private readonly count: number;

  /** `parameters` holds one of `logits`, `probs`. Use {@link Categorical}. */
  constructor(parameters: Parameters) {
    const given = parameters.logits ?? parameters.probs;
    const count = given.shape[given.rank - 1];
    super({
      name: "Categorical",
      parameters,
      constraints: "logits" in parameters ? { logits: logitVector } : { probs: simplex },
      support: integerInterval(0, count - 1),
      dtype: "int64",
      reparameterised: false,
      ranges: { probs: "nonNegative" },
      cardinality: count,
    });
    this.count = count;
    this.categories = categories(parameters);
  }

  get probs(): Tensor {
    return this.categories.probs;
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [1],
      naturalParameters: [expandTo(this.categories.weights, [...this.batchShape, this.count])],
      sufficientStatistics: (x) => [oneHot(x, this.count, this.floatDType)],
      logNormalizer: ([eta]) => logsumexp(eta, -1),
      logBaseMeasure: (x) => mul(cast(x, this.floatDType), 0),
      distributionAt: ([eta]) => new CategoricalDistribution({ logits: eta }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    const chosen = equal(unsqueeze(x, -1), arange(this.count, x.dtype));
    return sum(where(chosen, this.categories.logProbs, 0), -1);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return drawCategory(site, shape, this.probs);
  }

  protected override values(): Tensor {
    return arange(this.count, this.dtype);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new CategoricalDistribution(parameters);
  }

  /** An index has no mean, because categories have no order. The mean of `OneHotCategorical` exists. */
  protected override cumulative(): Cumulative {
    return cumulativeOfMasses(this.categories.logProbs);
  }

  protected override forms(): ClosedForms {
    const { categories } = this;
    return {
      mode: () => argmax(categories.weights, -1),
      entropy: () => entropyOf(categories),
    };
  }
}

/**
 * A category from 0 to K − 1, as int64 (values of any dtype are accepted). The last axis of `logits` or `probs` holds the
 * K categories; the others are the batch. Logits need not be normalised, and −∞ marks an impossible category. If some computed
 * logits are +∞, their categories share all probability. Probabilities must lie on the simplex; they are divided by their sum.
 *
 * @example
 * await Categorical({ probs: [0.2, 0.8] }).logProb(1).value(); // -0.2231
 *
 * @throws UsageError when both or neither of `logits`, `probs` are given, or known probabilities do not sum to 1.
 */
export const Categorical = (parameters: LogitsOrProbs): CategoricalDistribution =>
  new CategoricalDistribution(oneOf("Categorical", parameters));

registerKl(CategoricalDistribution, CategoricalDistribution, (p, q) =>
  categoricalDivergence(p.categories, q.categories),
);
