/** ONNX Runtime: `onnxruntime-web`, on WebAssembly, and another build of it for graphics processors: that one has no float64. */
import type { Runtime, RuntimeOptions, Session } from "../node/runtime.ts";
import { cores } from "./machine.ts";

export type { Runtime, Session };

/**
 * Whether a graph in float32 is sooner run by our own kernels than by the runtime: on one thread a VAE's step takes them two thirds of the time, and nothing has to be loaded. Only a
 * page that is isolated from other origins has threads.
 */
export const prefersOwnKernels = ({ threads = cores() }: Pick<RuntimeOptions, "threads">): boolean =>
  !globalThis.crossOriginIsolated || threads === 1;

/** Loads the runtime of a device. */
export const loadRuntime = async ({ device, threads }: RuntimeOptions): Promise<Runtime> =>
  device === "cpu"
    ? (await import("./wasm.ts")).loadWasm(threads)
    : (await import("./webgpu.ts")).loadWebGpu();
