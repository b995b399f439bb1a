import {
  abs,
  add,
  constant,
  div,
  erf,
  erfcx,
  exp,
  less,
  log,
  log1p,
  logNormalCdf,
  mul,
  neg,
  noise,
  normalLogQuantile,
  operands,
  type Shape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { logOf } from "./logarithms.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";
import { type Bracket, type LogTails, type Searched, searchReals, tailsFrom } from "./quantile-search.ts";

const EFFORT = {
  float32: { rule: gaussLegendre(16), decay: 18 },
  float64: { rule: gaussLegendre(40), decay: 38 },
} as const;

/** x and −x, whose slope at 0 is that of the side on which 0 is counted. */
const sizeOf = (x: Tensor): Tensor => where(less(x, 0), neg(x), x);

/**
 * ln P(X ≤ −u) of the standard distribution with skewness a, for u, a ≥ 0: ∫_u^∞ 2 φ(t) Φ(−at) dt, in which nothing is subtracted. With s = √(1 + a²), h = s u and
 * t = (h + v)/s it is φ(h)/s · ∫_0^∞ e^(−v (h + v/2)) erfcx(a (h + v)/(s√2)) dv.
 */
function logThinTail(u: Tensor, a: Tensor): Tensor {
  const { rule, decay } = EFFORT[u.dtype === "float64" ? "float64" : "float32"];
  // √(1 + a²), whose square may be out of range.
  const wide = less(1, a);
  const s = where(
    wide,
    mul(a, sqrt(add(square(div(1, where(wide, a, 1))), 1))),
    sqrt(add(square(where(wide, 0, a)), 1)),
  );
  const h = mul(s, u);
  const reach = div(2 * decay, add(h, sqrt(add(square(h), 2 * decay))));
  const n = rule.nodes.length;
  const column = (t: Tensor): Tensor => unsqueeze(t, -1);
  const v = mul(column(reach), constant(rule.nodes, [n], u.dtype));
  const height = exp(neg(mul(v, add(column(h), mul(v, 0.5)))));
  const share = erfcx(mul(mul(column(div(a, s)), add(column(h), v)), Math.SQRT1_2));
  const integral = sum(mul(mul(height, share), constant(rule.weights, [n], u.dtype)), -1);
  const outer = add(mul(square(h), 0.5), add(log(s), HALF_LOG_TWO_PI));
  return sub(log(mul(reach, integral)), outer);
}

/**
 * The standard distribution with skewness a ≥ 0. With T the thin tail beyond |y|: P(Y ≤ y) is T for y < 0 and erf(y/√2) + T otherwise; P(Y > y) is 2 Φ(−y) − T for
 * y ≥ 0, where T is at most half of the first term.
 */
function skewedBy(a: Tensor): Searched {
  const parts = (y: Tensor) => {
    const size = sizeOf(y);
    const thin = logThinTail(size, a);
    const left = less(y, 0);
    const lower = where(left, thin, log(add(erf(mul(size, Math.SQRT1_2)), exp(thin))));
    const folded = add(logNormalCdf(neg(size)), Math.LN2);
    const upper = where(left, log1p(neg(exp(thin))), add(folded, log1p(neg(exp(sub(thin, folded))))));
    return { lower, upper };
  };
  return {
    ...pairOfTails(
      (y) => parts(y).lower,
      (y) => parts(y).upper,
    ),
    logDensity: (y) => add(add(mul(square(y), -0.5), logNormalCdf(mul(a, y))), Math.LN2 - HALF_LOG_TWO_PI),
  };
}

/** The quantile grows with the skewness a ≥ 0, from a normal's to that of half a normal. The bracket is wider by what these are rounded. */
function bracketOf({ lower, upper }: LogTails): Bracket {
  const right = less(upper, lower);
  const normal = where(
    right,
    neg(normalLogQuantile(where(right, upper, -1))),
    normalLogQuantile(where(right, -1, lower)),
  );
  const half = neg(normalLogQuantile(sub(upper, Math.LN2)));
  return {
    low: sub(normal, mul(abs(normal), 1e-3)),
    high: add(mul(half, 1.001), mul(exp(lower), 1.3)),
  };
}

/** The distribution that {@link SkewNormal} returns: parameters, moments and densities as expressions. */
export class SkewNormalDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;
  readonly skewness: Tensor;

  /** Use {@link SkewNormal}. */
  constructor(parameters: Parameters) {
    super({
      name: "SkewNormal",
      parameters,
      constraints: { loc: real, scale: positive, skewness: real },
      support: real,
      reparameterised: true,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
    this.skewness = parameters.skewness;
  }

  protected override logDensity(x: Tensor): Tensor {
    const z = div(sub(x, this.loc), this.scale);
    const normal = sub(mul(square(z), -0.5), add(logOf(this.scale), HALF_LOG_TWO_PI - Math.LN2));
    return add(normal, logNormalCdf(mul(this.skewness, z)));
  }

  /** α/√(1 + α²) and 1/√(1 + α²). */
  private weights(): { readonly half: Tensor; readonly rest: Tensor } {
    const rest = div(1, sqrt(add(square(this.skewness), 1)));
    return { half: mul(this.skewness, rest), rest };
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { half, rest } = this.weights();
    const one = abs(noise("normal", `${site}/half`, shape, this.dtype));
    const other = noise("normal", `${site}/rest`, shape, this.dtype);
    return add(this.loc, mul(this.scale, add(mul(half, one), mul(rest, other))));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new SkewNormalDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { loc, scale, skewness } = this;
    // Y = Z or −Z, whose skewness a is not negative.
    const turned = less(skewness, 0);
    const of = skewedBy(sizeOf(skewness));
    const turn = (x: Tensor): Tensor => where(turned, neg(x), x);
    const at = (x: Tensor) => turn(div(sub(x, loc), scale));
    const either = (one: (y: Tensor) => Tensor, other: (y: Tensor) => Tensor) => (x: Tensor) =>
      where(turned, other(at(x)), one(at(x)));
    const quantile = ({ lower, upper }: LogTails): Tensor => {
      const p = { lower: where(turned, upper, lower), upper: where(turned, lower, upper) };
      return add(loc, mul(scale, turn(searchReals(of, p, bracketOf(p)))));
    };
    return {
      logCdf: either(of.logCdf, of.logSurvival),
      logSurvival: either(of.logSurvival, of.logCdf),
      logIcdf: (l) => quantile(tailsFrom(l, false)),
      logIsf: (l) => quantile(tailsFrom(l, true)),
    };
  }

  protected override forms(): ClosedForms {
    const { loc, scale } = this;
    return {
      mean: () => add(loc, mul(mul(scale, this.weights().half), Math.sqrt(2 / Math.PI))),
      variance: () => mul(square(scale), sub(1, mul(square(this.weights().half), 2 / Math.PI))),
    };
  }
}

/**
 * The skew normal distribution (Azzalini 1985) with density 2/scale · φ(z) Φ(skewness · z), z = (x − loc)/scale: normal at skewness 0, half a normal as it grows. Shapes
 * broadcast to the batch. Drawn from two normals, one of them folded; draws are differentiable in all parameters. Its distribution function is a normal tail
 * and an integral, by Gauss's rule; quantiles are found by a search.
 *
 * @example
 * await SkewNormal(0, 1, 0).logProb(0).value(); // -0.9189
 *
 * @throws UsageError when `scale` is a known number that is not positive.
 */
export function SkewNormal(loc: TensorLike, scale: TensorLike, skewness: TensorLike): SkewNormalDistribution {
  const [l, s, a] = operands("SkewNormal", loc, scale, skewness);
  return new SkewNormalDistribution({ loc: l, scale: s, skewness: a });
}
