import {
  add,
  div,
  log,
  logNormalCdf,
  mul,
  neg,
  noise,
  normalLogQuantile,
  normalQuantile,
  operands,
  type Shape,
  sigmoid,
  softplus,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { type Constraint, insideUnitInterval, positive, real, unitInterval } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { normalDivergence } from "./divergences.ts";
import { registerKl } from "./kl.ts";
import { logComplementOf, logOf } from "./logarithms.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";

/** The distribution that {@link LogitNormal} returns: parameters, moments and densities as expressions. */
export class LogitNormalDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;

  /** Use {@link LogitNormal}. */
  constructor(parameters: Parameters) {
    super({
      name: "LogitNormal",
      parameters,
      constraints: { loc: real, scale: positive },
      support: unitInterval,
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
  }

  protected override get domain(): Constraint {
    return insideUnitInterval;
  }

  protected override logDensity(x: Tensor): Tensor {
    const [a, b] = [logOf(x), logComplementOf(x)];
    const z = div(sub(sub(a, b), this.loc), this.scale);
    return sub(sub(mul(square(z), -0.5), add(a, b)), add(logOf(this.scale), HALF_LOG_TWO_PI));
  }

  protected override cumulative(): Cumulative {
    const z = (x: Tensor): Tensor => div(sub(sub(logOf(x), logComplementOf(x)), this.loc), this.scale);
    const at = (quantile: Tensor): Tensor => sigmoid(add(this.loc, mul(this.scale, quantile)));
    return {
      logCdf: (x) => logNormalCdf(z(x)),
      logSurvival: (x) => logNormalCdf(neg(z(x))),
      logIcdf: (l) => at(normalLogQuantile(l)),
      logIsf: (l) => at(neg(normalLogQuantile(l))),
      icdf: (p) => at(normalQuantile(p)),
      median: () => sigmoid(this.loc),
    };
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return sigmoid(this.logit(site, shape).logit);
  }

  /** The density computed from the logit, so that it is finite even for a value that rounds to 0 or 1. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const { logit, epsilon } = this.logit(site, [...sampleShape, ...this.batchShape]);
    // −ln x − ln(1 − x) = softplus(l) + softplus(−l) with l the logit.
    const jacobian = add(softplus(logit), softplus(neg(logit)));
    const base = sub(mul(square(epsilon), -0.5), add(log(this.scale), HALF_LOG_TWO_PI));
    return { value: sigmoid(logit), logProb: add(base, jacobian) };
  }

  private logit(site: string, shape: Shape): { readonly logit: Tensor; readonly epsilon: Tensor } {
    const epsilon = noise("normal", site, shape, this.dtype);
    return { logit: add(this.loc, mul(this.scale, epsilon)), epsilon };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LogitNormalDistribution(parameters);
  }
}

/**
 * The logistic sigmoid of a normal with mean `loc` and standard deviation `scale`. Shapes broadcast to the batch shape.
 * No moment has a closed form (Aitchison & Shen 1980).
 *
 * @example
 * await LogitNormal(0, 1).logProb(0.5).value(); // 0.4674
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function LogitNormal(loc: TensorLike, scale: TensorLike): LogitNormalDistribution {
  const [l, s] = operands("LogitNormal", loc, scale);
  return new LogitNormalDistribution({ loc: l, scale: s });
}

// The KL of the two normals: KL does not change under a bijection.
registerKl(LogitNormalDistribution, LogitNormalDistribution, (p, q) =>
  normalDivergence(p.scale, q.scale, div(sub(p.loc, q.loc), q.scale)),
);
