import {
  add,
  cos,
  div,
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
} from "../tensor/index.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import { LocationScaleDistribution } from "./location-scale.ts";
import { logOnePlusSquare } from "./numerics.ts";

const LOG_PI = Math.log(Math.PI);

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
