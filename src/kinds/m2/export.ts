/** Classifier, encoder and decoder of M2 and M1+M2 as ONNX files. */
import { exp } from "../../tensor/index.ts";
import { type ExportInput, exported } from "../exporting.ts";
import type { Exported } from "../kind.ts";
import { moments } from "../vae/export.ts";
import type { TrainedClassifier } from "./trained.ts";

/**
 * The functions to deploy of a model that learnt from few labels, weights included. For M1+M2, all three contain M1.
 * Classifier: `x` [rows, features] in model units → `probabilities` [rows, classes], q(y|x).
 * Encoder: `x` and one-hot `y` [rows, classes] → `mean` and `logVariance` [rows, latent] of the style's posterior, q(z|x, y).
 * Decoder: `y` and `z` → `mean` [rows, features], the mean of p(x|y, z).
 *
 * @param rows per call. Default: any number.
 */
export function exportClassifier(trained: TrainedClassifier, rows?: number): readonly Exported[] {
  const { model, parameters } = trained;
  const named =
    model.kind === "m2"
      ? model.parameters
      : [
          ...model.parameters,
          ...model.m1.parameters.map(({ name, tensor }) => ({ name: `m1.${name}`, tensor })),
        ];
  const x: ExportInput = { name: "x", width: model.features, tried: "uniform" };
  const y: ExportInput = { name: "y", width: model.classes, tried: "one-hot" };
  const z: ExportInput = { name: "z", width: model.latent, tried: "normal" };
  const shared = { parameters, named };
  return [
    exported(
      {
        ...shared,
        name: "classifier",
        inputs: [x],
        of: (rows) => ({ probabilities: exp(model.classify(rows)) }),
      },
      rows,
    ),
    exported(
      {
        ...shared,
        name: "encoder",
        inputs: [x, y],
        of: (rows, classes) => ({ ...moments(trained.styleOf(rows, classes)) }),
      },
      rows,
    ),
    exported(
      {
        ...shared,
        name: "decoder",
        inputs: [y, z],
        of: (classes, style) => ({ mean: model.decode(classes, style).mean() }),
      },
      rows,
    ),
  ];
}
