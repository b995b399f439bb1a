import {
  add,
  div,
  exp,
  greater,
  lgamma,
  log,
  logSoftmax,
  min,
  mul,
  operands,
  type Shape,
  softmax,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { independentConstraint, positive, simplex } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { deviance, dirichletLogDensity, entropyTerm, gammaExcess, sumOfOthers } from "./gamma-functions.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { registerKl } from "./kl.ts";
import { knowsLog, logOf } from "./logarithms.ts";
import { expandTo } from "./numerics.ts";

/** ln [Π Γ(αₖ) / Γ(Σ αₖ)], over the last axis. */
const logNormalizer = (alpha: Tensor): Tensor => sub(sum(lgamma(alpha), -1), lgamma(sum(alpha, -1)));

/** The distribution that {@link Dirichlet} returns: parameters, moments and densities as expressions. */
export class DirichletDistribution extends Distribution {
  readonly concentration: Tensor;

  /** Use {@link Dirichlet}. */
  constructor(parameters: Parameters) {
    const { concentration } = parameters;
    super({
      name: "Dirichlet",
      parameters,
      constraints: { concentration: independentConstraint(positive, 1) },
      support: simplex,
      eventShape: concentration.shape.slice(-1),
      reparameterised: true,
      ranges: { concentration: "nonNegative" },
    });
    this.concentration = concentration;
  }

  override get exponentialFamily(): ExponentialFamily {
    return {
      ranks: [1],
      naturalParameters: [expandTo(sub(this.concentration, 1), [...this.batchShape, ...this.eventShape])],
      sufficientStatistics: (x) => [log(x)],
      logNormalizer: ([eta]) => logNormalizer(add(eta, 1)),
      logBaseMeasure: (x) => mul(sum(x, -1), 0),
      distributionAt: ([eta]) => new DirichletDistribution({ concentration: add(eta, 1) }),
    };
  }

  protected override logDensity(x: Tensor): Tensor {
    return dirichletLogDensity(x, knowsLog(x) ? logOf(x) : undefined, this.concentration, knowsLog(x));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return softmax(drawGamma(site, shape, this.concentration).log);
  }

  /** The density computed from the logarithms, so that it is finite even if a part underflows. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const { concentration } = this;
    const logs = logSoftmax(
      drawGamma(site, [...sampleShape, ...this.batchShape, ...this.eventShape], concentration).log,
    );
    const value = exp(logs);
    return { value, logProb: dirichletLogDensity(value, logs, concentration, true) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new DirichletDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { concentration } = this;
    const total = sum(concentration, -1, { keepDims: true });
    const mean = div(concentration, total);
    return {
      mean: () => mean,
      variance: () => div(mul(mean, div(sumOfOthers(concentration), total)), add(total, 1)),
      // With a concentration of at most 1 the density is highest where a part is 0, or everywhere.
      mode: () => {
        const excess = sub(concentration, 1);
        const inner = greater(min(excess, -1, { keepDims: true }), 0);
        const shares = div(excess, where(inner, sum(excess, -1, { keepDims: true }), 1));
        return where(inner, shares, Number.NaN);
      },
      entropy: () =>
        sub(sum(entropyTerm(concentration, 1), -1), entropyTerm(sum(total, -1), this.eventShape[0])),
    };
  }
}

/**
 * The Dirichlet distribution of K probabilities with density ∝ Π xₖ^(αₖ − 1), where α is the `concentration`, of shape [...,
 * K]: event shape [K], the rest is the batch.
 *
 * Drawn as normalised gammas by their logarithms, so that small concentrations do not underflow; gradients are the
 * gammas' implicit ones (Figurnov, Mohamed & Mnih 2018). The density of a value that contains a 0 is infinite if α < 1 there:
 * prefer `sampleAndLogProb` for draws.
 *
 * @example
 * await Dirichlet([1, 1, 1]).logProb([0.2, 0.3, 0.5]).value(); // ln 2 = 0.6931
 *
 * @throws UsageError when a known concentration is not positive.
 */
export const Dirichlet = (concentration: TensorLike): DirichletDistribution =>
  new DirichletDistribution({ concentration: operands("Dirichlet", concentration)[0] });

registerKl(DirichletDistribution, DirichletDistribution, (p, q) => {
  const [a, c] = [p.concentration, q.concentration];
  const [n, m] = [sum(a, -1, { keepDims: true }), sum(c, -1, { keepDims: true })];
  const parts = add(deviance(c, mul(a, div(m, n))), gammaExcess(c, a));
  return sub(sum(parts, -1), gammaExcess(sum(m, -1), sum(n, -1)));
});
