import {
  abs,
  add,
  atan,
  cos,
  div,
  exp,
  less,
  log,
  log1p,
  mul,
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
import { fromLogTailOfCauchy, tailOfCauchy } from "./cauchy.ts";
import { nonNegative, positive } from "./constraints.ts";
import { type Cumulative, complement, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import { logOf, logOneMinusExp } from "./logarithms.ts";
import { logOnePlusSquare } from "./numerics.ts";

const LOG_TWO_OVER_PI = Math.log(2 / Math.PI);

/** The distribution that {@link HalfCauchy} returns: parameters, moments and densities as expressions. */
export class HalfCauchyDistribution extends Distribution {
  readonly scale: Tensor;

  /** Use {@link HalfCauchy}. */
  constructor(parameters: Parameters) {
    super({
      name: "HalfCauchy",
      parameters,
      constraints: { scale: positive },
      support: nonNegative,
      reparameterised: true,
    });
    this.scale = parameters.scale;
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(LOG_TWO_OVER_PI, add(logOf(this.scale), logOnePlusSquare(div(x, this.scale))));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const angle = mul(noise("uniform", site, shape, this.dtype), Math.PI / 2);
    // |tan|: a float32 argument near π/2 may round past the pole.
    return mul(this.scale, abs(div(sin(angle), cos(angle))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new HalfCauchyDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const fromBelow = (p: Tensor): Tensor => {
      const angle = mul(p, Math.PI / 2);
      return mul(this.scale, div(sin(angle), cos(angle)));
    };
    const fromAbove = (l: Tensor): Tensor => mul(this.scale, fromLogTailOfCauchy(sub(l, Math.LN2)));
    const z = (x: Tensor): Tensor => div(x, this.scale);
    const cdf = (x: Tensor): Tensor => mul(atan(z(x)), 2 / Math.PI);
    const survival = (x: Tensor): Tensor => mul(tailOfCauchy(z(x)), 2);
    return {
      cdf,
      survival,
      ...pairOfTails(
        (x) => log(cdf(x)),
        (x) => log(survival(x)),
        cdf,
      ),
      // Each half from its own end, where the other would be rounded away.
      logIcdf: (l) => {
        const near = less(l, -Math.LN2);
        return where(near, fromBelow(exp(where(near, l, -1))), fromAbove(logOneMinusExp(where(near, -1, l))));
      },
      logIsf: (l) => {
        const far = less(l, -Math.LN2);
        return where(far, fromAbove(where(far, l, -1)), fromBelow(complement(where(far, -1, l))));
      },
    };
  }

  protected override forms(): ClosedForms {
    return {
      mode: () => mul(this.scale, 0),
      entropy: () => log(mul(this.scale, 2 * Math.PI)),
    };
  }
}

/**
 * |x| for a Cauchy x around 0 with half-width `scale`: the usual weak prior of a standard deviation (Gelman 2006). The
 * scale's shape is the batch shape. It has no mean and no variance.
 *
 * @example
 * await HalfCauchy(1).logProb(0).value(); // -0.4516
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export const HalfCauchy = (scale: TensorLike): HalfCauchyDistribution =>
  new HalfCauchyDistribution({ scale: operands("HalfCauchy", scale)[0] });

// As for two Cauchy distributions around 0, whose density is symmetric: ln [(s + t)² / (4 s t)].
registerKl(HalfCauchyDistribution, HalfCauchyDistribution, (p, q) =>
  log1p(div(square(sub(p.scale, q.scale)), mul(mul(p.scale, q.scale), 4))),
);
