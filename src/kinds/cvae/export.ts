/** Encoder and decoder of a conditional VAE as ONNX files. */
import { concat } from "../../tensor/index.ts";
import { type ExportInput, exported } from "../exporting.ts";
import type { Exported } from "../kind.ts";
import { moments } from "../vae/export.ts";
import type { TrainedCvae } from "./trained.ts";

/**
 * Encoder: `x` [rows, features] in model units, without the columns that rows are conditioned on, and conditions `c` [rows, conditions]
 * (one-hot classes, or standardised columns) → `mean` and `logVariance` [rows, latent].
 * Decoder: `c` and `z` → `mean` [rows, features] of p(x|c, z).
 *
 * @param rows per call. Default: any number.
 */
export function exportConditional(trained: TrainedCvae, rows?: number): readonly Exported[] {
  const { model, parameters } = trained;
  const c: ExportInput = {
    name: "c",
    width: model.conditions.width,
    tried: model.conditions.by === "class" ? "one-hot" : "normal",
  };
  const shared = { parameters, named: model.parameters };
  return [
    exported(
      {
        ...shared,
        name: "encoder",
        inputs: [{ name: "x", width: model.outputs, tried: "uniform" }, c],
        of: (x, given) => ({ ...moments(model.encode(concat([x, given], -1))) }),
      },
      rows,
    ),
    exported(
      {
        ...shared,
        name: "decoder",
        inputs: [c, { name: "z", width: model.latent, tried: "normal" }],
        of: (given, z) => ({ mean: model.decode(given, z).mean() }),
      },
      rows,
    ),
  ];
}
