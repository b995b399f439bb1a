import { sigmoid as logistic, mul, softplus, sub } from "../../tensor/index.ts";
import { real, unitInterval } from "../constraints.ts";
import { logComplementOf, logOf } from "../logarithms.ts";
import { elementwise } from "./transform.ts";

/**
 * y = 1 / (1 + e⁻ˣ), real → unitInterval; ln |dy/dx| = x − 2 softplus(x), exact in the tails.
 *
 * y itself rounds to 1 for x above 17 in float32 (37 in float64). If y was computed from x while a program was traced, its density and
 * the inverse use that x and lose nothing; the inverse of the numbers 0 and 1 is ∓∞.
 */
export const sigmoid = elementwise({
  name: "sigmoid",
  domain: real,
  codomain: unitInterval,
  forward: (x) => logistic(x),
  inverse: (y) => sub(logOf(y), logComplementOf(y)),
  logDet: (x) => sub(x, mul(softplus(x), 2)),
});
