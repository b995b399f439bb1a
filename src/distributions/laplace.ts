import {
  abs,
  add,
  div,
  exp,
  log,
  log1p,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sign,
  square,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { type Cumulative, symmetric, symmetricLogIcdf } from "./cumulative.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { expExcess, ratioExcess } from "./divergences.ts";
import { registerKl } from "./kl.ts";
import { LocationScaleDistribution } from "./location-scale.ts";

/** The distribution that {@link Laplace} returns: parameters, moments and densities as expressions. */
export class LaplaceDistribution extends LocationScaleDistribution {
  /** Use {@link Laplace}. */
  constructor(parameters: Parameters) {
    super("Laplace", parameters, { selfLimiting: true });
  }

  protected override logDensity(x: Tensor): Tensor {
    return neg(add(abs(this.standardise(x)), log(mul(this.scale, 2))));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const u = noise("uniform", site, shape, this.dtype);
    // −sign(w) ln(1 − 2|w|) with w = u − ½.
    const w = sub(u, 0.5);
    return sub(this.loc, mul(this.scale, mul(sign(w), log1p(mul(abs(w), -2)))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LaplaceDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const quantile = (l: Tensor): Tensor => symmetricLogIcdf((t) => neg(add(t, Math.LN2)), l);
    const logTail = (a: Tensor): Tensor => neg(add(a, Math.LN2));
    return {
      ...symmetric({ tail: (a) => mul(exp(neg(a)), 0.5), logTail }, (x) => this.standardise(x)),
      logIcdf: (l) => add(this.loc, mul(this.scale, quantile(l))),
      logIsf: (l) => sub(this.loc, mul(this.scale, quantile(l))),
      median: () => this.loc,
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    return {
      mean: () => loc,
      variance: () => mul(square(scale), 2),
      mode: () => loc,
      entropy: () => add(log(mul(scale, 2)), 1),
    };
  }
}

/**
 * The two-sided exponential distribution around `loc`, with density e^(−|x − loc| / scale) / (2 scale). Shapes
 * broadcast to the batch shape.
 *
 * @example
 * await Laplace(0, 1).logProb(0).value(); // -0.6931
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function Laplace(loc: TensorLike, scale: TensorLike): LaplaceDistribution {
  const [l, s] = operands("Laplace", loc, scale);
  return new LaplaceDistribution({ loc: l, scale: s });
}

// With r = b_p / b_q and d = |μ_p − μ_q|: r e^(−d/b_p) + d/b_q − 1 − ln r (Meyer 2021).
registerKl(LaplaceDistribution, LaplaceDistribution, (p, q) => {
  const ratio = div(p.scale, q.scale);
  const distance = div(abs(sub(p.loc, q.loc)), p.scale);
  return add(mul(ratio, expExcess(neg(distance))), ratioExcess(p.scale, q.scale));
});
