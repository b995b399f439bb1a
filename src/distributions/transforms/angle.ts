import { add, div, floor, logSigmoid, mul, stopGradient, sub } from "../../tensor/index.ts";
import { angle as angleConstraint, real } from "../constraints.ts";
import { elementwise } from "./transform.ts";

const TURN = 2 * Math.PI;
/** ln(1 − e^−2π), a constant of the window σ(x + π) − σ(x − π) = σ(x + π) σ(π − x) (1 − e^−2π). */
const LOG_SHARE = Math.log1p(-Math.exp(-TURN));

/**
 * A real number as an angle in [−π, π): y = x minus whole turns, real → angle. It winds the line around the circle, so every angle has
 * one number in each turn. In place of the log determinant it uses the logarithm of a window, w(x) = σ(x + π) − σ(x − π), which divides a
 * density on the circle among the turns: Σₖ w(x + 2πk) = 1. The density on the line then has the same total as the one on the circle,
 * and for a guide or a sampler ±π is a place like any other. The inverse is the angle itself, or the number that the angle was computed
 * from while a program was traced.
 *
 * Means and standard deviations of angles depend on where the circle is cut; use the mean of their sines and cosines.
 */
export const angle = elementwise({
  name: "angle",
  domain: real,
  codomain: angleConstraint,
  forward: (x) => sub(x, mul(stopGradient(floor(div(add(x, Math.PI), TURN))), TURN)),
  inverse: (y) => y,
  logDet: (x) => add(add(logSigmoid(add(x, Math.PI)), logSigmoid(sub(Math.PI, x))), LOG_SHARE),
});
