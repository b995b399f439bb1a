import { InternalError } from "../errors.ts";
import type { Exported } from "../kinds/index.ts";
import { fillNormal, fillUniform, type Stream, stream } from "../random/index.ts";

/** Tolerance for float32 sums of a thousand terms in a different order: relative to the largest value, or absolute if that is below 1. */
const TOLERANCE = 1e-4;

/** If the number of rows is free, two calls are tested, with these numbers of rows. */
const TRIED = [1, 7];

type Values = Readonly<Record<string, Float32Array>>;

const fillers: Readonly<
  Record<Exported["inputs"][number]["tried"], (out: Float32Array, stream: Stream, width: number) => void>
> = {
  uniform: (out, draws) => fillUniform(out, draws),
  normal: (out, draws) => fillNormal(out, draws),
  "one-hot": (out, _, width) => {
    for (let row = 0; row * width < out.length; row++) out[row * width + (row % width)] = 1;
  },
};

/**
 * Runs an exported file in ONNX Runtime on random inputs, and compares every output with the library's own.
 * @returns the largest difference
 * @throws InternalError when they differ by more than rounding.
 */
export async function largestDifference(graph: Exported, file: string): Promise<number> {
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  const [rows] = graph.inputs[0].shape;
  let largest = 0;
  for (const count of rows === "batch" ? TRIED : [rows]) {
    const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {};
    const values: Record<string, Float32Array> = {};
    for (const { name, shape, tried } of graph.inputs) {
      const [, width] = shape;
      values[name] = new Float32Array(count * width);
      fillers[tried](values[name], stream(0, `export/${graph.name}/${name}`), width);
      feeds[name] = new ort.Tensor("float32", values[name], [count, width]);
    }
    const theirs = await session.run(feeds);
    const found = Object.fromEntries(
      graph.outputs.map(({ name }) => [name, theirs[name].data as Float32Array]),
    );
    largest = Math.max(largest, compared(found, await graph.compute(values), file));
  }
  await session.release();
  return largest;
}

/** The largest difference between values that should be equal. @throws InternalError */
function compared(found: Values, expected: Values, file: string): number {
  let largest = 0;
  for (const [name, values] of Object.entries(found)) {
    const { relative, absolute } = difference(values, expected[name]);
    if (!(relative <= TOLERANCE)) {
      throw new InternalError(
        `${file}: output "${name}" is off by ${absolute} when ONNX Runtime runs the file; ` +
          "expected rounding errors only. Do not use the file.",
      );
    }
    largest = Math.max(largest, absolute);
  }
  return largest;
}

function difference(
  a: Float32Array,
  b: Float32Array,
): { readonly absolute: number; readonly relative: number } {
  if (a.length !== b.length) return { absolute: Number.NaN, relative: Number.NaN };
  let absolute = 0;
  let scale = 1;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (Number.isNaN(difference)) return { absolute: difference, relative: difference };
    absolute = Math.max(absolute, difference);
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return { absolute, relative: absolute / scale };
}
