/** ONNX Runtime: `onnxruntime-web`, on WebAssembly, and another build of it for graphics processors: that one has no float64. */
import type { Runtime, RuntimeOptions, Session } from "../node/runtime.ts";
import { onnxRuntimeWeb, releasedWhenCollected } from "./onnxruntime-web.ts";

export type { Runtime, Session };

/**
 * Loads the runtime. All its sessions share threads; the first session sets their number, and only a page that is isolated from other
 * origins has any. The runtime does not write into the arrays that `run` receives: they stay unchanged, or become zeros.
 */
export const loadRuntime = async ({ device, threads }: RuntimeOptions): Promise<Runtime> => {
  if (device !== "cpu") return (await import("./webgpu.ts")).loadWebGpu();
  const ort = await onnxRuntimeWeb(import("onnxruntime-web/wasm"));
  ort.env.logLevel = "error";
  if (threads !== undefined && globalThis.crossOriginIsolated) ort.env.wasm.numThreads = threads;
  return {
    Tensor: ort.Tensor,
    writesInPlace: false,
    threadsPerSession: false,
    createSession: async (bytes, options) => {
      const session = await ort.InferenceSession.create(bytes, options);
      return releasedWhenCollected({
        run: (feeds, fetches) => session.run(feeds, fetches),
        release: () => session.release(),
      });
    },
  };
};
