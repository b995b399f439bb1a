import { zeros } from "../../tensor/index.ts";
import { real } from "../constraints.ts";
import { elementwise } from "./transform.ts";

/** y = x. */
export const identity = elementwise({
  name: "identity",
  domain: real,
  codomain: real,
  forward: (x) => x,
  inverse: (y) => y,
  logDet: (x) => zeros([], x.dtype),
});
