/** Categories that are the intervals between increasing cutpoints, into which a variable about a predictor falls. */
import {
  arange,
  argmax,
  equal,
  exp,
  mul,
  neg,
  type Shape,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { drawCategory } from "./categorical.ts";
import { integerInterval, orderedVector, real } from "./constraints.ts";
import { type Cumulative, cumulativeOfMasses } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";

/** What ordered logistic and ordered probit share; a family brings the log probabilities of its categories. */
export abstract class OrderedCategoriesDistribution extends Distribution {
  /** ln of the probability of each category, [..., K]. */
  readonly logProbs: Tensor;
  private readonly count: number;

  /** `parameters` holds `predictor` and `cutpoints`. */
  constructor(name: string, parameters: Parameters, logProbs: Tensor) {
    const { cutpoints } = parameters;
    const count = cutpoints.shape[cutpoints.rank - 1] + 1;
    super({
      name,
      parameters,
      constraints: { predictor: real, cutpoints: orderedVector },
      support: integerInterval(0, count - 1),
      dtype: "int64",
      reparameterised: false,
      cardinality: count,
    });
    this.count = count;
    this.logProbs = logProbs;
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

  protected override cumulative(): Cumulative {
    return cumulativeOfMasses(this.logProbs);
  }

  protected override forms(): ClosedForms {
    return {
      mode: () => argmax(this.logProbs, -1),
      entropy: () => neg(sum(mul(exp(this.logProbs), this.logProbs), -1)),
    };
  }
}
