/** ONNX Runtime: `onnxruntime-node`. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The runtime, and how it returns its results. */
export interface Runtime {
  readonly ort: Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;
  /** Whether `run` writes outputs into the arrays that it receives. If not, they are copied there from its result. */
  readonly writesInPlace: boolean;
  /** Whether each session has its own threads, as many as it asks for. */
  readonly threadsPerSession: boolean;
  /**
   * Prepares for sessions on another device than the processor.
   * @throws UsageError when this platform has none.
   */
  findDevice(device: string): void;
}

/** Folders in which Vulkan's loader looks for drivers. */
const DRIVERS = [
  "/usr/share/vulkan/icd.d",
  "/etc/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
  "/usr/local/etc/vulkan/icd.d",
];

/** Where NVIDIA's packages and containers leave the description of their driver when it is not in one of those. */
const ELSEWHERE = ["/usr/share/nvidia/nvidia_icd.json", "/usr/lib/x86_64-linux-gnu/nvidia/nvidia_icd.json"];

const hasDriver = (folder: string): boolean => {
  try {
    return readdirSync(folder).some((name) => name.endsWith(".json"));
  } catch {
    return false;
  }
};

/** Names a driver for Vulkan's loader if it would find none by itself. */
function findDriver(): void {
  const { env, platform } = process;
  if (platform !== "linux" || env.VK_DRIVER_FILES !== undefined || env.VK_ICD_FILENAMES !== undefined) return;
  const own = env.HOME === undefined ? [] : [join(env.HOME, ".local/share/vulkan/icd.d")];
  if ([...DRIVERS, ...own].some(hasDriver)) return;
  const found = ELSEWHERE.find((path) => existsSync(path));
  if (found !== undefined) env.VK_DRIVER_FILES = found;
}

/** Loads the runtime. `threads` only has an effect if all sessions share them. */
export const loadRuntime = async (_threads?: number): Promise<Runtime> => {
  const ort = await import("onnxruntime-node");
  ort.env.logLevel = "error";
  return { ort, writesInPlace: true, threadsPerSession: true, findDevice: findDriver };
};
