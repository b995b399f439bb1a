import {
  argmax,
  eye,
  gather,
  isConstant,
  logsumexp,
  mul,
  oneHot,
  reshape,
  type Shape,
  sum,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { drawCategory } from "./categorical.ts";
import { logitVector, oneHotVector, simplex } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { categoricalDivergence } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { sumOfOthers } from "./gamma-functions.ts";
import { registerKl } from "./kl.ts";
import {
  type Categories,
  categories,
  dotLogits,
  entropyOf,
  expandTo,
  type LogitsOrProbs,
  oneOf,
} from "./numerics.ts";

/** The distribution that {@link OneHotCategorical} returns: parameters, moments and densities as expressions. */
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
      ranges: { probs: "nonNegative" },
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
    const { logProbs } = this.categories;
    if (!holdsAllValues(x) || logProbs.rank >= x.rank) return dotLogits(x, logProbs);
    // Enumeration asks for all values at once: return the log masses themselves, with the categories first. Multiplying by x keeps x
    // in the graph, from which the dependence on an enumerated value is found.
    const [count, batch] = [x.shape[0], logProbs.shape.slice(0, -1)];
    const first = transpose(logProbs, [logProbs.rank - 1, ...batch.keys()]);
    const chosen = gather(first, reshape(argmax(x, -1), [count]));
    const padding = new Array<number>(x.rank - 1 - logProbs.rank).fill(1);
    return reshape(chosen, [count, ...padding, ...batch]);
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
      variance: () => mul(probs, sumOfOthers(probs)),
      mode: () => oneHot(argmax(categories.weights, -1), this.eventShape[0], this.dtype),
      entropy: () => entropyOf(categories),
    };
  }
}

/** Whether x is the result of `enumerate`, all one-hot vectors in order, expanded for the batch: [K, 1, …, 1, K]. */
function holdsAllValues(x: Tensor): boolean {
  const [count, rest] = [x.shape[0], x.shape.slice(1)];
  const all = reshape.is(x) ? x.inputs[0] : x;
  if (x.rank < 2 || rest.pop() !== count || rest.some((n) => n !== 1) || !isConstant(all)) return false;
  return all.attributes.values.every((v, i) => v === (i % (count + 1) === 0 ? 1 : 0));
}

/**
 * One of K categories as a vector with a single 1, in a float dtype; event shape [K]. Parameters as for `Categorical`. The
 * log density is linear in the value; with `unchecked()`, a relaxed value on the simplex gives the cross entropy.
 *
 * @example
 * await OneHotCategorical({ probs: [0.2, 0.8] }).logProb([0, 1]).value(); // -0.2231
 *
 * @throws UsageError when both or neither of `logits`, `probs` are given, or known probabilities do not sum to 1.
 */
export const OneHotCategorical = (parameters: LogitsOrProbs): OneHotCategoricalDistribution =>
  new OneHotCategoricalDistribution(oneOf("OneHotCategorical", parameters));

registerKl(OneHotCategoricalDistribution, OneHotCategoricalDistribution, (p, q) =>
  categoricalDivergence(p.categories, q.categories),
);
