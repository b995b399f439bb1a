/** Sessions of ONNX Runtime, and its tensors. No declaration that users see reaches this file: the runtime's types need those of a page. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import { loadRuntime, type Runtime } from "#platform/runtime";
import { InternalError, ShapeError, UsageError } from "../errors.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import type { Device, NativeOptions } from "./device.ts";
import type { OnnxModel } from "./onnx.ts";

let runtime: Promise<Runtime> | undefined;

/** Loads ONNX Runtime when it is first needed: loading it takes most of the program's start-up time. */
export function theRuntime(threads?: number): Promise<Runtime> {
  runtime ??= loadRuntime(threads);
  return runtime;
}

/** How all later sessions treat subnormal numbers: see `flushSubnormals`. */
export const sessionMode = { flushes: false };

/** From this number of nodes on, the runtime's optimisers cost more than they save: their time is quadratic in the size of a wide graph. */
const MANY_NODES = 2000;

/** The runtime's rewrites that a model is subject to. */
function optimizationLevel({ isWide, nodes }: OnnxModel): "disabled" | "basic" | "all" {
  if (nodes > MANY_NODES) return "disabled";
  // Fusions beyond the basic ones keep factors in float32 even in a float64 graph, or have no float64 kernel.
  return isWide ? "basic" : "all";
}

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
          set_denormal_as_zero: sessionMode.flushes ? "1" : "0",
          ...(options.spin === false && { intra_op: { allow_spinning: "0" } }),
          ...(options.spin === "within" && { force_spinning_stop: "1" }),
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
