/** ONNX Runtime: `onnxruntime-web`, on WebAssembly, and another build of it for graphics processors: that one has no float64. */
import type { Runtime, RuntimeOptions, Session } from "../node/runtime.ts";

export type { Runtime, Session };

/** Loads the runtime of a device. */
export const loadRuntime = async ({ device, threads }: RuntimeOptions): Promise<Runtime> =>
  device === "cpu"
    ? (await import("./wasm.ts")).loadWasm(threads)
    : (await import("./webgpu.ts")).loadWebGpu();
