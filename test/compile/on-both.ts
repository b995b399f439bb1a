/** A graph on the host and on a graphics processor, to be compared. */
import { build } from "../../src/compile/index.ts";
import { allocate, convert, input, isFloat, type Tensor } from "../../src/tensor/index.ts";

/** Values of a graph's leaves, in their order, as numbers. */
export type Values = readonly ArrayLike<number>[];

/** A graph that is compiled for one of the two. */
export interface Compiled {
  run(values: Values): Promise<number[]>;
  release(): Promise<void>;
}

export async function compiledOn(
  where: "host" | "webgpu",
  output: Tensor,
  leaves: readonly Tensor[],
): Promise<Compiled> {
  const program = await build([output], where === "host" ? { executor: "host" } : { device: where });
  return {
    release: () => program.release(),
    async run(values) {
      const out = allocate(output.dtype, output.size);
      const fed = program.leaves.map((leaf) =>
        convert(Float64Array.from(values[leaves.indexOf(leaf)]), leaf.dtype),
      );
      await program.bind(fed, [out])();
      return Array.from(out, Number);
    },
  };
}

/** The values of a graph that is run once. */
export async function computed(
  where: "host" | "webgpu",
  output: Tensor,
  leaves: readonly Tensor[],
  values: Values,
): Promise<number[]> {
  const { run, release } = await compiledOn(where, output, leaves);
  try {
    return await run(values);
  } finally {
    await release();
  }
}

/** Compiles something that stays: the runtime gives its device up with its last session, and a new one takes longer than a case. */
export const keptDevice = async (): Promise<() => Promise<void>> => {
  const { release } = await compiledOn("webgpu", input("kept", [1]).mul(2), []);
  return release;
};

/** A number of float32, as both return it. */
const float = (v: number, output: Tensor): number => (output.dtype === "float32" ? Math.fround(v) : v);

/** WGSL's own functions (exp, log, pow, tanh) may err by some units in the last place. */
const ALLOWED = 2e-5;

/** What of an element without a finite number must agree: its infinity or NaN, that there is none, or nothing if only the host has a number. */
export type Agreement = "same" | "none" | "none where the host has none";

/** The first element that differs, as text. */
export function difference(
  host: readonly number[],
  device: readonly number[],
  output: Tensor,
  agreement: Agreement = "same",
): string | undefined {
  const allowed = isFloat(output.dtype) ? ALLOWED : 0;
  const at = host.findIndex((value, i) => {
    const [h, d] = [float(value, output), device[i]];
    if (Number.isFinite(h)) {
      if (agreement === "none where the host has none" && !Number.isFinite(d)) return false;
      return !(Math.abs(d - h) <= allowed * Math.max(1, Math.abs(h)));
    }
    return agreement === "same" ? !Object.is(h, d) : Number.isFinite(d);
  });
  return at < 0 ? undefined : `element ${at}: host ${host[at]}, device ${device[at]}`;
}
