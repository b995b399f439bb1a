export {
  GaussianProcess,
  type GaussianProcessModel,
  type GaussianProcessOptions,
  type GaussianProcessValues,
  type ValuesOptions,
} from "./gaussian-process.ts";
export { type HilbertSpaceOptions, hilbertSpaceFeatures } from "./hilbert-space.ts";
export type { Kernel, KernelOptions, LinearKernelOptions, PeriodicOptions } from "./kernels.ts";
export * as kernels from "./kernels.ts";
export {
  SparseGaussianProcess,
  type SparseGaussianProcessModel,
  type SparseGaussianProcessOptions,
  type SparseMethod,
} from "./sparse.ts";
