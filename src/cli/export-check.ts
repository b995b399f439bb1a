import { InternalError } from "../errors.ts";
import type { Exported } from "../kinds/index.ts";
import { fillNormal, fillUniform, stream } from "../random/index.ts";

/** float32 sums of a thousand terms, in another order: relative to the largest value, or absolute below 1. */
const TOLERANCE = 1e-4;

/**
 * Runs an exported file with ONNX Runtime alone, on noise, and compares every output with the library's own.
 * @returns the largest difference
 * @throws InternalError when they differ by more than rounding.
 */
export async function largestDifference(graph: Exported, file: string): Promise<number> {
  const { input, outputs, tried } = graph;
  const ort = await import("onnxruntime-node");
  const values = new Float32Array(input.shape.reduce((a, b) => a * b, 1));
  const fill = { uniform: fillUniform, normal: fillNormal }[tried];
  fill(values, stream(0, `export/${graph.name}`));
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  const theirs = await session.run({ [input.name]: new ort.Tensor("float32", values, [...input.shape]) });
  const ours = await graph.compute(values);
  let largest = 0;
  for (const { name } of outputs) {
    const { relative, absolute } = difference(theirs[name].data as Float32Array, ours[name]);
    if (!(relative <= TOLERANCE)) {
      throw new InternalError(
        `${file}: output "${name}" differs by ${absolute} when ONNX Runtime runs the file; ` +
          "expected rounding errors alone. Do not use the file.",
      );
    }
    largest = Math.max(largest, absolute);
  }
  await session.release();
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
