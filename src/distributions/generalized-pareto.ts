import {
  add,
  div,
  equal,
  exp,
  full,
  isConstant,
  less,
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
  where,
} from "../tensor/index.ts";
import { atLeast, betweenEnds, interval, positive, real } from "./constraints.ts";
import { type Cumulative, logCdfOfHazard, logHazardAt } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { logOf } from "./logarithms.ts";
import { expm1Ratio, log1pOver } from "./ratios.ts";

const INFINITY = Number.POSITIVE_INFINITY;

/** loc − scale/ξ where ξ < 0, and ∞ elsewhere. */
function upperEnd({ loc, scale, shape }: Parameters): Tensor {
  const bounded = less(shape, 0);
  return where(bounded, sub(loc, div(scale, where(bounded, shape, -1))), INFINITY);
}

function supportOf(parameters: Parameters) {
  const { loc, shape } = parameters;
  if (isConstant(shape)) {
    const { values } = shape.attributes;
    if (values.every((v) => v >= 0)) return atLeast(loc);
    if (values.every((v) => v < 0)) return interval(loc, upperEnd(parameters));
  }
  return betweenEnds("generalizedPareto", loc, upperEnd(parameters), loc);
}

/** The distribution that {@link GeneralizedPareto} returns: parameters, moments and densities as expressions. */
export class GeneralizedParetoDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;
  readonly shape: Tensor;

  /** Use {@link GeneralizedPareto}. */
  constructor(parameters: Parameters) {
    super({
      name: "GeneralizedPareto",
      parameters,
      constraints: { loc: real, scale: positive, shape: real },
      support: supportOf(parameters),
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
    this.shape = parameters.shape;
  }

  /** ln(1 + ξz)/ξ, the cumulative hazard; z is (x − loc)/scale. */
  private hazard(x: Tensor): Tensor {
    return log1pOver(div(sub(x, this.loc), this.scale), this.shape);
  }

  private at(hazard: Tensor): Tensor {
    return add(this.loc, mul(this.scale, mul(hazard, expm1Ratio(mul(this.shape, hazard)))));
  }

  protected override logDensity(x: Tensor): Tensor {
    // At ξ = −1 it is uniform, at its end too.
    const flat = equal(this.shape, -1);
    const hazard = where(flat, 0, this.hazard(x));
    return neg(add(mul(add(this.shape, 1), hazard), logOf(this.scale)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return this.at(neg(log(noise("uniform", site, shape, this.dtype))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new GeneralizedParetoDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { loc, scale, shape } = this;
    const bounded = less(shape, 0);
    const inside = add(loc, mul(scale, where(bounded, div(-0.5, where(bounded, shape, -1)), 1)));
    return {
      ends: { low: loc, high: upperEnd(this.parameters), inside },
      logCdf: (x) => logCdfOfHazard(log(this.hazard(x))),
      logSurvival: (x) => neg(this.hazard(x)),
      logIcdf: (l) => this.at(exp(logHazardAt(l))),
      logIsf: (l) => this.at(neg(l)),
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale, shape } = this;
    const infinite = full([], INFINITY, this.dtype);
    const below = (limit: number, form: (safe: Tensor) => Tensor): Tensor => {
      const finite = less(shape, limit);
      return where(finite, form(where(finite, shape, 0)), infinite);
    };
    return {
      mean: () => below(1, (s) => add(loc, div(scale, sub(1, s)))),
      variance: () => below(0.5, (s) => div(square(div(scale, sub(1, s))), sub(1, mul(s, 2)))),
      mode: () => where(less(shape, -1), upperEnd(this.parameters), loc),
      entropy: () => add(add(logOf(scale), shape), 1),
    };
  }
}

/**
 * The generalised Pareto distribution of what exceeds a threshold `loc`: P(X > x) = (1 + ξz)^(−1/ξ) with z = (x − loc)/scale ≥ 0 and the
 * tail's `shape` ξ (Pickands 1975). At ξ = 0 it is an exponential; below, it ends at loc − scale/ξ. Shapes broadcast to the batch. The mean
 * is infinite from ξ = 1 on, the variance from ½ on.
 *
 * Drawn by inversion; draws are differentiable in all parameters. A latent site needs a shape whose sign is known while the program is
 * traced, because the support depends on it.
 *
 * @example
 * await GeneralizedPareto(0, 1, 0.5).survival(2).value(); // 0.25
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function GeneralizedPareto(
  loc: TensorLike,
  scale: TensorLike,
  shape: TensorLike,
): GeneralizedParetoDistribution {
  const [l, s, k] = operands("GeneralizedPareto", loc, scale, shape);
  return new GeneralizedParetoDistribution({ loc: l, scale: s, shape: k });
}
