import {
  abs,
  add,
  log,
  log1p,
  logSigmoid,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  softplus,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import type { Cumulative } from "./cumulative.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { LocationScaleDistribution } from "./location-scale.ts";
import { logOneMinusExp } from "./logarithms.ts";

/** The distribution that {@link Logistic} returns: parameters, moments and densities as expressions. */
export class LogisticDistribution extends LocationScaleDistribution {
  /** Use {@link Logistic}. */
  constructor(parameters: Parameters) {
    super("Logistic", parameters, { selfLimiting: true });
  }

  protected override logDensity(x: Tensor): Tensor {
    const z = this.standardise(x);
    // The density is symmetric in z; with |z| nothing overflows.
    const a = abs(z);
    return neg(add(add(a, mul(softplus(neg(a)), 2)), log(this.scale)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const u = noise("uniform", site, shape, this.dtype);
    return add(this.loc, mul(this.scale, sub(log(u), log1p(neg(u)))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LogisticDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    return {
      logCdf: (x) => logSigmoid(this.standardise(x)),
      logSurvival: (x) => logSigmoid(neg(this.standardise(x))),
      logIcdf: (l) => add(this.loc, mul(this.scale, sub(l, logOneMinusExp(l)))),
      logIsf: (l) => sub(this.loc, mul(this.scale, sub(l, logOneMinusExp(l)))),
      median: () => this.loc,
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    return {
      mean: () => loc,
      variance: () => mul(square(scale), Math.PI ** 2 / 3),
      mode: () => loc,
      entropy: () => add(log(scale), 2),
    };
  }
}

/**
 * The logistic distribution, whose distribution function is the sigmoid of (x − loc) / scale. Shapes broadcast to the
 * batch shape.
 *
 * @example
 * await Logistic(0, 1).logProb(0).value(); // -1.3863
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function Logistic(loc: TensorLike, scale: TensorLike): LogisticDistribution {
  const [l, s] = operands("Logistic", loc, scale);
  return new LogisticDistribution({ loc: l, scale: s });
}
