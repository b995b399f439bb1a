import {
  add,
  cumsum,
  div,
  full,
  greater,
  log,
  logsumexp,
  minimum,
  mul,
  oneHot,
  type Shape,
  slice,
  squeeze,
  stack,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { checkTotal } from "./binomial.ts";
import { drawCategory } from "./categorical.ts";
import { countVector, logitVector, simplex } from "./constraints.ts";
import { drawBinomial } from "./counts.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { categoricalDivergence } from "./divergences.ts";
import { ClosedFormError } from "./errors.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { multinomialLogMass, sumOfOthers } from "./gamma-functions.ts";
import { registerKl } from "./kl.ts";
import { type Categories, categories, expandTo, type LogitsOrProbs, oneOf } from "./numerics.ts";

/** For totals up to this, a draw is a sum of one-hot categories. */
const LARGEST_SUM = 32;

/** Counts of `total` draws of `shape` [..., K], to which the probabilities broadcast: a sum of one-hot vectors, or K − 1 conditional binomials. */
export function drawCounts(site: string, shape: Shape, total: number, probs: Tensor): Tensor {
  const { dtype } = probs;
  const size = shape[shape.length - 1];
  const outer = shape.slice(0, -1);
  if (total <= LARGEST_SUM) {
    const drawn = drawCategory(site, [...outer, total], unsqueeze(probs, -2));
    return sum(oneHot(drawn, size, dtype), -2);
  }
  // One category after another: a binomial of the remaining draws, with the category's probability among the remaining ones.
  const parts: Tensor[] = [];
  let left = full(outer, total, dtype);
  const remaining = cumsum(probs, -1, { reverse: true });
  for (let k = 0; k < size - 1; k++) {
    const at = (t: Tensor) => squeeze(slice(t, { axis: -1, start: k, end: k + 1 }), -1);
    const rest = at(remaining);
    const share = minimum(where(greater(rest, 0), div(at(probs), rest), 0), 1);
    const count = drawBinomial(`${site}/${k}`, outer, left, share);
    parts.push(count);
    left = sub(left, count);
  }
  return stack([...parts, left], -1);
}

/** The distribution that {@link Multinomial} returns: parameters, moments and densities as expressions. */
export class MultinomialDistribution extends Distribution {
  readonly total: number;
  readonly categories: Categories;

  /** `parameters` holds one of `logits`, `probs`. Use {@link Multinomial}. */
  constructor(parameters: Parameters, total: number) {
    const given = parameters.logits ?? parameters.probs;
    super({
      name: "Multinomial",
      parameters,
      constraints: "logits" in parameters ? { logits: logitVector } : { probs: simplex },
      support: countVector(total),
      eventShape: given.shape.slice(-1),
      reparameterised: false,
      ranges: { probs: "nonNegative" },
    });
    this.total = total;
    this.categories = categories(parameters);
  }

  get probs(): Tensor {
    return this.categories.probs;
  }

  override get exponentialFamily(): ExponentialFamily {
    const [size] = this.eventShape;
    return {
      ranks: [1],
      naturalParameters: [expandTo(this.categories.weights, [...this.batchShape, ...this.eventShape])],
      sufficientStatistics: (x) => [x],
      logNormalizer: ([eta]) => mul(logsumexp(eta, -1), this.total),
      // K^n times the mass of a fair die.
      logBaseMeasure: (x) => {
        const fair = full(this.eventShape, 1 / size, x.dtype);
        const mass = multinomialLogMass(x, this.total, fair, log(fair));
        return add(mass, this.total * Math.log(size));
      },
      distributionAt: ([eta]) => new MultinomialDistribution({ logits: eta }, this.total),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    const { probs, logProbs } = this.categories;
    return multinomialLogMass(x, this.total, probs, logProbs);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return drawCounts(site, shape, this.total, this.probs);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new MultinomialDistribution(parameters, this.total);
  }

  protected override forms(): ClosedForms {
    const { probs, total } = this;
    return {
      mean: () => mul(probs, total),
      variance: () => mul(mul(probs, sumOfOthers(probs)), total),
    };
  }
}

/**
 * Counts of each of K categories in `total` draws: vectors in a float dtype, event shape [K].
 * Parameters as for `Categorical`.
 *
 * Drawn as a sum of one-hot vectors for totals up to 32, else as K − 1 conditional binomials.
 *
 * @example
 * await Multinomial(2, { probs: [0.5, 0.5] }).logProb([1, 1]).value(); // -0.6931
 *
 * @throws UsageError when `total` is not a whole number, both or neither of `logits`, `probs` are given, or known probabilities do not
 * sum to 1.
 */
export function Multinomial(total: number, parameters: LogitsOrProbs): MultinomialDistribution {
  checkTotal("Multinomial", total);
  return new MultinomialDistribution({ ...oneOf("Multinomial", parameters) }, total);
}

// n times the divergence of one draw.
registerKl(MultinomialDistribution, MultinomialDistribution, (p, q) => {
  if (p.total !== q.total) {
    throw new ClosedFormError(
      `kl: no closed form of KL(Multinomial ‖ Multinomial) unless the totals agree, found ${p.total} and ${q.total}.`,
    );
  }
  return mul(categoricalDivergence(p.categories, q.categories), p.total);
});
