import { Tensor } from "../tensor/index.ts";
import type { ArrayValue } from "./array-value.ts";
import { type CompileOptions, compile } from "./compile.ts";

declare module "../tensor/tensor.ts" {
  interface Tensor {
    /**
     * Computes this expression now, on the host executor by default. For the REPL, for teaching, for tests.
     *
     * @example
     * (await tensor([1, 2, 3]).mul(2).value()).toArray(); // [2, 4, 6]
     */
    value(options?: CompileOptions): Promise<ArrayValue>;
  }
}

Object.defineProperty(Tensor.prototype, "value", {
  value(this: Tensor, options: CompileOptions = {}) {
    return compile(() => this, { executor: "host", ...options })();
  },
});
