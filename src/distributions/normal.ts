import {
  add,
  div,
  exp,
  log,
  logNormalCdf,
  mul,
  neg,
  noise,
  normalCdf,
  normalLogQuantile,
  normalQuantile,
  operands,
  type Shape,
  square,
  sub,
  sum,
  Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { expExcess, normalDivergence } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import { logOf } from "./logarithms.ts";
import { expandTo, lastAxes, sumRepeated } from "./numerics.ts";

/** ½ ln 2π. */
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** The distribution that {@link Normal} returns: parameters, moments and densities as expressions. */
export class NormalDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;
  readonly logScale: Tensor;

  /** `parameters` holds `loc` and one of `scale`, `logScale`. Use {@link Normal}. */
  constructor(parameters: Parameters) {
    super({
      name: "Normal",
      parameters,
      constraints: { loc: real, ...("scale" in parameters ? { scale: positive } : { logScale: real }) },
      support: real,
      reparameterised: true,
      selfLimiting: true,
    });
    const { loc, scale, logScale } = parameters;
    this.loc = loc;
    this.scale = scale ?? exp(logScale);
    this.logScale = logScale ?? logOf(scale);
  }

  override get exponentialFamily(): ExponentialFamily {
    const precision = exp(mul(this.logScale, -2));
    const shape = this.batchShape;
    return {
      ranks: [0, 0],
      naturalParameters: [expandTo(mul(this.loc, precision), shape), expandTo(mul(precision, -0.5), shape)],
      sufficientStatistics: (x) => [x, square(x)],
      logNormalizer: ([a, b]) => sub(div(square(a), mul(b, -4)), mul(log(mul(b, -2)), 0.5)),
      logBaseMeasure: (x) => mul(x, 0).sub(HALF_LOG_TWO_PI),
      distributionAt: ([a, b]) => {
        const precision = mul(b, -2);
        return new NormalDistribution({ loc: div(a, precision), logScale: mul(log(precision), -0.5) });
      },
    };
  }

  /** (x − loc) / scale; computed as a product if the parameter is the logarithm of the scale. */
  standardise(x: Tensor): Tensor {
    const centred = sub(x, this.loc);
    return "scale" in this.parameters ? div(centred, this.scale) : mul(centred, exp(neg(this.logScale)));
  }

  protected override logDensity(x: Tensor): Tensor {
    return sub(mul(square(this.standardise(x)), -0.5), add(this.logScale, HALF_LOG_TWO_PI));
  }

  protected override summedLogDensity(x: Tensor, n: number, shape: Shape): Tensor {
    const squares = sum(expandTo(square(this.standardise(x)), shape), lastAxes(n));
    return sub(mul(squares, -0.5), sumRepeated(add(this.logScale, HALF_LOG_TWO_PI), n, shape));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return add(this.loc, mul(this.scale, noise("normal", site, shape, this.dtype)));
  }

  /** The density computed from the noise: −ε²/2 − ln scale − ½ ln 2π, without computing (x − loc) / scale. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const epsilon = noise("normal", site, [...sampleShape, ...this.batchShape], this.dtype);
    return {
      value: add(this.loc, mul(this.scale, epsilon)),
      logProb: sub(mul(square(epsilon), -0.5), add(this.logScale, HALF_LOG_TWO_PI)),
    };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new NormalDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const z = (x: Tensor): Tensor => this.standardise(x);
    return {
      logCdf: (x) => logNormalCdf(z(x)),
      logSurvival: (x) => logNormalCdf(neg(z(x))),
      cdf: (x) => normalCdf(z(x)),
      survival: (x) => normalCdf(neg(z(x))),
      logIcdf: (l) => add(this.loc, mul(this.scale, normalLogQuantile(l))),
      logIsf: (l) => sub(this.loc, mul(this.scale, normalLogQuantile(l))),
      icdf: (p) => add(this.loc, mul(this.scale, normalQuantile(p))),
      median: () => this.loc,
    };
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => this.loc,
      mode: () => this.loc,
      variance: () => square(this.scale),
      entropy: () => add(this.logScale, 0.5 + HALF_LOG_TWO_PI),
    };
  }
}

/**
 * The normal distribution with mean `loc` and standard deviation `scale`, element by element; their shapes broadcast to
 * the batch shape.
 *
 * Give `{ logScale }` if a network predicts the logarithm of the scale. Densities, entropy and KL then use it directly,
 * while `log(exp(s))` would overflow and cost two passes. From a log-variance v: `Normal(mu, { logScale: v.mul(0.5) })`.
 *
 * @example
 * await Normal(0, 1).logProb([0, 1]).value(); // [-0.9189, -1.4189]
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function Normal(
  loc: TensorLike,
  scale: TensorLike | { readonly logScale: TensorLike },
): NormalDistribution {
  if (typeof scale === "object" && !(scale instanceof Tensor) && "logScale" in scale) {
    const [l, s] = operands("Normal", loc, scale.logScale);
    return new NormalDistribution({ loc: l, logScale: s });
  }
  const [l, s] = operands("Normal", loc, scale);
  return new NormalDistribution({ loc: l, scale: s });
}

// ½ (r² + d² − 1) − ln r, with r = σp / σq and d = (μp − μq) / σq.
// Where log scales are given in float32, as by networks, the error is that of numbers of size 1, and the form has fewer passes.
registerKl(NormalDistribution, NormalDistribution, (p, q) => {
  const logRatio = sub(p.logScale, q.logScale);
  const distance = q.standardise(p.loc);
  if ("scale" in p.parameters) return normalDivergence(p.scale, q.scale, distance, logRatio);
  const twice = mul(logRatio, 2);
  if (p.dtype === "float64") return mul(add(expExcess(twice), square(distance)), 0.5);
  return sub(mul(sub(add(exp(twice), square(distance)), 1), 0.5), logRatio);
});
