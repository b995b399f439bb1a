import {
  add,
  div,
  exp,
  expm1,
  log,
  logNormalCdf,
  mul,
  neg,
  noise,
  normalLogQuantile,
  normalQuantile,
  operands,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { normalDivergence } from "./divergences.ts";
import { registerKl } from "./kl.ts";
import { logOf } from "./logarithms.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";

/** The distribution that {@link LogNormal} returns: parameters, moments and densities as expressions. */
export class LogNormalDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;

  /** Use {@link LogNormal}. */
  constructor(parameters: Parameters) {
    super({
      name: "LogNormal",
      parameters,
      constraints: { loc: real, scale: positive },
      support: positive,
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
  }

  protected override logDensity(x: Tensor): Tensor {
    const l = logOf(x);
    const z = div(sub(l, this.loc), this.scale);
    return sub(sub(mul(square(z), -0.5), l), add(logOf(this.scale), HALF_LOG_TWO_PI));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return exp(add(this.loc, mul(this.scale, noise("normal", site, shape, this.dtype))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LogNormalDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const z = (x: Tensor): Tensor => div(sub(logOf(x), this.loc), this.scale);
    const at = (quantile: Tensor): Tensor => exp(add(this.loc, mul(this.scale, quantile)));
    return {
      logCdf: (x) => logNormalCdf(z(x)),
      logSurvival: (x) => logNormalCdf(neg(z(x))),
      logIcdf: (l) => at(normalLogQuantile(l)),
      logIsf: (l) => at(neg(normalLogQuantile(l))),
      icdf: (p) => at(normalQuantile(p)),
      median: () => exp(this.loc),
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    const s2 = square(scale);
    return {
      mean: () => exp(add(loc, mul(s2, 0.5))),
      variance: () => mul(expm1(s2), exp(add(mul(loc, 2), s2))),
      mode: () => exp(sub(loc, s2)),
      entropy: () => add(add(loc, log(scale)), 0.5 + HALF_LOG_TWO_PI),
    };
  }
}

/**
 * exp of a normal with mean `loc` and standard deviation `scale`; both refer to the logarithm. Shapes broadcast to the
 * batch shape.
 *
 * @example
 * await LogNormal(0, 1).mean().value(); // 1.6487
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function LogNormal(loc: TensorLike, scale: TensorLike): LogNormalDistribution {
  const [l, s] = operands("LogNormal", loc, scale);
  return new LogNormalDistribution({ loc: l, scale: s });
}

// The KL of the two normals: KL does not change under a bijection.
registerKl(LogNormalDistribution, LogNormalDistribution, (p, q) =>
  normalDivergence(p.scale, q.scale, div(sub(p.loc, q.loc), q.scale)),
);
