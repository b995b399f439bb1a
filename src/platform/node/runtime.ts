/** ONNX Runtime: `onnxruntime-node`. */

/** The runtime, and how it returns its results. */
export interface Runtime {
  readonly ort: Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;
  /** Whether `run` writes outputs into the arrays that it receives. If not, they are copied there from its result. */
  readonly writesInPlace: boolean;
  /** Whether each session has its own threads, as many as it asks for. */
  readonly threadsPerSession: boolean;
}

/** Loads the runtime. `threads` only has an effect if all sessions share them. */
export const loadRuntime = async (_threads?: number): Promise<Runtime> => {
  const ort = await import("onnxruntime-node");
  ort.env.logLevel = "error";
  return { ort, writesInPlace: true, threadsPerSession: true };
};
