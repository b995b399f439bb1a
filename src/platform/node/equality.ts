/** Whether two plain values are equal, by Node. */
export { isDeepStrictEqual } from "node:util";
