/**
 * Makes graphs run: they are simplified, then become generated JavaScript in float64 (host) or an ONNX model (native).
 *
 * @module
 */
import "./value.ts";

export { ArrayValue, type Feed } from "./array-value.ts";
export {
  type BuildOptions,
  build,
  type CompiledGraph,
  type CompileOptions,
  type Computed,
  checkDevice,
  compile,
  type Executor,
  type Traced,
} from "./compile.ts";
export { type Device, deviceRule, devices } from "./device.ts";
export { freeRows, ROWS } from "./free-rows.ts";
export { isElementwise, rewrite, topological } from "./graph.ts";
export { compileHost } from "./host.ts";
export { describeLeaf, initialValues, type NoiseFiller, type NoisePart, noiseFiller } from "./leaves.ts";
export { lowerToOnnx, type OnnxModel, type OnnxOptions } from "./onnx.ts";
export { fromPlainGraph, type PlainGraph, toPlainGraph } from "./plain-graph.ts";
export { inPrecision } from "./precision.ts";
export { buildResident, type Resident, type ResidentGraph, type ResidentRun } from "./resident.ts";
export { flushSubnormals, preloadNative } from "./session.ts";
export { simplify } from "./simplify.ts";
export { chooseExecutor, hostWork } from "./work.ts";
