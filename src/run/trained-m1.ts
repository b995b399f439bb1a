/** M1 with its classifiers: a trained VAE, and labelled rows as its posterior sees them. */
import { readFileSync } from "node:fs";
import { compile } from "../compile/compile.ts";
import type { ArrayValue } from "../compile/index.ts";
import { type Dataset, mapRows } from "../data/index.ts";
import { CheckpointError, UsageError } from "../errors.ts";
import {
  activeDimensions,
  confusionMatrix,
  errorRate,
  type FittedClassifier,
  knn,
  type LabelledFeatures,
  labelledFeatures,
  latentColumns,
  logistic,
  posteriorOf,
  predictedClasses,
  selectFeatures,
  svm,
  type Vae,
} from "../models/index.ts";
import { reason, writeDurably } from "../train/durable-write.ts";
import { decodeSafetensors, encodeSafetensors } from "../train/safetensors.ts";
import { type ClassifierName, type ClassifierSettings, classifierNames } from "./settings.ts";
import type { Trained } from "./trained.ts";
import type { Classification } from "./trained-classifier.ts";

/** A trained VAE, or what says that it is none. @throws UsageError for a deterministic autoencoder. */
const vaeOf = ({ model }: Trained): Vae => {
  if (model.kind === "vae") return model;
  throw new UsageError(`m1: expected a vae, whose posterior gives the features; found an ${model.kind}.`);
};

/** Labelled rows as M1 sees them: the dimensions of z that it makes use of. */
export interface LabelledByM1 {
  readonly active: readonly number[];
  readonly known: LabelledFeatures;
}

/**
 * The labelled rows of data (label -1: none) as M1's posterior sees them. Inactive dimensions are left out: their draws are noise.
 * @throws UsageError when no dimension is active.
 */
export async function labelledByM1(
  m1: Trained,
  data: Dataset,
  { draws, classes }: Pick<ClassifierSettings, "draws"> & { readonly classes: number },
): Promise<LabelledByM1> {
  const { seed, threads } = m1.settings;
  const { labels = new Int32Array(data.rows).fill(-1) } = data;
  const options = threads === undefined ? {} : { threads };
  const posterior = await posteriorOf(vaeOf(m1), m1.parameters, data, options);
  const active = activeDimensions(posterior);
  if (active.length === 0) {
    throw new UsageError(
      "m1: no dimension of the latent variable is active, so it tells nothing apart. Train M1 longer.",
    );
  }
  const known = labelledFeatures(selectFeatures(posterior, active), labels, { classes, draws, seed });
  return { active, known };
}

/** Writes the labelled rows of a run, so that new rows are classified without its data. @throws CheckpointError */
export function saveLabelled(path: string, { active, known: { x, features, labels } }: LabelledByM1): void {
  const bytes = encodeSafetensors(
    [
      { name: "features", shape: [labels.length, features], dtype: "F32", data: x },
      { name: "active", shape: [features], dtype: "I32", data: Int32Array.from(active) },
      { name: "labels", shape: [labels.length], dtype: "I32", data: labels },
    ],
    { format: "tightbound labelled rows" },
  );
  writeDurably(path, bytes);
}

/** Reads what {@link saveLabelled} wrote. @throws CheckpointError when it is missing or damaged */
export function loadLabelled(path: string, classes: number): LabelledByM1 {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const why = reason(cause, {
      ENOENT: "no such file. M1 has one when its training is done: go on with it (train --resume)",
    });
    throw new CheckpointError(`${path}: expected the labelled rows of M1: ${why}`, { cause });
  }
  const { tensors } = decodeSafetensors(bytes, path);
  const [features, labels, active] = ["features", "labels", "active"].map(
    (wanted) => tensors.find(({ name }) => name === wanted)?.data,
  );
  if (
    !(features instanceof Float32Array && labels instanceof Int32Array && active instanceof Int32Array) ||
    features.length !== labels.length * active.length
  ) {
    throw new CheckpointError(
      `${path}: expected the tensors "features" (F32), "labels" and "active" (I32) of M1; it is damaged or another file`,
    );
  }
  return { active: [...active], known: { x: features, features: active.length, labels, classes } };
}

/** A trained M1 with its classifiers. */
export class TrainedM1 {
  readonly kind = "m1";
  /** The VAE. */
  readonly vae: Trained;
  /** Names of the classes. */
  readonly classes: readonly string[];
  readonly settings: ClassifierSettings;
  readonly labelled: LabelledByM1;
  readonly #fitted = new Map<ClassifierName, Promise<FittedClassifier>>();
  readonly #features = new WeakMap<Dataset, Promise<Float32Array>>();
  readonly #encode: (x: ArrayValue) => Promise<ArrayValue>;

  constructor(
    vae: Trained,
    labelled: LabelledByM1,
    settings: ClassifierSettings,
    classes: readonly string[],
  ) {
    this.vae = vae;
    this.labelled = labelled;
    this.settings = settings;
    this.classes = classes;
    const model = vaeOf(vae);
    const { threads } = vae.settings;
    const { pick } = latentColumns(labelled.active, model.latent);
    this.#encode = compile((x) => pick(model.encode(x).mean()), {
      parameters: vae.parameters,
      ...(threads !== undefined && { threads }),
    });
  }

  /** The class of every row by one of the classifiers; of those that give probabilities, these. */
  async classify(data: Dataset, name: ClassifierName = this.settings.chosen): Promise<Classification> {
    const fitted = await this.#fit(name);
    const scores = await fitted.scores(await this.#means(data));
    return {
      predicted: predictedClasses(scores, this.classes.length),
      ...(fitted.scoring === "probability" && { probabilities: scores }),
    };
  }

  /** Share of the labelled rows whose class a classifier gets wrong. @throws UsageError when no row is labelled. */
  async error(data: Dataset, name: ClassifierName = this.settings.chosen): Promise<number> {
    if (data.labels === undefined) {
      throw new UsageError(`${data.name}: expected labels to compare with, found none.`);
    }
    const { predicted } = await this.classify(data, name);
    return errorRate(confusionMatrix(data.labels, predicted, this.classes.length));
  }

  /** The error of every classifier. */
  async errors(data: Dataset): Promise<Readonly<Record<ClassifierName, number>>> {
    const entries: [ClassifierName, number][] = [];
    for (const name of classifierNames) entries.push([name, await this.error(data, name)]);
    return Object.fromEntries(entries) as Record<ClassifierName, number>;
  }

  /** The ELBO of the VAE, as a mean over rows. */
  async bound(data: Dataset): Promise<number> {
    const { elbo = Number.NaN } = await this.vae.evaluate(data);
    return elbo;
  }

  #fit(name: ClassifierName): Promise<FittedClassifier> {
    const { neighbours, cost: C, gamma, priorScale } = this.settings;
    const { threads } = this.vae.settings;
    const recipes = {
      knn: () => knn({ k: neighbours }),
      "linear-svm": () => svm({ kernel: "linear", C }),
      svm: () => svm({ C, ...(gamma !== undefined && { gamma }) }),
      logistic: () => logistic({ priorScale, ...(threads !== undefined && { threads }) }),
    };
    const fitted = this.#fitted.get(name) ?? recipes[name]().fit(this.labelled.known);
    this.#fitted.set(name, fitted);
    return fitted;
  }

  #means(data: Dataset): Promise<Float32Array> {
    const means = this.#features.get(data) ?? mapRows(data, this.labelled.active.length, this.#encode);
    this.#features.set(data, means);
    return means;
  }
}
