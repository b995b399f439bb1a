/** Encoder and decoder as ONNX files. */

import type { Distribution } from "../../distributions/index.ts";
import { log, mul, type Tensor } from "../../tensor/index.ts";
import { exported } from "../exporting.ts";
import type { Exported } from "../kind.ts";
import type { Trained } from "./trained.ts";

/** Mean and log variance of a normal posterior. The log variance is computed from ln σ: the variance itself may be too small for float32. */
export function moments(q: Distribution): Readonly<Record<"mean" | "logVariance", Tensor>> {
  const { logScale } = q.parameters;
  return { mean: q.mean(), logVariance: logScale ? mul(logScale, 2) : log(q.variance()) };
}

/**
 * Encoder and decoder as ONNX models that any ONNX runtime runs, weights included.
 * Encoder: `x` [rows, features] in model units → `mean` and `logVariance` [rows, latent] (an autoencoder: `code`).
 * Decoder: `z` [rows, latent] → `mean` [rows, features], the mean of p(x|z).
 *
 * @param rows per call. Default: any number.
 */
export function exportOnnx(trained: Trained, rows?: number): readonly Exported[] {
  const { model, parameters } = trained;
  const shared = { parameters, named: model.parameters };
  return [
    exported(
      {
        ...shared,
        name: "encoder",
        inputs: [{ name: "x", width: model.features, tried: "uniform" }],
        of: (x) =>
          model.kind === "autoencoder" ? { code: model.encode(x) } : { ...moments(model.encode(x)) },
      },
      rows,
    ),
    exported(
      {
        ...shared,
        name: "decoder",
        inputs: [{ name: "z", width: model.latent, tried: "normal" }],
        of: (z) => ({ mean: model.decode(z).mean() }),
      },
      rows,
    ),
  ];
}
