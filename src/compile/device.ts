/** Where and how a graph runs natively. */
import type { OptionRule } from "../options.ts";

export interface NativeOptions {
  /** Threads within an op; default one for each core. */
  readonly threads?: number;
  /**
   * Whether the runtime's threads spin while they wait for work (true: fast, the default) or sleep (false: quiet). `"within"`: they spin while the
   * graph runs and sleep between runs, so that others can use the cores there.
   */
  readonly spin?: boolean | "within";
  /** Where the graph runs; ops that a device does not have run on the processor. In a page those of float64 are refused. Default `cpu`. */
  readonly device?: Device;
}

/** Where a graph runs: the processor, or a graphics processor through WebGPU (Vulkan, Metal or Direct3D). */
export type Device = "cpu" | "webgpu";

/** The names of the devices. */
export const devices: readonly Device[] = ["cpu", "webgpu"];

/** The rule of an option that names a device. */
export const deviceRule: OptionRule = (value) =>
  devices.some((name) => name === value) ? undefined : devices.join(" or ");
