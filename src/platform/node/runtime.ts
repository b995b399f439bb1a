/** ONNX Runtime: `onnxruntime-node`. */

/** The runtime, and how it gives back what it computes. */
export interface Runtime {
  readonly ort: Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;
  /** Whether outputs are written into the arrays that `run` is given. Otherwise they are copied there from what it returns. */
  readonly writesInPlace: boolean;
  /** Whether each session has threads of its own, as many as it asks for. */
  readonly threadsPerSession: boolean;
}

/** Loads the runtime. `threads` counts where all sessions share them. */
export const loadRuntime = async (_threads?: number): Promise<Runtime> => {
  const ort = await import("onnxruntime-node");
  ort.env.logLevel = "error";
  return { ort, writesInPlace: true, threadsPerSession: true };
};
