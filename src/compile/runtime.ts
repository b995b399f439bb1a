/** Sessions of ONNX Runtime, and its tensors. No declaration that users see reaches this file: the runtime's types need those of a page. */
import type { Tensor as OrtTensor } from "onnxruntime-common";
import { loadRuntime, type Runtime, type Session } from "#platform/runtime";
import { InternalError, ShapeError, TightboundError } from "../errors.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import type { Device, NativeOptions } from "./device.ts";
import type { OnnxModel } from "./onnx.ts";

const runtimes = new Map<Device, Promise<Runtime>>();

/** Loads ONNX Runtime when it is first needed: loading it takes most of the program's start-up time. In a page each device has one of its own. */
export function theRuntime(device: Device = "cpu", threads?: number): Promise<Runtime> {
  const known = runtimes.get(device);
  if (known !== undefined) return known;
  const loading = loadRuntime({ device, threads });
  runtimes.set(device, loading);
  // What keeps it away may pass: the next one asks again.
  loading.catch(() => runtimes.delete(device));
  return loading;
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

/** @throws UsageError when the device is not there, or the graph has float64 and the runtime for the device does not. */
export async function createSession(
  { threadsPerSession, noFloat64, noDevice, ...runtime }: Runtime,
  model: OnnxModel,
  options: SessionOptions,
): Promise<Session> {
  const { device = "cpu", outputsOn } = options;
  if (model.isWide && noFloat64) throw noFloat64(model.wideOp());
  try {
    return await runtime.createSession(model.bytes, {
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
    if (error instanceof TightboundError) throw error;
    const message = messageOf(error);
    if (device !== "cpu" && noDevice && message.includes("adapter")) throw noDevice(message);
    throw new InternalError(`ONNX Runtime refused the compiled graph: ${message}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The error of a run that the runtime broke off. */
export const runFailed = (error: unknown): TightboundError =>
  error instanceof TightboundError
    ? error
    : new ShapeError(`ONNX Runtime stopped while computing: ${messageOf(error)}`);

/** An array as the runtime's tensor. @throws ShapeError when it has another number of values. */
export function ortTensor({ Tensor: Value }: Runtime, t: Tensor, data: TypedArray): OrtTensor {
  if (data.length !== t.size) {
    throw new ShapeError(`${t}: expected ${t.size} values, found an array of ${data.length}.`);
  }
  return new Value(t.dtype, data, [...t.shape]);
}
