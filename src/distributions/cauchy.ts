import {
  add,
  atan,
  cos,
  div,
  exp,
  greater,
  less,
  log,
  log1p,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sin,
  square,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { type Cumulative, symmetric, symmetricLogIcdf } from "./cumulative.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import { LocationScaleDistribution } from "./location-scale.ts";
import { logOnePlusSquare } from "./numerics.ts";

const LOG_PI = Math.log(Math.PI);

/** P(Z > a) for a ≥ 0: an arc tangent of 1/a, so that the tail does not cancel. */
export function tailOfCauchy(a: Tensor): Tensor {
  const far = greater(a, 1);
  const near = sub(0.5, mul(atan(where(far, 0, a)), 1 / Math.PI));
  return where(far, mul(atan(div(1, where(far, a, 1))), 1 / Math.PI), near);
}

/** cot πp for p = eˡ of at most ½. Below ¼ the tangent is small, above it its argument is. */
export function fromLogTailOfCauchy(l: Tensor): Tensor {
  const angle = mul(exp(l), Math.PI);
  const small = less(angle, Math.PI / 4);
  const [near, far] = [where(small, angle, 1), sub(Math.PI / 2, where(small, 1, angle))];
  return where(small, div(cos(near), sin(near)), div(sin(far), cos(far)));
}

/** The distribution that {@link Cauchy} returns: parameters, moments and densities as expressions. */
export class CauchyDistribution extends LocationScaleDistribution {
  /** Use {@link Cauchy}. */
  constructor(parameters: Parameters) {
    super("Cauchy", parameters, { selfLimiting: true });
  }

  protected override logDensity(x: Tensor): Tensor {
    return neg(add(logOnePlusSquare(this.standardise(x)), add(log(this.scale), LOG_PI)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const u = noise("uniform", site, shape, this.dtype);
    // tan π(u − ½) = −cot πu.
    const angle = mul(u, Math.PI);
    return sub(this.loc, mul(this.scale, div(cos(angle), sin(angle))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new CauchyDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const tail = tailOfCauchy;
    return {
      ...symmetric({ tail, logTail: (a) => log(tail(a)) }, (x) => this.standardise(x)),
      logIcdf: (l) => add(this.loc, mul(this.scale, symmetricLogIcdf(fromLogTailOfCauchy, l))),
      logIsf: (l) => sub(this.loc, mul(this.scale, symmetricLogIcdf(fromLogTailOfCauchy, l))),
      median: () => this.loc,
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    return {
      mode: () => loc,
      entropy: () => log(mul(scale, 4 * Math.PI)),
    };
  }
}

/**
 * The Cauchy distribution around `loc` with half-width `scale`. Shapes broadcast to the batch shape. It has no mean
 * and no variance.
 *
 * @example
 * await Cauchy(0, 1).logProb(0).value(); // -1.1447
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function Cauchy(loc: TensorLike, scale: TensorLike): CauchyDistribution {
  const [l, s] = operands("Cauchy", loc, scale);
  return new CauchyDistribution({ loc: l, scale: s });
}

// ln [((s_p + s_q)² + (μ_p − μ_q)²) / (4 s_p s_q)] (Chyzak & Nielsen 2019), written as ln(1 + …) so that it is 0 for equal ones.
registerKl(CauchyDistribution, CauchyDistribution, (p, q) => {
  const excess = add(square(sub(p.scale, q.scale)), square(sub(p.loc, q.loc)));
  return log1p(div(excess, mul(mul(p.scale, q.scale), 4)));
});
