import {
  abs,
  add,
  div,
  equal,
  exp,
  expm1,
  full,
  greater,
  less,
  lessEqual,
  lgamma,
  lgammaAboutTwo,
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
import { betweenEnds, positive, real } from "./constraints.ts";
import { type Cumulative, logCdfOfHazard, logHazardAt } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { logOf } from "./logarithms.ts";
import { expm1Ratio, log1pOver, log1pRatio } from "./ratios.ts";

const INFINITY = Number.POSITIVE_INFINITY;
const EULER_GAMMA = 0.5772156649015329;

/** The ends of the support: loc − scale/ξ below where ξ > 0, above where ξ < 0. */
function endsOf({ loc, scale, shape }: Parameters): { readonly low: Tensor; readonly high: Tensor } {
  const none = equal(shape, 0);
  const end = sub(loc, div(scale, where(none, 1, shape)));
  return { low: where(greater(shape, 0), end, -INFINITY), high: where(less(shape, 0), end, INFINITY) };
}

/** ln Γ(1 + u)/u for |u| < ½. */
function lgammaRatio(u: Tensor): Tensor {
  const series = lgammaAboutTwo.reduceRight<Tensor>((t, c) => add(mul(t, u), c), full([], 0, u.dtype));
  return sub(series, log1pRatio(u));
}

/** [ln Γ(1 + 2u) − 2 ln Γ(1 + u)]/u² for |u| < ¼; without the linear terms, which cancel. */
function secondRatio(u: Tensor): Tensor {
  const series = lgammaAboutTwo
    .map((c, i) => c * (2 ** (i + 1) - 2))
    .slice(1)
    .reduceRight<Tensor>((t, c) => add(mul(t, u), c), full([], 0, u.dtype));
  const q = square(div(u, add(u, 1)));
  return add(series, div(log1pRatio(neg(q)), square(add(u, 1))));
}

/** The distribution that {@link GeneralizedExtremeValue} returns: parameters, moments and densities as expressions. */
export class GeneralizedExtremeValueDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;
  readonly shape: Tensor;

  /** Use {@link GeneralizedExtremeValue}. */
  constructor(parameters: Parameters) {
    const { low, high } = endsOf(parameters);
    super({
      name: "GeneralizedExtremeValue",
      parameters,
      constraints: { loc: real, scale: positive, shape: real },
      support: betweenEnds("generalizedExtremeValue", low, high, parameters.loc),
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
    this.shape = parameters.shape;
  }

  /** h = ln(1 + ξz)/ξ, which has a standard Gumbel distribution; z is (x − loc)/scale. */
  private reduced(x: Tensor): Tensor {
    return log1pOver(div(sub(x, this.loc), this.scale), this.shape);
  }

  private at(h: Tensor): Tensor {
    return add(this.loc, mul(this.scale, mul(h, expm1Ratio(mul(this.shape, h)))));
  }

  protected override logDensity(x: Tensor): Tensor {
    const { shape } = this;
    const h = this.reduced(x);
    // At the lower end, where e^−h outweighs all, and at the upper end for ξ = −1, where nothing is left of h.
    const low = less(h, -700);
    const flat = equal(shape, -1);
    const safe = where(low, 0, h);
    const linear = mul(add(shape, 1), where(flat, 0, safe));
    const density = neg(add(add(linear, exp(neg(safe))), logOf(this.scale)));
    return where(low, full([], -INFINITY, this.dtype), density);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return this.at(neg(log(neg(log(noise("uniform", site, shape, this.dtype))))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new GeneralizedExtremeValueDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const hazard = (x: Tensor): Tensor => exp(neg(this.reduced(x)));
    return {
      ends: { ...endsOf(this.parameters), inside: this.loc },
      logCdf: (x) => neg(hazard(x)),
      logSurvival: (x) => logCdfOfHazard(neg(this.reduced(x))),
      survival: (x) => neg(expm1(neg(hazard(x)))),
      logIcdf: (l) => this.at(neg(log(neg(l)))),
      logIsf: (l) => this.at(neg(logHazardAt(l))),
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale, shape } = this;
    const infinite = full([], INFINITY, this.dtype);
    return {
      mean: () => {
        const finite = less(shape, 1);
        const safe = where(finite, shape, 0);
        const close = less(abs(safe), 0.25);
        const [near, far] = [where(close, safe, 0), where(close, 0.5, safe)];
        const slope = neg(lgammaRatio(neg(near)));
        const inner = mul(slope, expm1Ratio(mul(slope, near)));
        const outer = div(expm1(lgamma(sub(1, far))), far);
        return where(finite, add(loc, mul(scale, where(close, inner, outer))), infinite);
      },
      variance: () => {
        const finite = less(shape, 0.5);
        const safe = where(finite, shape, 0);
        const close = less(abs(safe), 0.2);
        const [near, far] = [where(close, safe, 0), where(close, 0.25, safe)];
        const ratio = secondRatio(neg(near));
        const inner = mul(ratio, expm1Ratio(mul(ratio, square(near))));
        const difference = sub(lgamma(sub(1, mul(far, 2))), mul(lgamma(sub(1, far)), 2));
        const outer = div(expm1(difference), square(far));
        const height = exp(mul(lgamma(sub(1, safe)), 2));
        const value = mul(mul(square(scale), height), where(close, inner, outer));
        return where(finite, value, infinite);
      },
      // h = −ln(1 + ξ), for ξ > −1; below, the density rises to its end.
      mode: () => {
        const inner = greater(shape, -1);
        const safe = where(inner, shape, 0);
        const peak = this.at(neg(mul(safe, log1pRatio(safe))));
        return where(lessEqual(shape, -1), endsOf(this.parameters).high, peak);
      },
      entropy: () => add(add(logOf(scale), mul(shape, EULER_GAMMA)), 1 + EULER_GAMMA),
    };
  }
}

/**
 * The generalised extreme-value distribution of maxima: P(X ≤ x) = exp(−(1 + ξz)^(−1/ξ)) with z = (x − loc)/scale and the tail's `shape` ξ
 * (Jenkinson 1955): Fréchet for ξ > 0, which begins at loc − scale/ξ, Gumbel at 0, reversed Weibull below, which ends there. SciPy's
 * `genextreme` takes −ξ. Shapes broadcast to the batch. The mean is infinite from ξ = 1 on, the variance from ½ on.
 *
 * Drawn by inversion; draws are differentiable in all parameters. It is for observed sites: its support depends on the sign of the shape, so no
 * transform of a latent site leads there.
 *
 * @example
 * await GeneralizedExtremeValue(0, 1, 0).mean().value(); // 0.5772, as a Gumbel
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function GeneralizedExtremeValue(
  loc: TensorLike,
  scale: TensorLike,
  shape: TensorLike,
): GeneralizedExtremeValueDistribution {
  const [l, s, k] = operands("GeneralizedExtremeValue", loc, scale, shape);
  return new GeneralizedExtremeValueDistribution({ loc: l, scale: s, shape: k });
}
