import { add, clip, div, mul, neg, sub } from "../../tensor/ops/arithmetic.ts";
import { greater } from "../../tensor/ops/comparison.ts";
import { exp, log, log1p, softplus } from "../../tensor/ops/transcendental.ts";
import { where } from "../../tensor/ops/where.ts";
import { real, unitInterval } from "../constraints.ts";
import { tiniest } from "../numerics.ts";
import { gapBelowOne } from "./limits.ts";
import { elementwise } from "./transform.ts";

/**
 * y = 1 / (1 + e⁻ˣ), real → unitInterval; ln |dy/dx| = x − 2 softplus(x), exact in the tails.
 *
 * y is held off 0 and 1 by the last number of its dtype, so that a density of y stays finite; the round trip is lost where
 * y rounds to them (x above 17 in float32, 37 in float64). The inverse of 0 and 1 themselves is ∓∞.
 */
export const sigmoid = elementwise({
  name: "sigmoid",
  domain: real,
  codomain: unitInterval,
  forward: (x) => {
    // Not the logistic of the runtime, whose error is absolute: near 0 it would be all there is.
    const above = greater(x, 0);
    const e = exp(where(above, neg(x), x));
    return clip(div(where(above, 1, e), add(e, 1)), tiniest(x.dtype), 1 - gapBelowOne(x.dtype));
  },
  inverse: (y) => sub(log(y), log1p(neg(y))),
  logDet: (x) => sub(x, mul(softplus(x), 2)),
});
