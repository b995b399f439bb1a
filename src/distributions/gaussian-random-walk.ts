import { UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import {
  add,
  arange,
  concat,
  cumsum,
  div,
  log,
  mul,
  noise,
  operands,
  type Shape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../tensor/index.ts";
import { positive, real, realVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { logOf } from "./logarithms.ts";
import { expandTo, HALF_LOG_TWO_PI } from "./numerics.ts";

/** Options of {@link GaussianRandomWalk}. */
export interface RandomWalkOptions {
  /** The place before the first step, of a shape that broadcasts with the batch. Default 0. */
  readonly initial?: TensorLike;
  /** The mean of each step, of a shape that broadcasts with the batch. Default 0. */
  readonly drift?: TensorLike;
}

const rules: OptionRules<RandomWalkOptions> = { initial: anything, drift: anything };

/** The distribution that {@link GaussianRandomWalk} returns: parameters, moments and densities as expressions. */
export class GaussianRandomWalkDistribution extends Distribution {
  readonly scale: Tensor;
  /** The number of steps. */
  readonly steps: number;

  /** `parameters` holds `scale`, and `initial` and `drift` if they are given. Use {@link GaussianRandomWalk}. */
  constructor(parameters: Parameters, steps: number) {
    super({
      name: "GaussianRandomWalk",
      parameters,
      constraints: {
        scale: positive,
        ...(parameters.initial !== undefined && { initial: real }),
        ...(parameters.drift !== undefined && { drift: real }),
      },
      support: realVector,
      eventShape: [steps],
      reparameterised: true,
      selfLimiting: true,
    });
    this.scale = parameters.scale;
    this.steps = steps;
  }

  /** The steps of a walk less the drift, in standard deviations. */
  private standardise(x: Tensor): Tensor {
    const { initial, drift } = this.parameters;
    const first = slice(x, { axis: -1, start: 0, end: 1 });
    const start = initial === undefined ? first : sub(first, unsqueeze(initial, -1));
    const rest = sub(slice(x, { axis: -1, start: 1 }), slice(x, { axis: -1, end: -1 }));
    const wide = expandTo(rest, [...start.shape.slice(0, -1), this.steps - 1]);
    const all = this.steps === 1 ? start : concat([start, wide], -1);
    const centred = drift === undefined ? all : sub(all, unsqueeze(drift, -1));
    return div(centred, unsqueeze(this.scale, -1));
  }

  private density(epsilon: Tensor): Tensor {
    const squares = mul(sum(square(epsilon), -1), -0.5);
    return sub(squares, mul(add(logOf(this.scale), HALF_LOG_TWO_PI), this.steps));
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.density(this.standardise(x));
  }

  private walk(epsilon: Tensor): Tensor {
    return add(this.centre(), cumsum(mul(unsqueeze(this.scale, -1), epsilon), -1));
  }

  /** The walk without noise. */
  private centre(): Tensor {
    const { initial, drift } = this.parameters;
    const times = add(arange(this.steps, this.dtype), 1);
    const moved = drift === undefined ? mul(times, 0) : mul(unsqueeze(drift, -1), times);
    return initial === undefined ? moved : add(unsqueeze(initial, -1), moved);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return this.walk(noise("normal", site, shape, this.dtype));
  }

  /** The density computed from the noise, without taking the walk apart again. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const epsilon = noise("normal", site, [...sampleShape, ...this.batchShape, this.steps], this.dtype);
    return { value: this.walk(epsilon), logProb: this.density(epsilon) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new GaussianRandomWalkDistribution(parameters, this.steps);
  }

  protected override forms(): ClosedForms {
    const times = add(arange(this.steps, this.dtype), 1);
    return {
      mean: () => this.centre(),
      mode: () => this.centre(),
      variance: () => mul(unsqueeze(square(this.scale), -1), times),
      entropy: () => mul(add(log(this.scale), HALF_LOG_TWO_PI + 0.5), this.steps),
    };
  }
}

/**
 * A walk of `steps` places x₁, x₂, …: each is normal about the one before, with standard deviation `scale`, and x₁ is about `initial`. Event shape [steps];
 * the shapes of the parameters broadcast to the batch. It is a prior for what changes slowly over time. Draws are differentiable in all parameters.
 *
 * @example
 * await GaussianRandomWalk(2, 3).variance().value(); // [4, 8, 12]
 *
 * @throws UsageError when `steps` is not a whole number of at least 1, or `scale` is a known number that is not positive.
 */
export function GaussianRandomWalk(
  scale: TensorLike,
  steps: number,
  options: RandomWalkOptions = {},
): GaussianRandomWalkDistribution {
  checkOptions("GaussianRandomWalk", options, rules);
  if (!Number.isInteger(steps) || steps < 1) {
    throw new UsageError(
      `GaussianRandomWalk: expected a whole number of steps of at least 1, found ${steps}.`,
    );
  }
  const { initial, drift } = options;
  const given = Object.entries({ scale, initial, drift }).filter(
    (entry): entry is [string, TensorLike] => entry[1] !== undefined,
  );
  const tensors = operands("GaussianRandomWalk", ...given.map(([, t]) => t));
  return new GaussianRandomWalkDistribution(
    Object.fromEntries(given.map(([k], i) => [k, tensors[i]])),
    steps,
  );
}
