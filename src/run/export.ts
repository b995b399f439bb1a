import { lowerToOnnx } from "../compile/index.ts";
import { simplify } from "../compile/simplify.ts";
import { input } from "../tensor/leaf.ts";
import { mul } from "../tensor/ops/arithmetic.ts";
import { log } from "../tensor/ops/transcendental.ts";
import type { Trained } from "./trained.ts";

/** An ONNX file's bytes, with the names and shapes of its one input and its outputs. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  readonly input: { readonly name: string; readonly shape: readonly number[] };
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/**
 * Encoder and decoder as ONNX models that any ONNX runtime runs, weights included, for minibatches of `batch` rows.
 * Encoder: `x` [batch, features] in model units → `mean` and `logVariance` [batch, latent] (an autoencoder: `code`).
 * Decoder: `z` [batch, latent] → `mean` [batch, features], the mean of p(x|z).
 */
export function exportOnnx(
  trained: Trained,
  batch = 1,
): { readonly encoder: ExportedModel; readonly decoder: ExportedModel } {
  const { model, parameters } = trained;
  const names = new Map(model.parameters.map((p) => [p.tensor, p.name]));
  const x = input("x", [batch, model.features]);
  const z = input("z", [batch, model.latent]);
  const encoded =
    model.kind === "vae"
      ? (() => {
          const q = model.encode(x);
          // From ln σ itself: the variance may be too small for float32 where its logarithm is not.
          const { logScale } = q.parameters;
          return { mean: q.mean(), logVariance: logScale ? mul(logScale, 2) : log(q.variance()) };
        })()
      : { code: model.encode(x) };
  const lower = (
    leaf: typeof x,
    name: string,
    outputs: Readonly<Record<string, typeof x>>,
  ): ExportedModel => {
    const lowered = lowerToOnnx(simplify(Object.values(outputs)), {
      outputNames: Object.keys(outputs),
      nameLeaf: (t, i) => (t === leaf ? name : (names.get(t) ?? `l${i}`)),
      weights: parameters,
    });
    return {
      bytes: lowered.bytes,
      input: { name, shape: leaf.shape },
      outputs: Object.entries(outputs).map(([key, t]) => ({ name: key, shape: t.shape })),
    };
  };
  return { encoder: lower(x, "x", encoded), decoder: lower(z, "z", { mean: model.decode(z).mean() }) };
}
