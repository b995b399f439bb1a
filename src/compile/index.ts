import "./value.ts";

export { ArrayValue, type Feed } from "./array-value.ts";
export {
  type BuildOptions,
  build,
  type CompileOptions,
  compile,
  type Executor,
  type Program,
} from "./compile.ts";
export { lowerToOnnx } from "./onnx.ts";
export { preloadNative } from "./session.ts";
