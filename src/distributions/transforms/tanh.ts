import { add, clip, mul, neg, sub } from "../../tensor/ops/arithmetic.ts";
import { tanh as hyperbolicTangent, log1p, softplus } from "../../tensor/ops/transcendental.ts";
import { interval, real } from "../constraints.ts";
import { gapBelowOne } from "./limits.ts";
import { elementwise } from "./transform.ts";

/**
 * y = tanh x, real → (−1, 1); ln |dy/dx| = 2 (ln 2 − x − softplus(−2x)), exact in the tails.
 *
 * y is held off ±1 by the last number of its dtype; the round trip is lost where y rounds to them (|x| above 9 in float32,
 * 19 in float64). The inverse of ±1 themselves is ±∞.
 */
export const tanh = elementwise({
  name: "tanh",
  domain: real,
  codomain: interval(-1, 1),
  forward: (x) => {
    const end = 1 - gapBelowOne(x.dtype);
    return clip(hyperbolicTangent(x), -end, end);
  },
  inverse: (y) => mul(sub(log1p(y), log1p(neg(y))), 0.5),
  logDet: (x) => mul(sub(Math.LN2, add(x, softplus(mul(x, -2)))), 2),
});
