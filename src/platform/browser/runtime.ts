/** ONNX Runtime: `onnxruntime-web`, on WebAssembly. (Its WebGPU builds have no float64 on the CPU.) */
import { UsageError } from "../../errors.ts";
import type { Runtime } from "../node/runtime.ts";

export type { Runtime };

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Loads the runtime. All its sessions share threads; the first session sets their number, and only a page that is isolated from other
 * origins has any. The runtime does not write into the arrays that `run` receives: they stay unchanged, or become zeros.
 */
export const loadRuntime = async (threads?: number): Promise<Runtime> => {
  const ort = await import("onnxruntime-web/wasm").catch((error: unknown) => {
    throw new UsageError(
      `the native executor needs the package onnxruntime-web in a browser, which could not be loaded (${messageOf(error)}). ` +
        'Install it (npm install onnxruntime-web), or choose executor: "host".',
    );
  });
  ort.env.logLevel = "error";
  if (threads !== undefined && globalThis.crossOriginIsolated) ort.env.wasm.numThreads = threads;
  const findDevice = (device: string): never => {
    throw new UsageError(
      `device ${device}: in a page only the processor is used so far; leave out the device, or train with Node.`,
    );
  };
  return { ort, writesInPlace: false, threadsPerSession: false, findDevice };
};
