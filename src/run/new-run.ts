/** The settings of a new run: what was asked for, and the defaults of its model for the rest. */
import { type Dataset, withClasses } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { DataSettings, M1Settings, ModelName, RunSettings } from "./settings.ts";
import { runSettings } from "./settings.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Settings as a caller wrote them, by part. */
export interface GivenSettings {
  readonly model?: Fields;
  readonly train?: Fields;
  /** Of models that learn from labels: how many are seen, and the seed of their draw. */
  readonly labels?: { readonly count?: number; readonly seed?: number };
  /** Of M1+M2: what its VAE is and how it is trained, or the run that it is taken from. */
  readonly m1?: { readonly model?: Fields; readonly train?: Fields } | M1Settings;
}

/** What a run says of itself. */
export interface RunOrigin {
  readonly version: string;
  readonly command: string;
  readonly createdAt?: string;
}

/** Defaults that are not those of the settings' schemas, because they differ from model to model. */
const DEFAULTS: Readonly<Record<ModelName, GivenSettings>> = {
  vae: {},
  autoencoder: {},
  m2: { train: { epochs: 100, lr: 5e-4, schedule: "cosine" } },
  m1m2: {
    train: { epochs: 200, lr: 3e-3, schedule: "cosine", binarize: "none" },
    m1: {
      model: { latent: 50, hidden: [500, 500], activation: "softplus" },
      train: { epochs: 200, batch: 250, lr: 1e-3, schedule: "cosine" },
    },
  },
};

/**
 * Settings of a new run on data.
 *
 * @example
 * const source = { spec: "mnist", validation: { count: 10_000, seed: 0 } };
 * const data = await loadRunData(source);
 * const settings = newRun("m2", { labels: { count: 100, seed: 3 } }, data.train, describeData(source, data), origin);
 * await startRun("runs/a", settings, data);
 *
 * @throws UsageError naming the field that is out of range.
 * @throws DataError when the model learns from labels and there are none.
 */
export function newRun(
  name: ModelName,
  given: GivenSettings,
  train: Dataset,
  data: DataSettings,
  origin: RunOrigin,
): RunSettings {
  const defaults = DEFAULTS[name];
  const shape = [...train.shape];
  const m1 = given.m1 ?? {};
  const {
    success,
    data: settings,
    error,
  } = runSettings.safeParse({
    createdAt: new Date().toISOString(),
    ...origin,
    data,
    model: { ...defaults.model, ...given.model, model: name, shape },
    train: { ...defaults.train, ...given.train },
    ...((name === "m2" || name === "m1m2") && {
      labels: { ...given.labels, classes: [...withClasses(train).classes] },
    }),
    ...(name === "m1m2" && {
      m1:
        "from" in m1
          ? m1
          : {
              model: { ...defaults.m1?.model, ...m1.model, model: "vae", shape },
              train: { ...defaults.m1?.train, ...m1.train },
            },
    }),
  });
  if (success) return settings;
  const problems = error.issues.map((issue) => `${issue.path.join(".") || "settings"}: ${issue.message}`);
  throw new UsageError(`train: ${problems.join("; ")}.`);
}
