import {
  add,
  div,
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
import { positive, real } from "./constraints.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { logOneMinusExp } from "./logarithms.ts";

/** The distribution that {@link AsymmetricLaplace} returns: parameters, moments and densities as expressions. */
export class AsymmetricLaplaceDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;
  readonly asymmetry: Tensor;

  /** Use {@link AsymmetricLaplace}. */
  constructor(parameters: Parameters) {
    super({
      name: "AsymmetricLaplace",
      parameters,
      constraints: { loc: real, scale: positive, asymmetry: positive },
      support: real,
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
    this.asymmetry = parameters.asymmetry;
  }

  /** The scales of the two sides. */
  private sides(): { readonly left: Tensor; readonly right: Tensor; readonly both: Tensor } {
    const left = mul(this.scale, this.asymmetry);
    const right = div(this.scale, this.asymmetry);
    return { left, right, both: add(left, right) };
  }

  protected override logDensity(x: Tensor): Tensor {
    const { left, right, both } = this.sides();
    const distance = sub(x, this.loc);
    return sub(where(less(distance, 0), div(distance, left), neg(div(distance, right))), log(both));
  }

  protected override cumulative(): Cumulative {
    const { left, right, both } = this.sides();
    const [logLeft, logRight] = [log(div(left, both)), log(div(right, both))];
    const below = (d: Tensor): Tensor => add(logLeft, div(where(less(d, 0), d, 0), left));
    const above = (d: Tensor): Tensor => sub(logRight, div(where(less(d, 0), 0, d), right));
    const from = (x: Tensor): Tensor => sub(x, this.loc);
    // Each side from its own tail; the other side is the complement.
    const lower = (d: Tensor): Tensor => where(less(d, 0), below(d), logOneMinusExp(above(d)));
    const upper = (d: Tensor): Tensor => where(less(d, 0), logOneMinusExp(below(d)), above(d));
    const place = (l: Tensor, rest: Tensor): Tensor => {
      const onLeft = less(l, logLeft);
      const down = mul(left, sub(where(onLeft, l, logLeft), logLeft));
      const up = mul(right, sub(logRight, where(onLeft, logRight, rest)));
      return add(this.loc, where(onLeft, down, up));
    };
    return {
      ...pairOfTails(
        (x) => lower(from(x)),
        (x) => upper(from(x)),
      ),
      logIcdf: (l) => place(l, logOneMinusExp(l)),
      logIsf: (l) => place(logOneMinusExp(l), l),
    };
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return this.logIcdf(log(noise("uniform", site, shape, this.dtype)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new AsymmetricLaplaceDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => add(this.loc, sub(this.sides().right, this.sides().left)),
      variance: () => add(square(this.sides().left), square(this.sides().right)),
      mode: () => this.loc,
      entropy: () => add(log(this.sides().both), 1),
    };
  }
}

/**
 * Two exponential sides around `loc`, with scales `scale · asymmetry` on the left and `scale / asymmetry` on the right: a Laplace at asymmetry 1. Shapes broadcast to
 * the batch. With a fixed asymmetry of √(q/(1 − q)) it is the likelihood of quantile regression: P(X ≤ loc) = q. Draws are differentiable in all parameters.
 *
 * @example
 * await AsymmetricLaplace(0, 1, 2).mean().value(); // -1.5
 *
 * @throws UsageError when `scale` or `asymmetry` is a known number that is not positive.
 */
export function AsymmetricLaplace(
  loc: TensorLike,
  scale: TensorLike,
  asymmetry: TensorLike,
): AsymmetricLaplaceDistribution {
  const [l, s, k] = operands("AsymmetricLaplace", loc, scale, asymmetry);
  return new AsymmetricLaplaceDistribution({ loc: l, scale: s, asymmetry: k });
}
