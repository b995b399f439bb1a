import { checkOptions } from "../options.ts";
import {
  add,
  argmax,
  type DType,
  div,
  exp,
  lgammaOfNumber,
  log,
  logSoftmax,
  logsumexp,
  mul,
  neg,
  noise,
  oneHot,
  operands,
  type Shape,
  softmax,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../tensor/index.ts";
import {
  type Constraint,
  checkConstant,
  insideSimplex,
  positive,
  realVector,
  simplex,
} from "./constraints.ts";
import { Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { logOf } from "./logarithms.ts";
import { OneHotCategoricalDistribution } from "./one-hot-categorical.ts";
import { type RelaxedOptions, relaxedRules } from "./relaxed-bernoulli.ts";
import { straightThrough } from "./straight-through.ts";

/** Standard Gumbel noise. */
const gumbel = (site: string, shape: Shape, dtype: DType): Tensor =>
  neg(log(neg(log(noise("uniform", site, shape, dtype)))));

/** The distribution that {@link RelaxedOneHotCategorical} returns: parameters, moments and densities as expressions. */
export class RelaxedOneHotCategoricalDistribution extends Distribution {
  readonly temperature: Tensor;
  readonly logits: Tensor;

  /** Use {@link RelaxedOneHotCategorical}. */
  constructor(parameters: Parameters) {
    const { temperature, logits } = parameters;
    super({
      name: "RelaxedOneHotCategorical",
      parameters,
      constraints: { temperature: positive, logits: realVector },
      support: simplex,
      eventShape: logits.shape.slice(-1),
      reparameterised: true,
    });
    this.temperature = temperature;
    this.logits = logits;
  }

  /** The density computed from ln x: ln (K − 1)! + (K − 1) ln τ + Σ(αₖ − τ ln xₖ) − K ln Σ e^(αₖ − τ ln xₖ) − Σ ln xₖ. */
  private density(logs: Tensor): Tensor {
    const [size] = this.eventShape;
    const { temperature } = this;
    const scores = sub(this.logits, mul(unsqueeze(temperature, -1), logs));
    const centred = sub(sum(scores, -1), mul(logsumexp(scores, -1), size));
    const constants = add(mul(log(temperature), size - 1), lgammaOfNumber(size));
    return sub(add(constants, centred), sum(logs, -1));
  }

  /** Vectors without a 0: at the edges the density is undefined. */
  protected override get domain(): Constraint {
    return insideSimplex;
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.density(logOf(x));
  }

  private drawLog(site: string, shape: Shape): Tensor {
    const scores = add(this.logits, gumbel(site, shape, this.dtype));
    return logSoftmax(div(scores, unsqueeze(this.temperature, -1)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return exp(this.drawLog(site, shape));
  }

  /** The density computed from the logarithms: at low temperatures parts underflow, where the density of the value is not finite. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const logs = this.drawLog(site, [...sampleShape, ...this.batchShape, ...this.eventShape]);
    return { value: exp(logs), logProb: this.density(logs) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new RelaxedOneHotCategoricalDistribution(parameters);
  }
}

/** A one-hot categorical whose exact draws have the gradient of a relaxed draw with the same noise. That gradient is biased. */
export class StraightThroughOneHotCategoricalDistribution extends OneHotCategoricalDistribution {
  readonly temperature: Tensor;
  override readonly reparameterisedIn: readonly string[];

  /** Use {@link RelaxedOneHotCategorical} with `straightThrough`. */
  constructor(parameters: Parameters, temperature: Tensor) {
    super(parameters);
    this.temperature = temperature;
    this.reparameterisedIn = Object.keys(parameters);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const scores = add(this.parameters.logits, gumbel(site, shape, this.dtype));
    const soft = softmax(div(scores, unsqueeze(stopGradient(this.temperature), -1)));
    return straightThrough(oneHot(argmax(scores, -1), this.eventShape[0], this.dtype), soft);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new StraightThroughOneHotCategoricalDistribution(parameters, this.temperature);
  }
}

/**
 * The Concrete or Gumbel-softmax distribution on the simplex (Maddison, Mnih & Teh 2017; Jang, Gu & Poole 2017):
 * softmax((logits + Gumbel noise) / temperature). It approaches a one-hot categorical as the temperature falls, and is
 * reparameterised in both. `logits` [..., K], `temperature` [...]; event shape [K].
 *
 * With `straightThrough`, it is a one-hot categorical whose draws have the relaxed gradient in the logits; the temperature
 * is then a constant.
 *
 * @example
 * await RelaxedOneHotCategorical(1, [0, 0]).logProb([0.3, 0.7]).value(); // 0: uniform
 *
 * @throws UsageError when `temperature` is a known number that is not positive.
 */
export function RelaxedOneHotCategorical(
  temperature: TensorLike,
  logits: TensorLike,
  options?: RelaxedOptions & { readonly straightThrough?: false },
): RelaxedOneHotCategoricalDistribution;
export function RelaxedOneHotCategorical(
  temperature: TensorLike,
  logits: TensorLike,
  options: RelaxedOptions,
): RelaxedOneHotCategoricalDistribution | StraightThroughOneHotCategoricalDistribution;
export function RelaxedOneHotCategorical(
  temperature: TensorLike,
  logits: TensorLike,
  options: RelaxedOptions = {},
): RelaxedOneHotCategoricalDistribution | StraightThroughOneHotCategoricalDistribution {
  checkOptions("RelaxedOneHotCategorical", options, relaxedRules);
  const [l, t] = operands("RelaxedOneHotCategorical", logits, temperature);
  if (options.straightThrough !== true) {
    return new RelaxedOneHotCategoricalDistribution({ temperature: t, logits: l });
  }
  checkConstant("RelaxedOneHotCategorical", "temperature", t, positive);
  return new StraightThroughOneHotCategoricalDistribution({ logits: l }, t);
}
