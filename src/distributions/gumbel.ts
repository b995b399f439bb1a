import {
  add,
  div,
  exp,
  expm1,
  log,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { type Cumulative, logCdfOfHazard, logHazardAt } from "./cumulative.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { gumbelDivergence } from "./divergences.ts";
import { registerKl } from "./kl.ts";
import { LocationScaleDistribution } from "./location-scale.ts";
import { EULER_GAMMA } from "./numerics.ts";

/** The distribution that {@link Gumbel} returns: parameters, moments and densities as expressions. */
export class GumbelDistribution extends LocationScaleDistribution {
  /** Use {@link Gumbel}. */
  constructor(parameters: Parameters) {
    super("Gumbel", parameters);
  }

  protected override logDensity(x: Tensor): Tensor {
    const z = this.standardise(x);
    return neg(add(add(z, exp(neg(z))), log(this.scale)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const u = noise("uniform", site, shape, this.dtype);
    return sub(this.loc, mul(this.scale, log(neg(log(u)))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new GumbelDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const hazard = (x: Tensor): Tensor => exp(neg(this.standardise(x)));
    return {
      logCdf: (x) => neg(hazard(x)),
      logSurvival: (x) => logCdfOfHazard(neg(this.standardise(x))),
      survival: (x) => neg(expm1(neg(hazard(x)))),
      logIcdf: (l) => sub(this.loc, mul(this.scale, log(neg(l)))),
      logIsf: (l) => sub(this.loc, mul(this.scale, logHazardAt(l))),
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    return {
      mean: () => add(loc, mul(scale, EULER_GAMMA)),
      variance: () => mul(square(scale), Math.PI ** 2 / 6),
      mode: () => loc,
      entropy: () => add(log(scale), 1 + EULER_GAMMA),
    };
  }
}

/**
 * The distribution of maxima: density e^(−z − e^−z) / scale with z = (x − loc) / scale. Shapes broadcast to the batch
 * shape. If standard Gumbels are added to logits, the category of the largest sum is a draw with the logits' probabilities.
 *
 * @example
 * await Gumbel(0, 1).mean().value(); // 0.5772
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function Gumbel(loc: TensorLike, scale: TensorLike): GumbelDistribution {
  const [l, s] = operands("Gumbel", loc, scale);
  return new GumbelDistribution({ loc: l, scale: s });
}

// E_p[z_q] − E_p[z_p] + E_p[e^−z_q] − 1 + ln(b_q / b_p), E_p[e^−z_q] = e^((μ_q − μ_p)/b_q) Γ(1 + b_p/b_q).
registerKl(GumbelDistribution, GumbelDistribution, (p, q) =>
  gumbelDivergence(div(p.scale, q.scale), div(sub(p.loc, q.loc), q.scale)),
);
