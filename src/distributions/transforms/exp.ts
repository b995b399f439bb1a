import { exp as exponential, log } from "../../tensor/index.ts";
import { positive, real } from "../constraints.ts";
import { elementwise } from "./transform.ts";

/**
 * y = eˣ, real → positive; ln |dy/dx| = x. Overflows above x = 88 in float32 (709 in float64), and is 0 below −104 (−745).
 *
 * @example
 * await transforms.exp.forward([0, 1]).value(); // [1, 2.718]
 */
export const exp = elementwise({
  name: "exp",
  domain: real,
  codomain: positive,
  forward: (x) => exponential(x),
  inverse: (y) => log(y),
  logDet: (x) => x,
});
