import {
  add,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  log1p,
  logicalOr,
  minimum,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sqrt,
  square,
  sub,
  type Tensor,
  type TensorLike,
  tensor,
  where,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import { type Cumulative, symmetric, symmetricLogIcdf } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { digammaDifference, halfStep } from "./gamma-functions.ts";
import { inverseLogBetainc, logBetainc } from "./implicit/incomplete-beta.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { HALF_LOG_TWO_PI, logOnePlusSquare } from "./numerics.ts";

/** Whether a number of at least 0 is infinite. */
const isInfinite = (x: Tensor): Tensor => equal(x, Number.POSITIVE_INFINITY);

/** The distribution that {@link StudentT} returns: parameters, moments and densities as expressions. */
export class StudentTDistribution extends Distribution {
  readonly df: Tensor;
  readonly loc: Tensor;
  readonly scale: Tensor;

  /** Use {@link StudentT}. */
  constructor(parameters: Parameters) {
    super({
      name: "StudentT",
      parameters,
      constraints: { df: positive, loc: real, scale: positive },
      support: real,
      reparameterised: true,
      ranges: { df: "nonNegative" },
      selfLimiting: true,
    });
    this.df = parameters.df;
    this.loc = parameters.loc;
    this.scale = parameters.scale;
  }

  /** ln [√(ν π) Γ(ν/2) / Γ((ν + 1)/2)]. */
  private logNormalizer(): Tensor {
    return sub(HALF_LOG_TWO_PI, halfStep(mul(this.df, 0.5)));
  }

  protected override logDensity(x: Tensor): Tensor {
    const { df, loc, scale } = this;
    const z = div(sub(x, loc), mul(scale, sqrt(df)));
    const power = mul(mul(add(df, 1), 0.5), logOnePlusSquare(z));
    return neg(add(add(power, this.logNormalizer()), log(scale)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    // χ²/ν = z/α with α = ν/2 and z a standard gamma; the gamma draw keeps the logarithm of that ratio exactly.
    const { logRatio } = drawGamma(`${site}/gamma`, shape, mul(this.df, 0.5));
    const epsilon = noise("normal", `${site}/normal`, shape, this.dtype);
    return add(this.loc, mul(this.scale, mul(epsilon, exp(mul(logRatio, -0.5)))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new StudentTDistribution(parameters);
  }

  /** ln P(T > a) for a ≥ 0: P is half of the incomplete beta function at ν/(ν + a²). */
  private logTail(a: Tensor): Tensor {
    const { df } = this;
    const ratio = div(a, sqrt(df));
    const near = less(mul(ratio, sqrt(add(df, 1))), this.dtype === "float64" ? 2 ** -27 : 2 ** -13);
    // Near the centre the tail is ½ − a p(0), and ln(ν/a²) has no slope.
    const density = exp(neg(this.logNormalizer()));
    const centre = log1p(neg(mul(mul(where(near, a, 0), 2), density)));
    const logit = mul(log(where(logicalOr(near, isInfinite(ratio)), 1, ratio)), -2);
    const far = where(isInfinite(ratio), Number.NEGATIVE_INFINITY, logBetainc(mul(df, 0.5), 0.5, logit));
    return sub(where(near, centre, far), Math.LN2);
  }

  protected override cumulative(): Cumulative {
    const { df, loc, scale } = this;
    const logTail = (a: Tensor): Tensor => this.logTail(a);
    const standardise = (x: Tensor): Tensor => div(sub(x, loc), scale);
    const fromLogTail = (l: Tensor): Tensor => {
      const u = inverseLogBetainc(mul(df, 0.5), 0.5, minimum(add(l, Math.LN2), 0));
      return mul(sqrt(df), exp(mul(u, -0.5)));
    };
    const quantile = (l: Tensor): Tensor => symmetricLogIcdf(fromLogTail, l);
    return {
      ...symmetric({ logTail, tail: (a) => exp(logTail(a)) }, standardise),
      logIcdf: (l) => add(loc, mul(scale, quantile(l))),
      logIsf: (l) => sub(loc, mul(scale, quantile(l))),
      median: () => loc,
    };
  }

  protected override forms(): ClosedForms {
    const { df, loc, scale } = this;
    return {
      mean: () => where(greater(df, 1), loc, Number.NaN),
      variance: () => {
        const finite = greater(df, 2);
        const safe = where(finite, df, 3);
        const value = mul(square(scale), div(safe, sub(safe, 2)));
        return where(
          finite,
          value,
          where(greater(df, 1), tensor(Number.POSITIVE_INFINITY, { dtype: this.dtype }), Number.NaN),
        );
      },
      mode: () => loc,
      entropy: () => {
        const half = mul(df, 0.5);
        const up = add(half, 0.5);
        const spread = mul(up, digammaDifference(half, 0.5));
        return add(add(spread, this.logNormalizer()), log(scale));
      },
    };
  }
}

/**
 * Student's t with `df` degrees of freedom around `loc`, with scale `scale`. Shapes broadcast to the batch shape. The
 * mean is NaN up to 1 degree of freedom; the variance is infinite up to 2 (NaN up to 1).
 *
 * Drawn as a normal divided by the root of a gamma. Reparameterised in all three parameters, in `df` by the gamma's
 * implicit gradient.
 *
 * @example
 * await StudentT(3, 0, 1).logProb(0).value(); // -1.0009
 *
 * @throws UsageError when a known `df` or `scale` is not positive.
 */
export function StudentT(df: TensorLike, loc: TensorLike, scale: TensorLike): StudentTDistribution {
  const [n, l, s] = operands("StudentT", df, loc, scale);
  return new StudentTDistribution({ df: n, loc: l, scale: s });
}
