import {
  abs,
  add,
  div,
  erf,
  erfinv,
  exp,
  less,
  log,
  logNormalCdf,
  mul,
  neg,
  noise,
  normalCdf,
  normalLogQuantile,
  operands,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { nonNegative, positive } from "./constraints.ts";
import { type Cumulative, complement, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { normalDivergence } from "./divergences.ts";
import { registerKl } from "./kl.ts";
import { logOf, logOneMinusExp } from "./logarithms.ts";

/** ½ ln(2/π). */
const HALF_LOG_TWO_OVER_PI = 0.5 * Math.log(2 / Math.PI);

/** The distribution that {@link HalfNormal} returns: parameters, moments and densities as expressions. */
export class HalfNormalDistribution extends Distribution {
  readonly scale: Tensor;

  /** Use {@link HalfNormal}. */
  constructor(parameters: Parameters) {
    super({
      name: "HalfNormal",
      parameters,
      constraints: { scale: positive },
      support: nonNegative,
      reparameterised: true,
    });
    this.scale = parameters.scale;
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(add(mul(square(div(x, this.scale)), -0.5), HALF_LOG_TWO_OVER_PI), logOf(this.scale));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return mul(this.scale, abs(noise("normal", site, shape, this.dtype)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new HalfNormalDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const fromBelow = (p: Tensor): Tensor => mul(this.scale, mul(erfinv(p), Math.SQRT2));
    const fromAbove = (l: Tensor): Tensor => neg(mul(this.scale, normalLogQuantile(sub(l, Math.LN2))));
    const z = (x: Tensor): Tensor => div(x, this.scale);
    const cdf = (x: Tensor): Tensor => erf(mul(z(x), Math.SQRT1_2));
    return {
      cdf,
      survival: (x) => mul(normalCdf(neg(z(x))), 2),
      ...pairOfTails(
        (x) => log(cdf(x)),
        (x) => add(logNormalCdf(neg(z(x))), Math.LN2),
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
      mean: () => mul(this.scale, Math.sqrt(2 / Math.PI)),
      variance: () => mul(square(this.scale), 1 - 2 / Math.PI),
      mode: () => mul(this.scale, 0),
      entropy: () => add(log(this.scale), 0.5 - HALF_LOG_TWO_OVER_PI),
    };
  }
}

/**
 * |x| for a normal x with mean 0 and standard deviation `scale`; the scale's shape is the batch shape.
 *
 * @example
 * await HalfNormal(1).logProb(0).value(); // -0.2258
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export const HalfNormal = (scale: TensorLike): HalfNormalDistribution =>
  new HalfNormalDistribution({ scale: operands("HalfNormal", scale)[0] });

// As for two normals around 0: the factors of 2 cancel.
registerKl(HalfNormalDistribution, HalfNormalDistribution, (p, q) =>
  normalDivergence(p.scale, q.scale, mul(q.scale, 0)),
);
