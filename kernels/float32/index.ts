// A second module: products and functions in float32, for graphs that run without a runtime.
export { exp32, log32, sigmoid32, softplus32, tanh32 } from "./functions";
export { timesMatrix32 } from "./product";

/** Where the module's own data ends. */
export function dataEnd(): usize {
  return __heap_base;
}
