import {
  add,
  cumsum,
  div,
  exp,
  logsumexp,
  mul,
  operands,
  type Shape,
  slice,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { checkTotal } from "./binomial.ts";
import { countVector, independentConstraint, positive } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { betaBinomialLogMass, sumOfOthers } from "./gamma-functions.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { drawCounts } from "./multinomial.ts";

/** The distribution that {@link DirichletMultinomial} returns: parameters, moments and densities as expressions. */
export class DirichletMultinomialDistribution extends Distribution {
  readonly total: number;
  readonly concentration: Tensor;

  /** Use {@link DirichletMultinomial}. */
  constructor(parameters: Parameters, total: number) {
    super({
      name: "DirichletMultinomial",
      parameters,
      constraints: { concentration: independentConstraint(positive, 1) },
      support: countVector(total),
      eventShape: parameters.concentration.shape.slice(-1),
      reparameterised: false,
      ranges: { concentration: "nonNegative" },
    });
    this.total = total;
    this.concentration = parameters.concentration;
  }

  /** One category after another: a beta-binomial of the remaining draws. */
  protected override logDensity(x: Tensor): Tensor {
    const { concentration } = this;
    const [size] = this.eventShape;
    if (size === 1) return mul(sum(x, -1), 0);
    const first = (t: Tensor): Tensor => slice(t, { axis: -1, end: -1 });
    const after = (t: Tensor): Tensor => first(cumsum(t, -1, { exclusive: true, reverse: true }));
    const masses = betaBinomialLogMass(first(x), after(x), first(concentration), after(concentration));
    return sum(masses, -1);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { log } = drawGamma(`${site}/probs`, shape, this.concentration);
    // From logarithms: all gammas may underflow where concentrations are small.
    const probs = stopGradient(exp(sub(log, logsumexp(log, -1, { keepDims: true }))));
    return drawCounts(`${site}/count`, shape, this.total, probs);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new DirichletMultinomialDistribution(parameters, this.total);
  }

  protected override forms(): ClosedForms {
    const { concentration, total } = this;
    const size = sum(concentration, -1, { keepDims: true });
    const share = div(concentration, size);
    return {
      mean: () => mul(share, total),
      variance: () => {
        const one = mul(share, div(sumOfOthers(concentration), size));
        return mul(mul(one, total), div(add(size, total), add(size, 1)));
      },
    };
  }
}

/**
 * Counts of each of K categories in `total` draws whose common probabilities are drawn from Dirichlet(concentration): a multinomial with more
 * spread (Mosimann 1962). Vectors in a float dtype, event shape [K]; the last axis of `concentration` holds the K categories, the others
 * are the batch. Drawn as what it is; draws have no derivatives.
 *
 * @example
 * await DirichletMultinomial(2, [1, 1]).logProb([1, 1]).value(); // -1.0986: all three splits are equally probable
 *
 * @throws UsageError when `total` is not a whole number, or a known concentration is not positive.
 */
export function DirichletMultinomial(
  total: number,
  concentration: TensorLike,
): DirichletMultinomialDistribution {
  checkTotal("DirichletMultinomial", total);
  return new DirichletMultinomialDistribution(
    { concentration: operands("DirichletMultinomial", concentration)[0] },
    total,
  );
}
