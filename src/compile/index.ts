import "./value.ts";

export { ArrayValue, type Feed } from "./array-value.ts";
export {
  type BuildOptions,
  build,
  type CompiledGraph,
  type CompileOptions,
  compile,
  type Executor,
} from "./compile.ts";
export { lowerToOnnx } from "./onnx.ts";
export { preloadNative } from "./session.ts";
