import {
  add,
  constant,
  cos,
  div,
  exp,
  expm1,
  full,
  less,
  log,
  log1p,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sin,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { logOf } from "./logarithms.ts";

const EULER_GAMMA = 0.5772156649015329;
const EFFORT = {
  float32: { rule: gaussLegendre(16), decay: 18, terms: 12 },
  float64: { rule: gaussLegendre(40), decay: 38, terms: 20 },
} as const;

/** ln [e^q E₁(q)] for q = eˡ, E₁ the exponential integral. */
export function logScaledExponentialIntegral(l: Tensor): Tensor {
  const { rule, decay, terms } = EFFORT[l.dtype === "float64" ? "float64" : "float32"];
  const small = less(l, 0);
  // DLMF 6.6.2: E₁(q) = −γ − ln q − Σ (−q)ᵏ/(k k!).
  const near = where(small, l, -1);
  const q = exp(near);
  let series = full([], 0, l.dtype);
  let factorial = 1;
  const coefficients = Array.from({ length: terms }, (_, i) => {
    factorial *= i + 1;
    return (i % 2 === 0 ? 1 : -1) / ((i + 1) * factorial);
  });
  for (const c of coefficients.reverse()) series = mul(add(series, c), q);
  const direct = add(q, log(sub(series, add(near, EULER_GAMMA))));
  // e^q E₁(q) = ∫₀^∞ exp(−q (eʷ − 1)) dw.
  const far = exp(where(small, 0, l));
  const reach = log1p(div(decay, far));
  const n = rule.nodes.length;
  const w = mul(unsqueeze(reach, -1), constant(rule.nodes, [n], l.dtype));
  const height = exp(neg(mul(unsqueeze(far, -1), expm1(w))));
  const integral = mul(reach, sum(mul(height, constant(rule.weights, [n], l.dtype)), -1));
  return where(small, direct, log(integral));
}

/** The distribution that {@link Horseshoe} returns: parameters and densities as expressions. */
export class HorseshoeDistribution extends Distribution {
  readonly scale: Tensor;

  /** Use {@link Horseshoe}. */
  constructor(parameters: Parameters) {
    super({
      name: "Horseshoe",
      parameters,
      constraints: { scale: positive },
      support: real,
      reparameterised: true,
      ranges: { scale: "nonNegative" },
    });
    this.scale = parameters.scale;
  }

  /** With q = x²/(2 scale²): e^q E₁(q)/(scale √(2π³)). */
  protected override logDensity(x: Tensor): Tensor {
    const logScale = logOf(this.scale);
    const logQ = sub(log(square(div(x, this.scale))), Math.LN2);
    return sub(logScaledExponentialIntegral(logQ), add(logScale, 1.5 * Math.log(Math.PI) + 0.5 * Math.LN2));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const u = noise("uniform", `${site}/local`, shape, this.dtype);
    const angle = mul(u, Math.PI / 2);
    const local = div(sin(angle), cos(angle));
    return mul(mul(noise("normal", `${site}/normal`, shape, this.dtype), local), this.scale);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new HorseshoeDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    return { mode: () => mul(this.scale, 0) };
  }
}

/**
 * The horseshoe prior for coefficients of which most are near 0 and a few are large (Carvalho, Polson & Scott 2010): a normal whose standard
 * deviation is a half-Cauchy with this `scale`, which is integrated out. The density is infinite at 0 and falls like 1/x²; it has no mean.
 * The scale's shape is the batch. Draws are differentiable in the scale.
 *
 * As a latent site its pole at 0 is hard to sample: there, write the half-Cauchy and the normal as two sites.
 *
 * @example
 * await Horseshoe(1).logProb(1).value(); // -2.1439
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export const Horseshoe = (scale: TensorLike): HorseshoeDistribution =>
  new HorseshoeDistribution({ scale: operands("Horseshoe", scale)[0] });
