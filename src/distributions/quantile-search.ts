/** Quantiles of distribution functions that have no inverse in closed form: a search of a fixed number of steps, as an expression. */
import {
  abs,
  add,
  broadcastShapes,
  cast,
  div,
  exp,
  expand,
  expm1,
  floor,
  full,
  implicitly,
  less,
  lessEqual,
  log1p,
  maximum,
  minimum,
  mul,
  scan,
  stopGradient,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import type { Cumulative } from "./cumulative.ts";
import { logOneMinusExp } from "./logarithms.ts";

/** A probability by the logarithms of both tails: P(X ≤ x) = eˡ and P(X > x) = eᵘ. */
export interface LogTails {
  readonly lower: Tensor;
  readonly upper: Tensor;
}

/** Both tails of a distribution function, and its density if it has one. */
export type Searched = Pick<Cumulative, "logCdf" | "logSurvival"> & {
  readonly logDensity: (x: Tensor) => Tensor;
};

/** A probability from the logarithm of one tail. */
export const tailsFrom = (l: Tensor, upper: boolean): LogTails =>
  upper ? { lower: logOneMinusExp(l), upper: l } : { lower: l, upper: logOneMinusExp(l) };

/** How far the distribution function at x is beyond the probability, in nats of the smaller tail: 0 at the quantile, and it grows with x. */
function excessAt({ logCdf, logSurvival }: Pick<Searched, "logCdf" | "logSurvival">, p: LogTails) {
  const right = less(p.upper, p.lower);
  return (x: Tensor): Tensor => where(right, sub(p.upper, logSurvival(x)), sub(logCdf(x), p.lower));
}

/** Halvings after which a bracket is as narrow as the rounding of its ends. */
const halvings = ({ dtype }: Tensor): number => (dtype === "float64" ? 64 : 34);

/** All of one shape, as the carry of a loop needs them. */
function together(...all: readonly Tensor[]): Tensor[] {
  const shape = broadcastShapes("quantile", ...all.map((t) => t.shape));
  return all.map((t) => expand(t, shape));
}

/** An interval that holds the quantile. */
export interface Bracket {
  readonly low: Tensor;
  readonly high: Tensor;
}

/** The smallest whole number in a bracket whose distribution function is large enough. It has no derivatives. */
export function searchCounts(
  of: Pick<Searched, "logCdf" | "logSurvival">,
  p: LogTails,
  bracket: Bracket,
): Tensor {
  const excess = excessAt(of, p);
  const { dtype } = p.lower;
  const [first, last] = together(
    stopGradient(cast(bracket.low, dtype)),
    stopGradient(cast(bracket.high, dtype)),
    p.lower,
    of.logCdf(stopGradient(cast(bracket.low, dtype))),
  );
  // A value whose probability is the given one but for rounding is enough.
  const rounding = mul(
    maximum(abs(minimum(p.lower, p.upper)), 1),
    dtype === "float64" ? -(2 ** -50) : -(2 ** -21),
  );
  const { carry } = scan(
    { low: first, high: last },
    undefined,
    ({ low, high }) => {
      const middle = floor(mul(add(low, high), 0.5));
      const short = less(excess(middle), rounding);
      return {
        carry: { low: where(short, add(middle, 1), low), high: where(short, high, middle) },
        output: low,
      };
    },
    { length: halvings(p.lower) },
  );
  return stopGradient(where(lessEqual(first, last), carry.high, Number.NaN));
}

/** Decades below the bracket's larger end within which a quantile near 0 has all its digits. */
const DECADES = 1e-24;

/**
 * The quantile in a bracket: halved on a scale that is linear near 0 and logarithmic further out, and then two of Newton's steps from there. Its derivatives
 * of every order are those of the equation F(x) = p: x′ = 1/p(x) in the probability. Where the density underflows, a gap between components, the
 * distribution function is flat and the derivatives are 0.
 */
export function searchReals(of: Searched, p: LogTails, bracket: Bracket): Tensor {
  const { dtype } = p.lower;
  const [first, last] = together(
    stopGradient(bracket.low),
    stopGradient(bracket.high),
    p.lower,
    // Of the parameters' shape; its values are not computed.
    of.logCdf(stopGradient(bracket.low)),
  );
  const widest = maximum(abs(first), abs(last));
  const unit = where(less(0, widest), mul(widest, DECADES), full([], 1, dtype));
  const toScale = (x: Tensor): Tensor => {
    const size = log1p(div(abs(x), unit));
    return where(less(x, 0), mul(size, -1), size);
  };
  const fromScale = (y: Tensor): Tensor => {
    const size = mul(unit, expm1(abs(y)));
    return where(less(y, 0), mul(size, -1), size);
  };
  const fixed = excessAt(of, { lower: stopGradient(p.lower), upper: stopGradient(p.upper) });
  const { carry } = scan(
    { low: toScale(first), high: toScale(last) },
    undefined,
    ({ low, high }) => {
      const middle = mul(add(low, high), 0.5);
      const short = less(fixed(fromScale(middle)), 0);
      return { carry: { low: where(short, middle, low), high: where(short, high, middle) } };
    },
    { length: halvings(p.lower) },
  );
  const found = stopGradient(minimum(maximum(fromScale(carry.high), first), last));
  // What is left is the rounding of the scale; a longer step comes from a density that is nearly 0.
  const near = mul(abs(found), dtype === "float64" ? 1e-9 : 1e-4);
  const [from, to] = [maximum(sub(found, near), first), minimum(add(found, near), last)];
  const right = less(p.upper, p.lower);
  const slopeAt = (x: Tensor): Tensor =>
    exp(sub(of.logDensity(x), where(right, of.logSurvival(x), of.logCdf(x))));
  const step = (x: Tensor): Tensor => {
    const slope = slopeAt(x);
    const flat = lessEqual(slope, 0);
    const next = sub(x, where(flat, 0, div(fixed(x), where(flat, 1, slope))));
    return minimum(maximum(next, from), to);
  };
  return implicitly(stopGradient(step(step(found))), (x) => ({
    residual: excessAt(of, p)(x),
    slope: slopeAt(x),
  }));
}

/** Quantiles at a probability, from the smaller of the tails, which has the digits. */
export function quantileOf(
  of: (l: Tensor, which: "logIcdf" | "logIsf") => Tensor,
  { lower, upper }: LogTails,
): Tensor {
  const right = less(upper, lower);
  const [fromUpper, fromLower] = [
    of(where(right, upper, -1), "logIsf"),
    of(where(right, -1, lower), "logIcdf"),
  ];
  const chosen = unsqueeze(right, -1);
  return where(chosen, fromUpper, fromLower);
}
