import { add, tanh as hyperbolicTangent, log1p, mul, neg, softplus, sub } from "../../tensor/index.ts";
import { interval, real } from "../constraints.ts";
import { elementwise } from "./transform.ts";

/**
 * y = tanh x, real → (−1, 1); ln |dy/dx| = 2 (ln 2 − x − softplus(−2x)), exact in the tails.
 *
 * y itself rounds to ±1 for |x| above 9 in float32 (19 in float64). If y was computed from x while a program was traced, the inverse is
 * that x; the inverse of the numbers ±1 is ±∞.
 */
export const tanh = elementwise({
  name: "tanh",
  domain: real,
  codomain: interval(-1, 1),
  forward: (x) => hyperbolicTangent(x),
  inverse: (y) => mul(sub(log1p(y), log1p(neg(y))), 0.5),
  logDet: (x) => mul(sub(Math.LN2, add(x, softplus(mul(x, -2)))), 2),
});
