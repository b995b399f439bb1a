import {
  abs,
  add,
  constant,
  div,
  equal,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  operands,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { Normal, type NormalDistribution } from "./normal.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";
import { type Bound, boundOf, rebuilt, TruncatedDistribution } from "./truncated.ts";

/** The integral ends where the density has fallen by e^−decay from its highest point between the bounds. */
const EFFORT = {
  float32: { rule: gaussLegendre(16), decay: 17 },
  float64: { rule: gaussLegendre(40), decay: 38 },
} as const;

/** The density between two standardised bounds, relative to that at its highest point `top`, at the nodes of a quadrature rule. */
interface Stretch {
  /** The point between the bounds that is nearest to 0. */
  readonly top: Tensor;
  /** z − top at the nodes, on a new last axis. */
  readonly offsets: Tensor;
  /** Density over its value at `top`, times the weights of the rule: they sum to `mass`. */
  readonly weights: Tensor;
  readonly mass: Tensor;
}

/**
 * ∫ φ(z)/φ(top) dz between two bounds by one Gauss–Legendre rule, over the stretch where that is above rounding. Nothing is subtracted, so
 * a narrow interval and one far out in a tail keep all digits.
 */
function stretchBetween(a: Bound, b: Bound, like: Tensor): Stretch {
  const { rule, decay } = EFFORT[like.dtype === "float64" ? "float64" : "float32"];
  const zero = mul(like, 0);
  const capped = typeof b === "number" ? zero : minimum(b, zero);
  const top = typeof a === "number" ? capped : maximum(a, capped);
  const size = abs(top);
  // |top| t + t²/2 = decay.
  const reach = div(2 * decay, add(size, sqrt(add(square(size), 2 * decay))));
  const from = typeof a === "number" ? neg(reach) : maximum(sub(a, top), neg(reach));
  const to = typeof b === "number" ? reach : minimum(sub(b, top), reach);
  const width = sub(to, from);
  const n = rule.nodes.length;
  const nodes = constant(rule.nodes, [n], like.dtype);
  const offsets = add(unsqueeze(from, -1), mul(unsqueeze(width, -1), nodes));
  const fall = mul(mul(offsets, add(offsets, mul(unsqueeze(top, -1), 2))), -0.5);
  const weights = mul(mul(exp(fall), constant(rule.weights, [n], like.dtype)), unsqueeze(width, -1));
  return { top, offsets, weights, mass: sum(weights, -1) };
}

/** ln [Φ(b) − Φ(a)] for a < b. */
export function logNormalMassBetween(a: Tensor, b: Tensor): Tensor {
  const { top, mass } = stretchBetween(a, b, a);
  return sub(log(mass), add(mul(square(top), 0.5), HALF_LOG_TWO_PI));
}

/** The distribution that {@link TruncatedNormal} returns: parameters, moments and densities as expressions. */
export class TruncatedNormalDistribution extends TruncatedDistribution<NormalDistribution> {
  /** Use {@link TruncatedNormal}. */
  constructor(base: NormalDistribution, low: Bound, high: Bound) {
    super(base, low, high, "TruncatedNormal");
  }

  /** A bound in standard deviations from the mean. */
  private standard(end: Bound): Bound {
    return typeof end === "number" ? end : this.base.standardise(end);
  }

  private stretch(a: Bound = this.low, b: Bound = this.high): Stretch {
    return stretchBetween(this.standard(a), this.standard(b), add(this.base.loc, mul(this.base.scale, 0)));
  }

  protected override logMassBetween(a: Bound, b: Bound): Tensor {
    const { top, mass } = this.stretch(a, b);
    return sub(log(mass), add(mul(square(top), 0.5), HALF_LOG_TWO_PI));
  }

  /** −(z² − top²)/2 − ln mass − ln scale; z − top is computed from the bound itself where that is the top. */
  protected override logDensity(x: Tensor): Tensor {
    const { base, low, high } = this;
    const { top, mass } = this.stretch();
    const z = base.standardise(x);
    const beyond = (offset: Tensor, end: Bound): Tensor => {
      if (typeof end === "number") return offset;
      const at = equal(base.standardise(end), top);
      return where(at, div(sub(x, end), base.scale), offset);
    };
    const offset = beyond(beyond(sub(z, top), low), high);
    const fall = mul(mul(offset, add(z, top)), -0.5);
    return sub(fall, add(log(mass), base.logScale));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const { base, low, high } = rebuilt(this.base, this.low, this.high, parameters);
    return new TruncatedNormalDistribution(base as NormalDistribution, low, high);
  }

  protected override forms(): ClosedForms {
    const { base } = this;
    const average = (of: (s: Stretch) => Tensor): Tensor => {
      const s = this.stretch();
      return div(sum(mul(s.weights, of(s)), -1), s.mass);
    };
    const offset = (): Tensor => average((s) => s.offsets);
    return {
      mean: () => add(base.loc, mul(base.scale, add(this.stretch().top, offset()))),
      variance: () =>
        mul(
          square(base.scale),
          average((s) => square(sub(s.offsets, unsqueeze(offset(), -1)))),
        ),
      mode: () => add(base.loc, mul(base.scale, this.stretch().top)),
      entropy: () => {
        const rise = average((s) => mul(s.offsets, add(s.offsets, mul(unsqueeze(s.top, -1), 2))));
        return add(mul(rise, 0.5), add(log(this.stretch().mass), base.logScale));
      },
    };
  }
}

/**
 * A normal distribution between two bounds: `loc` and `scale` are those of the normal before it is truncated. Either bound may be infinite
 * (the default). Shapes broadcast to the batch shape.
 *
 * Densities, moments and draws keep their digits far out in a tail (`TruncatedNormal(0, 1, 1e4)`) and in narrow intervals: the normaliser
 * is an integral of the density relative to its highest point between the bounds. Draws invert the distribution function in
 * logarithms, and are differentiable in all parameters, the bounds too.
 *
 * @example
 * await TruncatedNormal(0, 1, 0).mean().value(); // 0.7979
 *
 * @throws UsageError when `scale` is a known number that is not positive, or `high` is not above `low`.
 */
export function TruncatedNormal(
  loc: TensorLike,
  scale: TensorLike,
  low: TensorLike = Number.NEGATIVE_INFINITY,
  high: TensorLike = Number.POSITIVE_INFINITY,
): TruncatedNormalDistribution {
  const what = "TruncatedNormal";
  const [l, s, a, b] = operands(what, loc, scale, low, high);
  const base = Normal(l, s);
  const end = (given: TensorLike, t: Tensor): TensorLike => (typeof given === "number" ? given : t);
  return new TruncatedNormalDistribution(
    base,
    boundOf(what, "low", end(low, a), base),
    boundOf(what, "high", end(high, b), base),
  );
}
