/**
 * Products and functions in float32, as a module of its own: only graphs that run without a runtime need it. Where the engine has relaxed instructions a
 * product adds with one rounding instead of two, and the last bits differ.
 */
import { FLOAT32_HEX, RELAXED_HEX } from "./float32.generated.ts";
import { decoded, type TimesMatrix } from "./module.ts";

/** Elements of the scratch that a product needs: 512 rows of 8 columns. */
export const PANEL = 4096;

/** y from x, for a number of elements; y may be x. */
type Pass = (y: number, x: number, count: number) => void;

/** The module's exports. Addresses are byte offsets into its memory; the formulas are beside the sources in `kernels/float32/`. */
export interface Float32Kernels {
  /** out[i, j] += Σₚ a[i, p] b[p, j]; strides are in bytes, and `panel` is scratch of {@link PANEL} elements. */
  readonly timesMatrix32: TimesMatrix;
  readonly exp32: Pass;
  readonly log32: Pass;
  readonly sigmoid32: Pass;
  readonly softplus32: Pass;
  readonly tanh32: Pass;
}

let compiled:
  | { readonly all: WebAssembly.Module; readonly relaxed: WebAssembly.Module | undefined }
  | undefined;

function modules() {
  const relaxed = decoded(RELAXED_HEX);
  compiled ??= {
    all: new WebAssembly.Module(decoded(FLOAT32_HEX)),
    relaxed: WebAssembly.validate(relaxed) ? new WebAssembly.Module(relaxed) : undefined,
  };
  return compiled;
}

/** The kernels on a memory. */
export function float32Kernels(memory: WebAssembly.Memory): Float32Kernels {
  const { all, relaxed } = modules();
  const imports = { env: { memory } };
  return {
    ...new WebAssembly.Instance(all, imports).exports,
    ...(relaxed && new WebAssembly.Instance(relaxed, imports).exports),
  } as unknown as Float32Kernels;
}
