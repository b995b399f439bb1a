export { erf, erfc } from "./erf.ts";
export { type Algebra, float32Algebra, float64Algebra, type Precision } from "./expansions/algebra.ts";
export { expandErf } from "./expansions/erf.ts";
export { expandLgamma } from "./expansions/lgamma.ts";
export { expandDigamma, expandPolygamma } from "./expansions/polygamma.ts";
export type { Domain } from "./expansions/reflection.ts";
export { lgamma } from "./lgamma.ts";
export { erfinv, ndtri } from "./ndtri.ts";
export { digamma, polygamma } from "./polygamma.ts";
