import { ShapeError } from "../errors.ts";
import {
  add,
  cast,
  div,
  formatShape,
  greaterEqual,
  log,
  mul,
  noise,
  operands,
  type Shape,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../tensor/index.ts";
import { besselDivergence, type SphereBessel, sphereBessel } from "./bessel.ts";
import { nonNegative, unitVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { registerKl } from "./kl.ts";
import { firstAccepted } from "./rejection.ts";

/** A proposal is rejected with probability at most 0.342 (two dimensions, κ → ∞), and all of them with probability below 5e-10. */
const PROPOSALS = 20;

const length = (v: Tensor): Tensor => sqrt(sum(square(v), -1, { keepDims: true }));

/** The distribution that {@link VonMisesFisher} returns: parameters, moments and densities as expressions. */
export class VonMisesFisherDistribution extends Distribution {
  /** The mean direction μ, of length 1. Shape [..., n]. */
  readonly loc: Tensor;
  /** κ. */
  readonly concentration: Tensor;
  private known: SphereBessel | undefined;

  /** Use {@link VonMisesFisher}. */
  constructor(parameters: Parameters) {
    const { loc, concentration } = parameters;
    super({
      name: "VonMisesFisher",
      parameters,
      constraints: { loc: unitVector, concentration: nonNegative },
      support: unitVector,
      eventShape: loc.shape.slice(-1),
      reparameterised: ["loc"],
      ranges: { concentration: "nonNegative" },
    });
    this.loc = loc;
    this.concentration = concentration;
  }

  /** I_ν of the concentration, ν = n/2 − 1. */
  private bessel(): SphereBessel {
    this.known ??= sphereBessel(this.eventShape[0] / 2 - 1, this.concentration);
    return this.known;
  }

  /** The length of the mean of the unit vectors. */
  get resultantLength(): Tensor {
    return this.bessel().ratio;
  }

  /** ln of the integral of e^(κ(μ·x − 1)) over the sphere. */
  get logNormalizer(): Tensor {
    return add(this.bessel().scaledLog, (this.eventShape[0] / 2) * Math.log(2 * Math.PI));
  }

  protected override logDensity(x: Tensor): Tensor {
    // For unit vectors, μ·x − 1 = −|x − μ|²/2, which keeps its digits where x is close to μ.
    const distance = sum(square(sub(x, this.loc)), -1);
    return sub(mul(mul(distance, this.concentration), -0.5), this.logNormalizer);
  }

  /** Wood (1994): proposals 1 − w = 2bz/(1 − (1 − b)z) with z from a beta, accepted by the ratio of densities. */
  protected override draw(site: string, shape: Shape): Tensor {
    const [n] = this.eventShape;
    const { dtype } = this;
    const kappa = unsqueeze(stopGradient(this.concentration), -1);
    const wide = [...shape.slice(0, -1), PROPOSALS];
    const half = mul(add(mul(kappa, 0), n - 1), 0.5);
    const b = div(n - 1, add(mul(kappa, 2), sqrt(add(mul(square(kappa), 4), (n - 1) ** 2))));
    const gamma = (side: string): Tensor => drawGamma(`${site}/${side}`, wide, half).value;
    const first = stopGradient(gamma("first"));
    const z = div(first, add(first, stopGradient(gamma("second"))));
    const gap = div(mul(mul(b, 2), z), sub(1, mul(sub(1, b), z)));
    // With x₀ = (1 − b)/(1 + b): 1 − x₀ = 2b/(1 + b), and 1 − x₀w = (1 − x₀) + x₀(1 − w).
    const x0 = div(sub(1, b), add(b, 1));
    const rest = div(mul(b, 2), add(b, 1));
    const ratio = log(div(add(rest, mul(x0, gap)), mul(rest, add(x0, 1))));
    const score = add(mul(kappa, sub(rest, gap)), mul(ratio, n - 1));
    const u = noise("uniform", `${site}/acceptance`, wide, dtype);
    const chosen = firstAccepted(gap, cast(greaterEqual(score, log(u)), dtype));
    const down = unsqueeze(stopGradient(chosen), -1);
    // A direction at right angles to μ, projected twice for its last digits.
    const normal = noise("normal", `${site}/direction`, shape, dtype);
    const aside = (v: Tensor): Tensor => sub(v, mul(this.loc, sum(mul(v, this.loc), -1, { keepDims: true })));
    const once = aside(normal);
    const across = aside(div(once, length(once)));
    const sine = sqrt(mul(down, sub(2, down)));
    return add(mul(this.loc, sub(1, down)), mul(sine, div(across, length(across))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new VonMisesFisherDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { loc, concentration } = this;
    return {
      mean: () => mul(loc, unsqueeze(this.bessel().ratio, -1)),
      // Along μ it is A′, across it A/κ.
      variance: () => {
        const { ratioOver, slope } = this.bessel();
        const along = square(loc);
        return add(mul(unsqueeze(slope, -1), along), mul(unsqueeze(ratioOver, -1), sub(1, along)));
      },
      mode: () => loc,
      entropy: () => add(mul(concentration, this.bessel().deficit), this.logNormalizer),
    };
  }
}

/**
 * The von Mises–Fisher distribution of unit vectors around `loc` [..., n], n ≥ 2, with density ∝ e^(κ loc·x) on the sphere, where κ ≥ 0 is the
 * `concentration`; at 0 it is uniform. Densities are with respect to the area of the sphere (in two dimensions, the angle, as `VonMises`). Event
 * shape [n]; the rest broadcasts to the batch.
 *
 * Drawn by Wood (1994) with 20 unrolled proposals (none is accepted with probability below 5e-10). Reparameterised only in `loc`. A latent direction
 * is reached by guides and samplers through `transforms.unitVector`.
 *
 * @example
 * await VonMisesFisher([0, 0, 1], 2).logProb([0, 0, 1]).value(); // -1.1262
 *
 * @throws UsageError when a known `loc` has a length other than 1, or a known `concentration` is negative.
 * @throws ShapeError when `loc` is not a vector of at least two elements.
 */
export function VonMisesFisher(loc: TensorLike, concentration: TensorLike): VonMisesFisherDistribution {
  const [l, k] = operands("VonMisesFisher", loc, concentration);
  if (l.rank < 1 || l.shape[l.rank - 1] < 2) {
    throw new ShapeError(
      `VonMisesFisher: expected 'loc' of shape [..., n] with n of at least 2, found ${formatShape(l.shape)}.`,
    );
  }
  return new VonMisesFisherDistribution({ loc: l, concentration: k });
}

registerKl(VonMisesFisherDistribution, VonMisesFisherDistribution, (p, q) => {
  const own = besselDivergence(p.eventShape[0] / 2 - 1, p.concentration, q.concentration);
  const apart = mul(sum(square(sub(p.loc, q.loc)), -1), 0.5);
  return add(own, mul(mul(q.concentration, p.resultantLength), apart));
});
