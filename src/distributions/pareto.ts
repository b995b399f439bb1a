import {
  add,
  div,
  exp,
  greater,
  greaterEqual,
  log,
  log1p,
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
import { atLeast, positive } from "./constraints.ts";
import { type Cumulative, logCdfOfHazard } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { ratioExcess } from "./divergences.ts";
import { registerKl } from "./kl.ts";
import { logOf, logOneMinusExp } from "./logarithms.ts";

/** The distribution that {@link Pareto} returns: parameters, moments and densities as expressions. */
export class ParetoDistribution extends Distribution {
  readonly scale: Tensor;
  readonly concentration: Tensor;

  /** Use {@link Pareto}. */
  constructor(parameters: Parameters) {
    super({
      name: "Pareto",
      parameters,
      constraints: { scale: positive, concentration: positive },
      support: atLeast(parameters.scale),
      reparameterised: true,
      ranges: { scale: "nonNegative" },
    });
    this.scale = parameters.scale;
    this.concentration = parameters.concentration;
  }

  protected override logDensity(x: Tensor): Tensor {
    const { scale, concentration: a } = this;
    return sub(logOf(a), add(mul(a, log(div(x, scale))), log(x)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const e = neg(log(noise("uniform", site, shape, this.dtype)));
    return mul(this.scale, exp(div(e, this.concentration)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new ParetoDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { scale, concentration: a } = this;
    const hazard = (x: Tensor): Tensor => mul(a, log1p(div(sub(x, scale), scale)));
    return {
      logCdf: (x) => logCdfOfHazard(log(hazard(x))),
      logSurvival: (x) => neg(hazard(x)),
      logIcdf: (l) => mul(scale, exp(neg(div(logOneMinusExp(l), a)))),
      logIsf: (l) => mul(scale, exp(neg(div(l, a)))),
    };
  }

  protected override forms(): ClosedForms {
    const { scale, concentration: a } = this;
    const above = (n: number): Tensor => where(greater(a, n), sub(a, n), 1);
    return {
      mean: () => where(greater(a, 1), div(mul(a, scale), above(1)), Number.POSITIVE_INFINITY),
      variance: () =>
        where(greater(a, 2), div(mul(square(div(scale, above(1))), a), above(2)), Number.POSITIVE_INFINITY),
      mode: () => scale,
      entropy: () => add(log(div(scale, a)), add(div(1, a), 1)),
    };
  }
}

/**
 * The Pareto distribution on x ≥ `scale`, with density ∝ x^(−concentration − 1). Shapes broadcast to the batch shape.
 * The mean is infinite for concentrations up to 1, the variance up to 2.
 *
 * @example
 * await Pareto(1, 3).mean().value(); // 1.5
 *
 * @throws UsageError when a known parameter is not positive.
 */
export function Pareto(scale: TensorLike, concentration: TensorLike): ParetoDistribution {
  const [s, a] = operands("Pareto", scale, concentration);
  return new ParetoDistribution({ scale: s, concentration: a });
}

// Infinite if p starts below q.
registerKl(ParetoDistribution, ParetoDistribution, (p, q) => {
  const start = mul(q.concentration, log1p(div(sub(p.scale, q.scale), q.scale)));
  const divergence = add(start, ratioExcess(q.concentration, p.concentration));
  return where(greaterEqual(p.scale, q.scale), divergence, Number.POSITIVE_INFINITY);
});
