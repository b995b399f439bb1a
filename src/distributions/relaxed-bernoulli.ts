import { checkOptions, flag, type OptionRules } from "../options.ts";
import {
  abs,
  add,
  cast,
  type DType,
  div,
  greater,
  log,
  log1p,
  logSigmoid,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sigmoid,
  softplus,
  stopGradient,
  sub,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { BernoulliDistribution } from "./bernoulli.ts";
import {
  type Constraint,
  checkConstant,
  insideUnitInterval,
  positive,
  real,
  unitInterval,
} from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { logComplementOf, logOf, logOneMinusExp } from "./logarithms.ts";
import { straightThrough } from "./straight-through.ts";

/** Standard logistic noise. */
function logistic(site: string, shape: Shape, dtype: DType): Tensor {
  const u = noise("uniform", site, shape, dtype);
  return sub(log(u), log1p(neg(u)));
}

/** The distribution that {@link RelaxedBernoulli} returns: parameters, moments and densities as expressions. */
export class RelaxedBernoulliDistribution extends Distribution {
  readonly temperature: Tensor;
  readonly logits: Tensor;

  /** Use {@link RelaxedBernoulli}. */
  constructor(parameters: Parameters) {
    super({
      name: "RelaxedBernoulli",
      parameters,
      constraints: { temperature: positive, logits: real },
      support: unitInterval,
      reparameterised: true,
    });
    this.temperature = parameters.temperature;
    this.logits = parameters.logits;
  }

  /** The density computed from the logit of the value, l: ln τ + d − 2 softplus(d) − ln x (1 − x), with d = logits − τ l. */
  private density(logit: Tensor, jacobian: Tensor): Tensor {
    const d = abs(sub(this.logits, mul(this.temperature, logit)));
    return add(sub(log(this.temperature), add(d, mul(softplus(neg(d)), 2))), jacobian);
  }

  protected override get domain(): Constraint {
    return insideUnitInterval;
  }

  protected override logDensity(x: Tensor): Tensor {
    const [a, b] = [logOf(x), logComplementOf(x)];
    return this.density(sub(a, b), neg(add(a, b)));
  }

  protected override cumulative(): Cumulative {
    const z = (x: Tensor): Tensor =>
      sub(mul(this.temperature, sub(logOf(x), logComplementOf(x))), this.logits);
    return {
      logCdf: (x) => logSigmoid(z(x)),
      logSurvival: (x) => logSigmoid(neg(z(x))),
      logIcdf: (l) => sigmoid(div(add(this.logits, sub(l, logOneMinusExp(l))), this.temperature)),
    };
  }

  private drawLogit(site: string, shape: Shape): Tensor {
    return div(add(this.logits, logistic(site, shape, this.dtype)), this.temperature);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return sigmoid(this.drawLogit(site, shape));
  }

  /** The density computed from the logit: at low temperatures values round to 0 and 1, where the density of the value is not finite. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const logit = this.drawLogit(site, [...sampleShape, ...this.batchShape]);
    const jacobian = add(softplus(logit), softplus(neg(logit)));
    return { value: sigmoid(logit), logProb: this.density(logit, jacobian) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new RelaxedBernoulliDistribution(parameters);
  }
}

/** A Bernoulli whose draws are exactly 0 or 1 but have the gradient of a relaxed draw with the same noise. That gradient is biased. */
export class StraightThroughBernoulliDistribution extends BernoulliDistribution {
  readonly temperature: Tensor;
  override readonly reparameterisedIn: readonly string[];

  /** Use {@link RelaxedBernoulli} with `straightThrough`. */
  constructor(parameters: Parameters, temperature: Tensor) {
    super(parameters);
    this.temperature = temperature;
    this.reparameterisedIn = Object.keys(parameters);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const logit = add(this.logits, logistic(site, shape, this.dtype));
    const soft = sigmoid(div(logit, stopGradient(this.temperature)));
    return straightThrough(cast(greater(logit, 0), this.dtype), soft);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new StraightThroughBernoulliDistribution(parameters, this.temperature);
  }
}

/** Options of a relaxed distribution. */
export interface RelaxedOptions {
  /**
   * Draws are exact discrete values with the gradient of the relaxed ones (Bengio, Léonard & Courville 2013), and
   * densities, moments and divergences are those of the discrete distribution. The gradient is biased. Default false.
   */
  readonly straightThrough?: boolean;
}

/** The option names of a relaxed distribution. */
export const relaxedRules: OptionRules<RelaxedOptions> = {
  straightThrough: flag,
};

/**
 * The binary Concrete distribution on (0, 1), −∞ at the ends (Maddison, Mnih & Teh 2017): σ((logits + logistic noise) / temperature).
 * It approaches a Bernoulli(logits) as the temperature falls, and is reparameterised in both. Shapes broadcast to the
 * batch shape.
 *
 * With `straightThrough`, it is a Bernoulli whose draws have the relaxed gradient in the logits; the temperature is then a
 * constant.
 *
 * @example
 * await RelaxedBernoulli(1, 0).logProb(0.5).value(); // 0: uniform
 *
 * @throws UsageError when `temperature` is a known number that is not positive.
 */
export function RelaxedBernoulli(
  temperature: TensorLike,
  logits: TensorLike,
  options?: RelaxedOptions & { readonly straightThrough?: false },
): RelaxedBernoulliDistribution;
export function RelaxedBernoulli(
  temperature: TensorLike,
  logits: TensorLike,
  options: RelaxedOptions,
): RelaxedBernoulliDistribution | StraightThroughBernoulliDistribution;
export function RelaxedBernoulli(
  temperature: TensorLike,
  logits: TensorLike,
  options: RelaxedOptions = {},
): RelaxedBernoulliDistribution | StraightThroughBernoulliDistribution {
  checkOptions("RelaxedBernoulli", options, relaxedRules);
  const [l, t] = operands("RelaxedBernoulli", logits, temperature);
  if (options.straightThrough !== true)
    return new RelaxedBernoulliDistribution({ temperature: t, logits: l });
  checkConstant("RelaxedBernoulli", "temperature", t, positive);
  return new StraightThroughBernoulliDistribution({ logits: l }, t);
}
