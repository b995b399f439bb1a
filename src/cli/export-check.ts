import { ArrayValue, compile } from "../compile/index.ts";
import { InternalError } from "../errors.ts";
import { fillNormal, fillUniform, stream } from "../random/index.ts";
import type { ExportedModel, Trained } from "../run/index.ts";
import { log } from "../tensor/ops/transcendental.ts";

/** float32 sums of a thousand terms, in another order: relative to the largest value, or absolute below 1. */
const TOLERANCE = 1e-4;

/**
 * Runs exported files with ONNX Runtime alone, on noise, and compares every output with the library's own.
 * @returns the largest difference
 * @throws InternalError when they differ by more than rounding.
 */
export async function compareExport(
  trained: Trained,
  models: { readonly encoder: ExportedModel; readonly decoder: ExportedModel },
  files: { readonly encoder: string; readonly decoder: string },
): Promise<number> {
  const { model, parameters } = trained;
  const ort = await import("onnxruntime-node");
  const own = {
    encoder: compile(
      (x) => {
        if (model.kind === "autoencoder") return { code: model.encode(x) };
        const q = model.encode(x);
        return { mean: q.mean(), logVariance: log(q.variance()) };
      },
      { parameters },
    ),
    decoder: compile((z) => ({ mean: model.decode(z).mean() }), { parameters }),
  };
  let largest = 0;
  for (const side of ["encoder", "decoder"] as const) {
    const { input, outputs } = models[side];
    const values = new Float32Array(input.shape.reduce((a, b) => a * b, 1));
    (side === "encoder" ? fillUniform : fillNormal)(values, stream(0, `export/${side}`));
    const session = await ort.InferenceSession.create(files[side], { logSeverityLevel: 3 });
    const theirs = await session.run({ [input.name]: new ort.Tensor("float32", values, [...input.shape]) });
    const ours: Readonly<Record<string, ArrayValue>> = await own[side](
      new ArrayValue(input.shape, "float32", values),
    );
    for (const { name } of outputs) {
      const difference = largestDifference(
        theirs[name].data as Float32Array,
        ours[name].data as Float32Array,
      );
      if (!(difference.relative <= TOLERANCE)) {
        throw new InternalError(
          `${files[side]}: output "${name}" differs by ${difference.absolute} when ONNX Runtime runs the file; ` +
            "expected rounding errors alone. Do not use the file.",
        );
      }
      largest = Math.max(largest, difference.absolute);
    }
    await session.release();
  }
  return largest;
}

function largestDifference(
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
