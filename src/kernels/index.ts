export { type Float32Kernels, float32Kernels, PANEL } from "./float32.ts";
export {
  type ArrayOf,
  type Dtype,
  kernelsOf,
  MemoryPlan,
  type PlannedMemory,
  type Slot,
} from "./memory.ts";
export { instantiateKernels, type Kernels, RESERVED_BYTES } from "./module.ts";
export { type ThreadedMemories, threadsFor } from "./threaded.ts";
