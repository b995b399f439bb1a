import {
  add,
  cast,
  constant,
  div,
  full,
  grad,
  greater,
  greaterEqual,
  less,
  log,
  logsumexp,
  minimum,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sin,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { arcsin } from "./arcsin.ts";
import { besselDivergence, sphereBessel } from "./bessel.ts";
import { angle, positive, real } from "./constraints.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import { searchReals, tailsFrom } from "./quantile-search.ts";
import { firstAccepted } from "./rejection.ts";
import { logArc, withinTurn } from "./von-mises-mass.ts";

const TWO_PI = 2 * Math.PI;

/** A proposal is rejected with probability at most 0.342 (κ → ∞), and all of them with probability below 5e-10. */
const PROPOSALS = 20;

/** Up to this, ln I₀ is a sum over 24 angles, above it an asymptotic series with 13 terms; both are accurate to 1e-14. */
const LARGE = 30;

/** ln I₀(κ) − κ, for κ > 0; an expression in elementary ops, whose derivatives are those of the Bessel function. */
export function logBesselI0Scaled(kappa: Tensor): Tensor {
  const large = greater(kappa, LARGE);
  // I₀(κ) = (1/π) ∫₀^π e^(κ cos θ) dθ: the midpoint rule has an error of I₄₈(κ), below 1e-16 of it.
  const n = 24;
  const slopes = Array.from({ length: n }, (_, i) => -2 * Math.sin((Math.PI * (i + 0.5)) / (2 * n)) ** 2);
  const moderate = unsqueeze(where(large, 1, kappa), -1);
  const inner = sub(logsumexp(mul(moderate, constant(slopes, [n], kappa.dtype)), -1), Math.log(n));
  // DLMF 10.40.1: Σ ((2k − 1)!!)² / (k! (8κ)ᵏ).
  const q = div(1, mul(where(large, kappa, LARGE), 8));
  let series = full([], 1, kappa.dtype);
  for (let k = 13; k >= 1; k--) series = add(mul(mul(series, q), (2 * k - 1) ** 2 / k), 1);
  return where(large, add(log(series), mul(log(mul(q, 4 / Math.PI)), 0.5)), inner);
}

/** 1 − A(κ), the circular variance, where A = I₁/I₀ is the mean resultant length. It keeps its digits when A is close to 1. */
const deficit = (kappa: Tensor): Tensor => neg(grad(sum(logBesselI0Scaled(kappa)), [kappa])[0]);

/** The distribution that {@link VonMises} returns: parameters, moments and densities as expressions. */
export class VonMisesDistribution extends Distribution {
  readonly loc: Tensor;
  readonly concentration: Tensor;

  /** Use {@link VonMises}. */
  constructor(parameters: Parameters) {
    super({
      name: "VonMises",
      parameters,
      constraints: { loc: real, concentration: positive },
      support: angle,
      reparameterised: ["loc"],
      ranges: { concentration: "nonNegative" },
    });
    this.loc = parameters.loc;
    this.concentration = parameters.concentration;
  }

  /** ln 2π I₀(κ) e^−κ. */
  get logNormalizer(): Tensor {
    return add(logBesselI0Scaled(this.concentration), Math.log(TWO_PI));
  }

  /** A(κ), the length of the mean of the unit vectors; the circular variance is 1 − A(κ). */
  get resultantLength(): Tensor {
    return sphereBessel(0, this.concentration).ratio;
  }

  protected override logDensity(x: Tensor): Tensor {
    // cos d − 1 = −2 sin²(d/2), exact for small angles.
    const half = sin(mul(sub(x, this.loc), 0.5));
    return sub(mul(mul(square(half), this.concentration), -2), this.logNormalizer);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const kappa = unsqueeze(stopGradient(this.concentration), -1);
    const wide = [...shape, PROPOSALS];
    // With w = 1/(2κ): τ = 1 + √(1 + 4κ²), ρ = (τ − √(2τ))/(2κ), r − 1 = (1 − ρ)²/(2ρ).
    const tau = add(sqrt(add(mul(square(kappa), 4), 1)), 1);
    // ρ without cancellation for small κ: (τ² − 2τ)/(2κ (τ + √(2τ))) and τ − 2 = 4κ²/τ.
    const rho = div(mul(kappa, 2), add(tau, sqrt(mul(tau, 2))));
    const excess = div(square(sub(1, rho)), mul(rho, 2));
    const r = add(excess, 1);
    // z = cos πu, from its distances from 1 and −1: f = (1 + r z)/(r + z) is the cosine of the proposed angle.
    const angle = mul(noise("uniform", `${site}/proposals`, wide, this.dtype), Math.PI / 2);
    const fromOne = mul(square(sin(angle)), 2);
    const z = sub(1, fromOne);
    // 1 − f = (r − 1)(1 − z)/(r + z), computed separately so that small angles keep their digits.
    const gap = minimum(div(mul(excess, fromOne), add(r, z)), 2);
    const c = mul(kappa, add(excess, gap));
    const u = noise("uniform", `${site}/acceptance`, wide, this.dtype);
    // ln(c/u) + 1 − c ≥ 0.
    const accepted = greaterEqual(sub(add(log(c), 1), c), log(u));
    const half = sqrt(mul(firstAccepted(gap, cast(accepted, this.dtype)), 0.5));
    // The angle whose 1 − cos is the gap: 2 arcsin √(gap/2).
    const magnitude = mul(arcsin(minimum(half, 1)), 2);
    const side = less(noise("uniform", `${site}/side`, shape, this.dtype), 0.5);
    const turned = add(this.loc, stopGradient(where(side, magnitude, neg(magnitude))));
    // Derivatives treat whole turns as constants.
    return withinTurn(turned);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new VonMisesDistribution(parameters);
  }

  /** Of draws, which lie in [−π, π). */
  protected override cumulative(): Cumulative {
    const loc = withinTurn(this.loc);
    const end = (of: number): Tensor => sub(of, loc);
    const share = (from: Tensor, to: Tensor): Tensor =>
      minimum(sub(logArc(from, to, this.concentration), this.logNormalizer), 0);
    const tails = pairOfTails(
      (x) => share(end(-Math.PI), sub(x, loc)),
      (x) => share(sub(x, loc), end(Math.PI)),
    );
    const of = { ...tails, logDensity: (x: Tensor) => this.logDensity(x) };
    const turn = { low: full([], -Math.PI, this.dtype), high: full([], Math.PI, this.dtype) };
    return {
      ...tails,
      logIcdf: (l) => searchReals(of, tailsFrom(l, false), turn),
      logIsf: (l) => searchReals(of, tailsFrom(l, true), turn),
      ends: { low: -Math.PI, high: Math.PI },
    };
  }

  protected override forms(): ClosedForms {
    const { concentration, logNormalizer } = this;
    return {
      mode: () => this.loc,
      entropy: () => add(mul(concentration, deficit(concentration)), logNormalizer),
    };
  }
}

/**
 * The von Mises distribution of an angle around `loc`, with density ∝ e^(κ cos(x − loc)), where κ is the `concentration`.
 * Shapes broadcast to the batch shape. The density has period 2π and totals 1 over one turn; draws lie in [−π, π). Guides and
 * samplers reach a latent angle through `transforms.angle`, which winds the line around the circle.
 *
 * The distribution function is that of draws, from −π on: integrals by Gauss's rule that keep their digits in both tails. Quantiles are found by a search.
 *
 * Drawn by Best & Fisher (1979) with 20 unrolled proposals (none is accepted with probability below 5e-10). Reparameterised
 * only in `loc`.
 *
 * @example
 * await VonMises(0, 1).logProb(0).value(); // -1.0738
 *
 * @throws UsageError when `concentration` is a known number that is not positive.
 */
export function VonMises(loc: TensorLike, concentration: TensorLike): VonMisesDistribution {
  const [l, k] = operands("VonMises", loc, concentration);
  return new VonMisesDistribution({ loc: l, concentration: k });
}

registerKl(VonMisesDistribution, VonMisesDistribution, (p, q) => {
  const half = sin(mul(sub(p.loc, q.loc), 0.5));
  const apart = mul(mul(square(half), p.resultantLength), 2);
  return add(besselDivergence(0, p.concentration, q.concentration), mul(q.concentration, apart));
});
