import {
  add,
  div,
  exp,
  floor,
  log1p,
  maximum,
  mul,
  neg,
  operands,
  type Shape,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { halfOpenUnitInterval, nonNegativeInteger, positive, real } from "./constraints.ts";
import { drawPoisson } from "./counts.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { binomialLogDensity } from "./gamma-functions.ts";
import { countQuantile } from "./implicit/count-quantile.ts";
import { logBetainc } from "./implicit/incomplete-beta.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { complementOf, logComplementOf, logOf } from "./logarithms.ts";
import { type LogitsOrProbs, oddsOf, oneOf, tiniest } from "./numerics.ts";

/** The distribution that {@link NegativeBinomial} returns: parameters, moments and densities as expressions. */
export class NegativeBinomialDistribution extends Distribution {
  readonly total: Tensor;
  /** p/(1 − p). */
  readonly odds: Tensor;

  /** `parameters` holds `total` and one of `logits`, `probs`. Use {@link NegativeBinomial}. */
  constructor(parameters: Parameters) {
    const { total, logits, probs } = parameters;
    super({
      name: "NegativeBinomial",
      parameters,
      constraints: {
        total: positive,
        ...("logits" in parameters ? { logits: real } : { probs: halfOpenUnitInterval }),
      },
      support: nonNegativeInteger,
      reparameterised: false,
      ranges: { total: "nonNegative", probs: "unitInterval" },
    });
    this.total = total;
    this.odds = logits === undefined ? div(probs, complementOf(probs)) : exp(logits);
  }

  protected override logDensity(x: Tensor): Tensor {
    // Γ(x + r)/(x! Γ(r)) is r/(x + r) times the binomial coefficient of x and r.
    const { total } = this;
    const share = neg(log1p(div(x, total)));
    return add(share, binomialLogDensity(x, total, oddsOf(this.parameters), false));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { value } = drawGamma(`${site}/rate`, shape, this.total);
    return drawPoisson(site, shape, maximum(mul(value, this.odds), tiniest(this.dtype)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new NegativeBinomialDistribution(parameters);
  }

  /** P(X ≤ k) is the incomplete beta function of the total and k + 1 at 1 − p. */
  protected override cumulative(): Cumulative {
    const { total } = this;
    const { logits, probs } = this.parameters;
    const logit = logits ?? sub(logOf(probs), logComplementOf(probs));
    return {
      logCdf: (k) => logBetainc(total, add(k, 1), neg(logit)),
      logSurvival: (k) => logBetainc(add(k, 1), total, logit),
      logIcdf: (l) => countQuantile("negativeBinomial", total, logit, l, false),
      logIsf: (l) => countQuantile("negativeBinomial", total, logit, l, true),
    };
  }

  protected override forms(): ClosedForms {
    const { total, odds } = this;
    return {
      mean: () => mul(total, odds),
      variance: () => mul(mul(total, odds), add(odds, 1)),
      mode: () => floor(mul(maximum(sub(total, 1), 0), odds)),
    };
  }
}

/**
 * The number of successes of probability p before `total` failures, in a float dtype; `total` > 0 need not be whole.
 * Its mean is total p/(1 − p). Shapes broadcast to the batch shape. Drawn as a Poisson whose rate is a gamma.
 *
 * @example
 * await NegativeBinomial(5, { probs: 0.5 }).mean().value(); // 5
 *
 * @throws UsageError when both or neither of `logits`, `probs` are given, or known parameters are out of range.
 */
export function NegativeBinomial(total: TensorLike, parameters: LogitsOrProbs): NegativeBinomialDistribution {
  const given = oneOf("NegativeBinomial", parameters);
  const [, n] = operands("NegativeBinomial", Object.values(given)[0], total);
  return new NegativeBinomialDistribution({ total: n, ...given });
}
