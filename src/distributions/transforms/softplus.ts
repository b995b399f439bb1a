import { add, exp, expm1, greater, log, log1p, logSigmoid, neg, where } from "../../tensor/index.ts";
import { positive, real } from "../constraints.ts";
import { elementwise } from "./transform.ts";

/**
 * y = ln(1 + eˣ), real → positive: eˣ far below 0, x far above it, so that it does not overflow. ln |dy/dx| = ln σ(x).
 *
 * The tail below 0 keeps its relative accuracy (1e-9 is not rounded to 0), and so does the inverse, y + ln(1 − e⁻ʸ).
 */
export const softplus = elementwise({
  name: "softplus",
  domain: real,
  codomain: positive,
  forward: (x) => {
    const above = greater(x, 0);
    const tail = log1p(exp(where(above, neg(x), x)));
    return add(where(above, x, 0), tail);
  },
  inverse: (y) => add(y, log(neg(expm1(neg(y))))),
  logDet: (x) => logSigmoid(x),
});
