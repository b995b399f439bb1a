/** The rows that M1's classifiers are fitted on, as its posterior sees them, and the file that keeps them in the run. */
import { readFileSync } from "#platform/files";
import type { Dataset } from "../../data/index.ts";
import { CheckpointError, UsageError } from "../../errors.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  reason,
  type StoredTensor,
  writeDurably,
} from "../../files/index.ts";
import {
  activeDimensions,
  type LabelledFeatures,
  labelledFeatures,
  posteriorOf,
  selectFeatures,
  selectRows,
  transductiveRows,
  type Vae,
} from "../../models/index.ts";
import { withArticle } from "../../printable.ts";
import type { Trained } from "../vae/trained.ts";
import type { ClassifierSettings } from "./settings.ts";

/** Checks that a model is a trained VAE. @throws UsageError when it is a deterministic autoencoder. */
export const vaeOf = ({ model }: Trained): Vae => {
  if (model.kind === "vae") return model;
  throw new UsageError(
    `m1: expected a vae, whose posterior gives the features; found ${withArticle(model.kind)}.`,
  );
};

/** Labelled rows as M1 sees them: their active dimensions of z. */
export interface LabelledByM1 {
  readonly active: readonly number[];
  readonly known: LabelledFeatures;
  /**
   * The rows that the transductive machine is fitted on: posterior means of the labelled rows and of some unlabelled ones, whose label is
   * -1. Empty if all rows are labelled or no unlabelled ones are wanted; absent in files from before that machine was added.
   */
  readonly transductive?: LabelledFeatures;
}

/**
 * The labelled rows of data (label -1: none) as M1's posterior sees them. Inactive dimensions are left out: their draws are noise.
 * @throws UsageError when no dimension is active.
 */
export async function labelledByM1(
  m1: Trained,
  data: Dataset,
  {
    draws,
    unlabelled,
    classes,
  }: Pick<ClassifierSettings, "draws" | "unlabelled"> & { readonly classes: number },
): Promise<LabelledByM1> {
  const { seed, threads } = m1.settings;
  const { labels = new Int32Array(data.rows).fill(-1) } = data;
  const options = threads === undefined ? {} : { threads };
  const posterior = await posteriorOf(vaeOf(m1), m1.parameters, data, options);
  const active = activeDimensions(posterior);
  if (active.length === 0) {
    throw new UsageError(
      "m1: no dimension of the latent variable is active, so its features carry no information. Train M1 longer.",
    );
  }
  const seen = selectFeatures(posterior, active);
  const known = labelledFeatures(seen, labels, { classes, draws, seed });
  const rows = transductiveRows(labels, { unlabelled, seed });
  const means = { x: seen.means, features: active.length, labels, classes };
  return {
    active,
    known,
    transductive: selectRows(means, rows.some((row) => labels[row] === -1) ? rows : []),
  };
}

/** Writes the labelled rows of a run, so that it can classify new rows without its data. @throws CheckpointError when they cannot be written. */
export function saveLabelled(path: string, { active, known, transductive }: LabelledByM1): void {
  const tensorsOf = (
    { x, features, labels }: LabelledFeatures,
    [values, classes]: readonly [string, string],
  ): readonly StoredTensor[] => [
    { name: values, shape: [labels.length, features], dtype: "F32", data: x },
    { name: classes, shape: [labels.length], dtype: "I32", data: labels },
  ];
  const bytes = encodeSafetensors(
    [
      ...tensorsOf(known, NAMES.known),
      { name: "active", shape: [active.length], dtype: "I32", data: Int32Array.from(active) },
      ...(transductive ? tensorsOf(transductive, NAMES.transductive) : []),
    ],
    { format: "tightbound labelled rows" },
  );
  writeDurably(path, bytes);
}

/** Names of features and labels in the file. */
const NAMES = {
  known: ["features", "labels"],
  transductive: ["transductive.features", "transductive.labels"],
} as const;

/** Reads what {@link saveLabelled} wrote. @throws CheckpointError when it is missing or damaged */
export function loadLabelled(path: string, classes: number): LabelledByM1 {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const why = reason(cause, {
      ENOENT: "no such file. M1 writes it when training is complete: continue it with train --resume",
    });
    throw new CheckpointError(`${path}: expected the labelled rows of M1: ${why}`, { cause });
  }
  const { tensors } = decodeSafetensors(bytes, path);
  const find = (wanted: string) => tensors.find(({ name }) => name === wanted)?.data;
  const active = find("active");
  const damaged = ([x, labels]: readonly [string, string]): CheckpointError =>
    new CheckpointError(
      `${path}: expected the tensors "${x}" (F32), "${labels}" and "active" (I32) of M1; it is damaged or another file`,
    );
  if (!(active instanceof Int32Array)) throw damaged(NAMES.known);
  const rowsOf = (names: readonly [string, string]): LabelledFeatures => {
    const [x, labels] = names.map(find);
    if (
      x instanceof Float32Array &&
      labels instanceof Int32Array &&
      x.length === labels.length * active.length
    ) {
      return { x, features: active.length, labels, classes };
    }
    throw damaged(names);
  };
  const older = NAMES.transductive.every((name) => find(name) === undefined);
  return {
    active: [...active],
    known: rowsOf(NAMES.known),
    ...(!older && { transductive: rowsOf(NAMES.transductive) }),
  };
}
