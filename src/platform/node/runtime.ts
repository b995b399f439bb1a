/** ONNX Runtime: `onnxruntime-node`. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-common";
import { UsageError } from "../../errors.ts";

/** What a runtime is loaded for. */
export interface RuntimeOptions {
  readonly device: "cpu" | "webgpu";
  /** Threads of all sessions together, if they share them. */
  readonly threads: number | undefined;
}

/** A model that the runtime has taken. */
export interface Session {
  /** `fetches`: what results to compute and, where the runtime writes in place, the arrays for them. Default: all. */
  run(
    feeds: InferenceSession.OnnxValueMapType,
    fetches?: InferenceSession.NullableOnnxValueMapType,
  ): Promise<InferenceSession.OnnxValueMapType>;
  /** Frees its memory and threads. It must not run afterwards. */
  release(): Promise<void>;
}

/** The runtime, and how it returns its results. */
export interface Runtime {
  readonly Tensor: typeof import("onnxruntime-common").Tensor;
  /** Whether `run` writes outputs into the arrays that it receives. If not, they are copied there from its result. */
  readonly writesInPlace: boolean;
  /** Whether each session has its own threads, as many as it asks for. */
  readonly threadsPerSession: boolean;
  /** The error of a session for which there is no device; `found` is what the runtime said. */
  readonly noDevice?: (found: string) => UsageError;
  /** The error of a graph with float64, if the runtime has none; `op` is what needs it. */
  readonly noFloat64?: (op: string) => UsageError;
  createSession(bytes: Uint8Array, options: InferenceSession.SessionOptions): Promise<Session>;
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

/** What Vulkan's loader had to go by, in words; empty on systems that have no such loader. */
function lookedFor(): string {
  const { env, platform } = process;
  if (platform !== "linux") return "";
  const named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].find((name) => env[name]);
  if (named !== undefined) {
    const missing = String(env[named])
      .split(":")
      .filter((path) => !existsSync(path));
    const which = missing.length === 0 ? "" : `, where there is no ${missing.join(" and no ")}`;
    return ` with ${named}=${env[named]}${which}`;
  }
  const folders = DRIVERS.filter(hasDriver);
  return folders.length === 0
    ? `: no description of a driver in ${DRIVERS.join(", ")}`
    : ` that works, though ${folders.join(" and ")} describe a driver`;
}

const noDevice = (): UsageError =>
  new UsageError(
    `device webgpu: expected a graphics processor with a driver for Vulkan (on Linux), Metal or Direct3D 12; found none${lookedFor()}. On Linux install ` +
      "libvulkan1 and the maker's driver, whose description is a .json file in /usr/share/vulkan/icd.d or /etc/vulkan/icd.d; if it is elsewhere, name it in " +
      "the environment variable VK_DRIVER_FILES. Or leave out the device: the processor computes the same.",
  );

/** Whether a graph in float32 is sooner run by our own kernels than by the runtime. */
export const prefersOwnKernels = (_: Pick<RuntimeOptions, "threads">): boolean => false;

/** Loads the runtime. */
export const loadRuntime = async ({ device }: RuntimeOptions): Promise<Runtime> => {
  const ort = await import("onnxruntime-node");
  ort.env.logLevel = "error";
  if (device !== "cpu") findDriver();
  return {
    Tensor: ort.Tensor,
    writesInPlace: true,
    threadsPerSession: true,
    noDevice,
    createSession: (bytes, options) => ort.InferenceSession.create(bytes, options),
  };
};
