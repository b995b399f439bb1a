// The product once more, compiled with relaxed instructions, for engines that have them.
export { timesMatrix32 } from "./product";

/** Where the module's own data ends. */
export function dataEnd(): usize {
  return __heap_base;
}
