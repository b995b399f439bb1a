/** The build of ONNX Runtime for the processor, on WebAssembly. */
import type { Runtime } from "../node/runtime.ts";
import { onnxRuntimeWeb, releasedWhenCollected } from "./onnxruntime-web.ts";

/**
 * All its sessions share threads; the first session sets their number, and only a page that is isolated from other origins has any. The runtime
 * does not write into the arrays that `run` receives: they stay unchanged, or become zeros.
 */
export async function loadWasm(threads: number | undefined): Promise<Runtime> {
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
}
