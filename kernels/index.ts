// The one WebAssembly module of the library: kernels over flat buffers in an imported memory. Every address
// is a byte offset, every count a number of elements, and nothing here allocates.
export { adam } from "./adam";
export { timesMatrix, timesVector, transposedTimesVector } from "./product";
export { bits, toBernoulli32, toNormal32, toNormal64, toUniform32, toUniform64 } from "./random";
export { addTo, firstNonFinite, sumOfSquares } from "./reduce";
export { rmsprop, rmspropMomentum } from "./rmsprop";
export { sgd, sgdMomentum } from "./sgd";
export { widenBytes } from "./widen";

/** Where the kernels' own data ends; the build checks that it stays below what the planner leaves free. */
export function dataEnd(): usize {
  return __heap_base;
}
