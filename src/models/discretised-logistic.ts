/** Pixels of 256 levels: a logistic distribution whose mass is gathered level by level. */
import { type ClosedForms, constraints, Distribution, type Parameters } from "../distributions/index.ts";
import {
  add,
  div,
  exp,
  expm1,
  floor,
  greater,
  less,
  log,
  log1p,
  mul,
  neg,
  noise,
  type Shape,
  softplus,
  sub,
  type Tensor,
  where,
} from "../tensor/index.ts";

/** Levels are k/255, k = 0 to 255. */
const STEP = 1 / 255;

/** What {@link discretisedLogistic} makes: parameters, mean and masses as expressions. */
export class DiscretisedLogisticDistribution extends Distribution {
  /** Use {@link discretisedLogistic}. */
  constructor(parameters: Parameters) {
    super({
      name: "DiscretisedLogistic",
      parameters,
      constraints: { loc: constraints.real, logScale: constraints.real },
      support: { ...constraints.unitInterval, name: "pixelLevels", isDiscrete: true },
      reparameterised: false,
    });
  }

  /**
   * ln(σ(a) − σ(b)) of the edges a > b of a level, in units of the scale: σ(a) − σ(b) = σ(a) σ(−b) (1 − e^(b − a)), which loses no digits
   * wherever the level lies. The outermost levels reach to infinity.
   */
  protected override logDensity(x: Tensor): Tensor {
    const { loc, logScale } = this.parameters;
    const perScale = exp(neg(logScale));
    const upper = mul(add(sub(x, loc), STEP / 2), perScale);
    const lower = mul(sub(sub(x, loc), STEP / 2), perScale);
    const below = neg(softplus(neg(upper)));
    const above = neg(softplus(lower));
    const width = log(neg(expm1(mul(perScale, -STEP))));
    const inner = add(add(below, above), width);
    return where(less(x, STEP / 2), below, where(greater(x, 1 - STEP / 2), above, inner));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { loc, logScale } = this.parameters;
    const u = noise("uniform", site, shape, this.dtype);
    const value = add(loc, mul(exp(logScale), sub(log(u), log1p(neg(u)))));
    const held = where(less(value, 0), 0, where(greater(value, 1), 1, value));
    return div(floor(add(mul(held, 255), 0.5)), 255);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new DiscretisedLogisticDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { loc, logScale } = this.parameters;
    const scale = exp(logScale);
    const of = (t: Tensor) => mul(scale, softplus(div(t, scale)));
    return {
      // Σ P(X ≥ k/255) / 255, by the integral of which it is the midpoint rule: less than a quarter of a level away.
      mean: () => sub(of(loc), of(sub(loc, 1))),
    };
  }
}

/**
 * A pixel of 256 levels, as a value k/255 between 0 and 1: the mass that a logistic distribution of this location and scale has within
 * half a level, of the outermost levels all beyond (Salimans et al. 2017, "PixelCNN++", with one component; Kingma et al. 2016,
 * "Improved variational inference with inverse autoregressive flow"). Log masses are of a discrete variable, so that a bound on them
 * in nats, over the number of pixels times ln 2, is bits per dimension.
 */
export const discretisedLogistic = (loc: Tensor, logScale: Tensor): DiscretisedLogisticDistribution =>
  new DiscretisedLogisticDistribution({ loc, logScale });
