import { ShapeError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules, required, whole } from "../options.ts";
import {
  concat,
  eye,
  formatShape,
  full,
  matmul,
  mul,
  operands,
  reshape,
  type Shape,
  slice,
  solve,
  squeeze,
  sub,
  type Tensor,
  type TensorLike,
  transpose,
  unsqueeze,
} from "../tensor/index.ts";
import { positive, real, realVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { expandTo } from "./numerics.ts";
import { factorOf } from "./state-space/kalman.ts";
import { LinearGaussianStateSpaceDistribution } from "./state-space/linear-gaussian-state-space.ts";

/** What an {@link ARMA} is made of. */
export interface ArmaOptions {
  /** Number of steps, at least 1. */
  readonly length: number;
  /** φ₁ … φ_p, [..., p]: how values pull on later ones. Default: none. */
  readonly ar?: TensorLike;
  /** θ₁ … θ_q, [..., q]: how the noise of a step is felt later. Default: none. */
  readonly ma?: TensorLike;
  /** The standard deviation of each step's noise, above 0. */
  readonly scale: TensorLike;
  /** The mean of the series. Default 0. */
  readonly mean?: TensorLike;
}

const rules: OptionRules<ArmaOptions> = {
  length: required(whole(1)),
  ar: anything,
  ma: anything,
  scale: required(anything),
  mean: anything,
};

/** Coefficients followed by zeros, [..., size]. */
function upTo(size: number, given: Tensor | undefined, batch: Shape, like: Tensor): Tensor {
  const own = given === undefined ? full([...batch, 0], 0, like.dtype) : given;
  const wide = expandTo(own, [...batch, own.shape[own.rank - 1]]);
  const missing = size - wide.shape[wide.rank - 1];
  if (missing === 0) return wide;
  const zeros = full([...batch, missing], 0, like.dtype);
  return wide.shape[wide.rank - 1] === 0 ? zeros : concat([wide, zeros], -1);
}

/** The distribution that {@link ARMA} returns: the series as a state space model, and its forecasts. */
export class ArmaDistribution extends Distribution {
  readonly length: number;

  /** `parameters` by the names of {@link ArmaOptions}. Use {@link ARMA}. */
  constructor(parameters: Parameters, length: number) {
    super({
      name: "ARMA",
      parameters,
      constraints: {
        scale: positive,
        ...(parameters.ar !== undefined && { ar: realVector }),
        ...(parameters.ma !== undefined && { ma: realVector }),
        ...(parameters.mean !== undefined && { mean: real }),
      },
      support: realVector,
      eventShape: [length],
      reparameterised: true,
      ranges: { scale: "nonNegative" },
    });
    this.length = length;
  }

  /**
   * The same series as a state space model of r = max(p, q + 1) states (Harvey 1989, section 3.3), whose values have shape [length, 1]. The first state has the
   * stationary covariance P = F P Fᵀ + G Gᵀ, a linear system of r² numbers.
   */
  stateSpace(): LinearGaussianStateSpaceDistribution {
    const { ar, ma, scale, mean } = this.parameters;
    const { batchShape: batch, dtype } = this;
    const size = Math.max(ar?.shape.at(-1) ?? 0, (ma?.shape.at(-1) ?? 0) + 1);
    const phi = unsqueeze(upTo(size, ar, batch, scale), -1);
    const shift = slice(eye(size, dtype), { axis: 1, end: size - 1 });
    const transition = concat([phi, expandTo(shift, [...batch, size, size - 1])], -1);
    const felt = concat([full([...batch, 1], 1, dtype), upTo(size - 1, ma, batch, scale)], -1);
    const unit = unsqueeze(felt, -1);
    // For noise of size 1: (I − F ⊗ F) vec P = vec G Gᵀ.
    const f = (axes: readonly number[]): Tensor => {
      const wide = transition.shape.slice(0, -2);
      return reshape(transition, [...wide, ...axes.map((on) => (on === 1 ? size : 1))]);
    };
    const kronecker = reshape(mul(f([1, 0, 1, 0]), f([0, 1, 0, 1])), [...batch, size * size, size * size]);
    const noise = matmul(unit, transpose(unit, [...batch.map((_, i) => i), batch.length + 1, batch.length]));
    const vector = reshape(noise, [...batch, size * size, 1]);
    const stationary = reshape(solve(sub(eye(size * size, dtype), kronecker), vector), [
      ...batch,
      size,
      size,
    ]);
    const wideScale = unsqueeze(unsqueeze(expandTo(scale, batch), -1), -1);
    return new LinearGaussianStateSpaceDistribution({
      length: this.length,
      varying: new Set(),
      parameters: {
        transition,
        transitionScale: mul(unit, wideScale),
        emission: slice(eye(size, dtype), { axis: 0, end: 1 }),
        initialScale: mul(factorOf(stationary), wideScale),
        ...(mean !== undefined && { emissionOffset: unsqueeze(mean, -1) }),
      },
    });
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.stateSpace().logProb(unsqueeze(x, -1));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const outer = shape.slice(0, shape.length - 1 - this.batchShape.length);
    return squeeze(this.stateSpace().expand(this.batchShape).sample(site, outer), -1);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new ArmaDistribution(parameters, this.length);
  }

  protected override forms(): ClosedForms {
    const inner = (): Distribution => this.stateSpace();
    return {
      mean: () => squeeze(inner().mean(), -1),
      variance: () => squeeze(inner().variance(), -1),
      mode: () => squeeze(inner().mode(), -1),
      entropy: () => inner().entropy(),
    };
  }
}

/**
 * A stationary autoregressive moving-average series ARMA(p, q): yₜ − μ = Σ φᵢ (yₜ₋ᵢ − μ) + εₜ + Σ θⱼ εₜ₋ⱼ, with normal noise of standard deviation `scale`. Event shape
 * [length]; the shapes of the parameters, without the last axis of `ar` and `ma`, broadcast to the batch.
 *
 * The likelihood is the exact one: the series has been running forever, so that its first values have the stationary covariance. (Many programs use the conditional one,
 * which takes the values before the first as known.) It is that of a state space model with max(p, q + 1) states, which `stateSpace()` gives, for forecasts and
 * missing values. Where `ar` is not stationary there is no such covariance, and the density is NaN.
 *
 * @example
 * await ARMA({ ar: [0.5], scale: 1, length: 2 }).variance().value(); // [1.3333, 1.3333]
 *
 * @throws ShapeError when `ar` or `ma` is not a vector of coefficients; UsageError when neither is given, or a known `scale` is not positive.
 */
export function ARMA(options: ArmaOptions): ArmaDistribution {
  checkOptions("ARMA", options, rules);
  const { length, ...given } = options;
  const names = (["ar", "ma", "scale", "mean"] as const).filter((k) => given[k] !== undefined);
  if (given.ar === undefined && given.ma === undefined) {
    throw new UsageError("ARMA: give `ar`, `ma` or both; with neither, the values are independent normals.");
  }
  const list = operands("ARMA", ...names.map((k) => given[k] as TensorLike));
  const parameters: Parameters = Object.fromEntries(names.map((k, i) => [k, list[i]]));
  for (const k of ["ar", "ma"] as const) {
    const t = parameters[k];
    if (t !== undefined && (t.rank < 1 || t.shape[t.rank - 1] === 0)) {
      throw new ShapeError(
        `ARMA: expected '${k}' of shape [..., number of coefficients], at least one, found ${formatShape(t.shape)}.`,
      );
    }
  }
  return new ArmaDistribution(parameters, length);
}
