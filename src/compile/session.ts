/** The `native` executor: a graph as one ONNX model, run by ONNX Runtime. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import { loadRuntime, type Runtime } from "#platform/runtime";
import { InternalError, ShapeError, UsageError } from "../errors.ts";
import { ceilings } from "../limits.ts";
import type { OptionRule } from "../options.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import { lowerToOnnx, type OnnxModel } from "./onnx.ts";
import { runUnreturned } from "./unreturned.ts";

export interface NativeOptions {
  /** Threads within an op; default one for each core. */
  readonly threads?: number;
  /** Whether the runtime's threads spin while they wait for work (fast, the default) or sleep between calls (quiet). */
  readonly spin?: boolean;
  /** Where the graph runs; ops that a device does not have run on the processor. Default `cpu`. */
  readonly device?: Device;
}

export interface NativeProgram {
  readonly leaves: readonly Tensor[];
  /** Number of ONNX nodes before the runtime's own optimisation. */
  readonly nodes: number;
  /** Fixes the arrays to read and write: the runtime works on them in place, without copies. */
  bind(leaves: readonly TypedArray[], outputs: readonly TypedArray[]): () => Promise<void>;
  /** Frees the session's threads and memory; bound functions must not run afterwards. */
  release(): Promise<void>;
}

let runtime: Promise<Runtime> | undefined;

/** Loads ONNX Runtime when it is first needed: loading it takes most of the program's start-up time. */
export function theRuntime(threads?: number): Promise<Runtime> {
  runtime ??= loadRuntime(threads);
  return runtime;
}

/** Starts loading the runtime without waiting for it, so that it overlaps other work. */
export const preloadNative = (): void => {
  void theRuntime().catch(() => undefined);
};

const MOST_THREADS = ceilings.threads.most;

const checkThreads = ({ threads }: NativeOptions): void => {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) return;
  throw new UsageError(
    `threads: expected a whole number from 1 to ${MOST_THREADS}, found ${threads}. More threads than cores do not make it faster.`,
  );
};

let flushes = false;

/**
 * From now on the native executor treats numbers below 1e-38 as 0, and so does JavaScript on the calling thread for numbers below
 * 2.2e-308: the runtime sets the mode of that thread with its first session and never resets it. For programs that own their
 * thread. A processor may need hundreds of cycles for each such number, and there are many if a probability is almost 0 or a unit is
 * dead: a step of M2 took five times as long after 3,000 steps. Call it before anything is compiled.
 */
export const flushSubnormals = (): void => {
  flushes = true;
};

/** From this number of nodes on, the runtime's optimisers cost more than they save: their time is quadratic in the size of a wide graph. */
const MANY_NODES = 2000;

/** The runtime's rewrites that a model is subject to. */
function optimizationLevel({ isWide, nodes }: OnnxModel): "disabled" | "basic" | "all" {
  if (nodes > MANY_NODES) return "disabled";
  // Fusions beyond the basic ones keep factors in float32 even in a float64 graph, or have no float64 kernel.
  return isWide ? "basic" : "all";
}

/** Where a graph runs: the processor, or a graphics processor through WebGPU (Vulkan, Metal or Direct3D). */
export type Device = "cpu" | "webgpu";

/** The names of the devices. */
export const devices: readonly Device[] = ["cpu", "webgpu"];

/** The rule of an option that names a device. */
export const deviceRule: OptionRule = (value) =>
  devices.some((name) => name === value) ? undefined : devices.join(" or ");

interface SessionOptions extends NativeOptions {
  /** Where outputs are left, by name. Default: all in the memory of the processor. */
  readonly outputsOn?: ReadonlyMap<string, "cpu" | "gpu-buffer">;
}

/** @throws UsageError when the device is not there. */
export async function createSession(
  { ort, threadsPerSession, findDevice }: Runtime,
  model: OnnxModel,
  options: SessionOptions,
): Promise<InferenceSession> {
  const { device = "cpu", outputsOn } = options;
  if (device !== "cpu") findDevice(device);
  try {
    return await ort.InferenceSession.create(model.bytes, {
      executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
      ...(outputsOn && { preferredOutputLocation: Object.fromEntries(outputsOn) }),
      graphOptimizationLevel: optimizationLevel(model),
      executionMode: "sequential",
      logSeverityLevel: 3,
      ...(threadsPerSession && options.threads !== undefined && { intraOpNumThreads: options.threads }),
      extra: {
        session: {
          set_denormal_as_zero: flushes ? "1" : "0",
          ...(options.spin === false && { intra_op: { allow_spinning: "0" } }),
        },
      },
    });
  } catch (error) {
    const message = messageOf(error);
    if (device !== "cpu" && message.includes("adapter")) throw noDevice(device);
    throw new InternalError(`ONNX Runtime refused the compiled graph: ${message}`);
  }
}

const noDevice = (device: Device): UsageError =>
  new UsageError(
    `device ${device}: expected a graphics processor with a driver for Vulkan (on Linux), Metal or Direct3D 12; found none. On Linux install ` +
      "libvulkan1 and the maker's driver, whose description is a .json file in /usr/share/vulkan/icd.d or /etc/vulkan/icd.d; if it is elsewhere, name it in " +
      "the environment variable VK_DRIVER_FILES. Or leave out the device: the processor computes the same.",
  );

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The error of a run that the runtime broke off. */
export const runFailed = (error: unknown): ShapeError =>
  new ShapeError(`ONNX Runtime stopped while computing: ${messageOf(error)}`);

/** An array as the runtime's tensor. @throws ShapeError when it has another number of values. */
export function ortTensor({ ort }: Runtime, t: Tensor, data: TypedArray): OrtTensor {
  if (data.length !== t.size) {
    throw new ShapeError(`${t}: expected ${t.size} values, found an array of ${data.length}.`);
  }
  return new ort.Tensor(t.dtype, data, [...t.shape]);
}

/** Copies what a run returned into the arrays that were bound. */
function copyOutputs(
  returned: InferenceSession.OnnxValueMapType,
  fetches: Readonly<Record<string, OrtTensor>>,
): void {
  for (const [name, { data: target }] of Object.entries(fetches)) {
    const { data } = returned[name] as OrtTensor;
    (target as Float32Array).set(data as Float32Array);
  }
}

/** If all outputs together have at least this many numbers, they are not returned: the exception costs less than copying them. */
const MANY_NUMBERS = 2 ** 16;

/** Compiles `outputs` to a session of ONNX Runtime. Tensors without elements are left out of it. */
export async function compileNative(
  outputs: readonly Tensor[],
  options: NativeOptions = {},
): Promise<NativeProgram> {
  const filled = outputs.flatMap((t, at) => (t.size > 0 ? [{ t, at }] : []));
  const isLarge = filled.reduce((sum, { t }) => sum + t.size, 0) >= MANY_NUMBERS;
  checkThreads(options);
  const runtime = await theRuntime(options.threads);
  const { writesInPlace } = runtime;
  const isUnreturned = isLarge && writesInPlace && (options.device ?? "cpu") === "cpu";
  const model = lowerToOnnx(
    filled.map(({ t }) => t),
    { unreturned: isUnreturned, webgpu: options.device === "webgpu" },
  );
  const session = filled.length === 0 ? undefined : await createSession(runtime, model, options);
  const wrap = (t: Tensor, data: TypedArray): OrtTensor => ortTensor(runtime, t, data);
  return {
    leaves: model.leaves.map(({ leaf }) => leaf),
    nodes: model.nodes,
    release: async () => session?.release(),
    bind(leaves, written) {
      const feeds = Object.fromEntries(
        model.leaves.map(({ name, leaf }, i) => [name, wrap(leaf, leaves[i])]),
      );
      const fetches = Object.fromEntries(
        filled.map(({ t, at }, i) => [model.outputs[i], wrap(t, written[at])]),
      );
      return async () => {
        try {
          if (session === undefined) return;
          if (isUnreturned) await runUnreturned(session, feeds, fetches);
          else if (writesInPlace) await session.run(feeds, fetches);
          else copyOutputs(await session.run(feeds), fetches);
        } catch (error) {
          throw runFailed(error);
        }
      };
    },
  };
}
