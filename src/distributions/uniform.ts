import {
  add,
  div,
  exp,
  greaterEqual,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  mul,
  noise,
  operands,
  type Shape,
  square,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { greaterThan, interval, real } from "./constraints.ts";
import { type Cumulative, complement } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";

/** The distribution that {@link Uniform} returns: parameters, moments and densities as expressions. */
export class UniformDistribution extends Distribution {
  readonly low: Tensor;
  readonly high: Tensor;

  /** Use {@link Uniform}. */
  constructor(parameters: Parameters) {
    const { low, high } = parameters;
    super({
      name: "Uniform",
      parameters,
      constraints: { low: real, high: greaterThan(low) },
      support: interval(low, high),
      reparameterised: true,
    });
    this.low = low;
    this.high = high;
  }

  get range(): Tensor {
    return sub(this.high, this.low);
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(mul(x, 0), log(this.range));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return add(this.low, mul(this.range, noise("uniform", site, shape, this.dtype)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new UniformDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { low, high, range } = this;
    const cdf = (x: Tensor): Tensor => div(sub(x, low), range);
    const survival = (x: Tensor): Tensor => div(sub(high, x), range);
    return {
      cdf,
      survival,
      logCdf: (x) => log(cdf(x)),
      logSurvival: (x) => log(survival(x)),
      logIcdf: (l) =>
        where(less(l, -Math.LN2), add(low, mul(range, exp(l))), sub(high, mul(range, complement(l)))),
      icdf: (p) => add(low, mul(range, p)),
    };
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => mul(add(this.low, this.high), 0.5),
      variance: () => mul(square(this.range), 1 / 12),
      // All values are as probable: the one in the middle.
      mode: () => mul(add(this.low, this.high), 0.5),
      entropy: () => log(this.range),
    };
  }
}

/**
 * Constant density on [low, high], −∞ outside. Shapes broadcast to the batch shape.
 *
 * @example
 * await Uniform(0, 4).logProb(1).value(); // -1.3863
 *
 * @throws UsageError when known ends do not satisfy low < high.
 */
export function Uniform(low: TensorLike, high: TensorLike): UniformDistribution {
  const [a, b] = operands("Uniform", low, high);
  return new UniformDistribution({ low: a, high: b });
}

// Infinite unless p lies within q.
registerKl(UniformDistribution, UniformDistribution, (p, q) => {
  const within = logicalAnd(lessEqual(q.low, p.low), greaterEqual(q.high, p.high));
  const margin = add(sub(p.low, q.low), sub(q.high, p.high));
  return where(within, log1p(div(where(within, margin, 0), p.range)), Number.POSITIVE_INFINITY);
});
