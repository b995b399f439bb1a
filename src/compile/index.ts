/**
 * Graphs made to run: simplified, then generated JavaScript in float64 (host) or an ONNX model (native).
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
  compile,
  type Executor,
  type Traced,
} from "./compile.ts";
export { freeRows, ROWS } from "./free-rows.ts";
export { lowerToOnnx, type OnnxModel, type OnnxOptions, onnxGraph } from "./onnx.ts";
export { flushSubnormals, preloadNative } from "./session.ts";
