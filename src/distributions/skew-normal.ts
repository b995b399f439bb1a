import {
  abs,
  add,
  div,
  logNormalCdf,
  mul,
  noise,
  operands,
  type Shape,
  sqrt,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { logOf } from "./logarithms.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";

/** The distribution that {@link SkewNormal} returns: parameters, moments and densities as expressions. */
export class SkewNormalDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;
  readonly skewness: Tensor;

  /** Use {@link SkewNormal}. */
  constructor(parameters: Parameters) {
    super({
      name: "SkewNormal",
      parameters,
      constraints: { loc: real, scale: positive, skewness: real },
      support: real,
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
    this.skewness = parameters.skewness;
  }

  protected override logDensity(x: Tensor): Tensor {
    const z = div(sub(x, this.loc), this.scale);
    const normal = sub(mul(square(z), -0.5), add(logOf(this.scale), HALF_LOG_TWO_PI - Math.LN2));
    return add(normal, logNormalCdf(mul(this.skewness, z)));
  }

  /** α/√(1 + α²) and 1/√(1 + α²). */
  private weights(): { readonly half: Tensor; readonly rest: Tensor } {
    const rest = div(1, sqrt(add(square(this.skewness), 1)));
    return { half: mul(this.skewness, rest), rest };
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { half, rest } = this.weights();
    const one = abs(noise("normal", `${site}/half`, shape, this.dtype));
    const other = noise("normal", `${site}/rest`, shape, this.dtype);
    return add(this.loc, mul(this.scale, add(mul(half, one), mul(rest, other))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new SkewNormalDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    return {
      mean: () => add(loc, mul(mul(scale, this.weights().half), Math.sqrt(2 / Math.PI))),
      variance: () => mul(square(scale), sub(1, mul(square(this.weights().half), 2 / Math.PI))),
    };
  }
}

/**
 * The skew normal distribution (Azzalini 1985) with density 2/scale · φ(z) Φ(skewness · z), z = (x − loc)/scale: normal at skewness 0, half a normal as it grows. Shapes
 * broadcast to the batch. Drawn from two normals, one of them folded; draws are differentiable in all parameters.
 *
 * @example
 * await SkewNormal(0, 1, 0).logProb(0).value(); // -0.9189
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function SkewNormal(loc: TensorLike, scale: TensorLike, skewness: TensorLike): SkewNormalDistribution {
  const [l, s, a] = operands("SkewNormal", loc, scale, skewness);
  return new SkewNormalDistribution({ loc: l, scale: s, skewness: a });
}
