/** The settings of a new run: what was asked for, and the defaults of its model for the rest. */
import {
  checkSupervision,
  type Dataset,
  featureLayout,
  type RowLayout,
  type TablePreprocessing,
  withClasses,
} from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { BeneathSettings, DataSettings, LabelSettings, ModelName, RunOf } from "./settings.ts";
import { runSettings } from "./settings.ts";
import { labelledPart } from "./supervision.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Settings as a caller wrote them, by part. */
export interface GivenSettings {
  readonly model?: Fields;
  readonly train?: Fields;
  /** Of models that learn from labels: how many are seen, and the seed of their draw. */
  readonly labels?: { readonly count?: number; readonly seed?: number };
  /** Of M1: its classifiers. */
  readonly classifiers?: Fields;
  /** Of M1+M2 what its VAE is and how it is trained; of M1 and M1+M2 the run that it is taken from. */
  readonly m1?: { readonly model?: Fields; readonly train?: Fields } | BeneathSettings;
}

/** What a run says of itself. */
export interface RunOrigin {
  readonly version: string;
  readonly command: string;
  readonly createdAt?: string;
}

/** The VAE of M1, alone or beneath M2. */
const M1 = {
  model: { latent: 50, hidden: [500, 500], activation: "softplus" },
  train: { epochs: 200, batch: 250, lr: 1e-3, schedule: "cosine" },
};

/** Defaults that are not those of the settings' schemas, because they differ from model to model: of images. */
const DEFAULTS: Readonly<Record<ModelName, GivenSettings>> = {
  vae: {},
  autoencoder: {},
  m1: M1,
  m2: { train: { epochs: 100, lr: 5e-4, schedule: "cosine" } },
  m1m2: {
    train: { epochs: 200, lr: 3e-3, schedule: "cosine" },
    m1: M1,
  },
};

/**
 * Defaults of tables, which have few columns and often few rows: small networks, and minibatches of a twentieth of the rows, so that
 * an epoch is some twenty updates. The classification term weighs more than on images: at α = 0.1 the classes that M2 finds in a
 * table of a dozen correlated columns may be others than the labelled ones (ARCHITECTURE.md has the figures).
 */
function tableDefaults(name: ModelName, train: Dataset): GivenSettings {
  const batch = Math.min(Math.max(Math.floor(train.rows / 20), 10), 100);
  const how = { epochs: 100, batch, lr: 3e-3, schedule: "cosine", binarize: "none" };
  const networks = { latent: 10, hidden: [50] };
  const m1 = { model: { ...networks, activation: "softplus" }, train: how };
  if (name === "m1") return m1;
  if (name === "m2") return { model: networks, train: { ...how, alpha: 1 } };
  return { model: networks, train: how, ...(name === "m1m2" && { train: { ...how, alpha: 1 }, m1 }) };
}

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
 * @throws DataError when the model learns from labels and they do not allow it.
 */
export function newRun<N extends ModelName>(
  name: N,
  given: GivenSettings,
  train: Dataset,
  data: DataSettings,
  origin: RunOrigin,
): RunOf<N> {
  const defaults: GivenSettings = data.table ? tableDefaults(name, train) : DEFAULTS[name];
  const shape = [...train.shape];
  const learns = name === "m1" || name === "m2" || name === "m1m2";
  const labels = learns ? labelsOf(train, given.labels) : undefined;
  const m1 = given.m1 ?? {};
  const taken = "from" in m1;
  const rows = { shape, ...(data.table && { layout: layoutOf(data.table.preprocessing) }) };
  const beneath = {
    model: { ...(!taken && defaults.m1?.model), ...rows, ...m1.model, model: "vae" },
    train: { ...(!taken && defaults.m1?.train), ...m1.train },
    ...(taken && { from: m1.from }),
  };
  // A vae that is taken is M1 itself, and what M1+M2 is evaluated on is binarised as M1's data are.
  const [model, training]: [Fields, Fields] =
    name === "m1" && taken
      ? [beneath.model, beneath.train]
      : [
          { ...defaults.model },
          { ...defaults.train, ...binarizationOf(name === "m1m2" ? beneath.train : {}) },
        ];
  const {
    success,
    data: settings,
    error,
  } = runSettings.safeParse({
    createdAt: new Date().toISOString(),
    ...origin,
    data,
    model: { ...model, ...given.model, model: name, ...rows },
    train: { ...training, ...given.train },
    ...(labels && { labels }),
    ...(name === "m1" && {
      classifiers: { draws: drawsFor(labels?.shown ?? 0), ...given.classifiers },
      m1: taken ? { from: m1.from } : {},
    }),
    ...(name === "m1m2" && { m1: beneath }),
  });
  if (success) return settings as RunOf<N>;
  const problems = error.issues.map((issue) => `${issue.path.join(".") || "settings"}: ${issue.message}`);
  throw new UsageError(`train: ${problems.join("; ")}.`);
}

/** Draws of each labelled row: many where rows are few, and their mean where draws would make a support vector machine slow. */
const drawsFor = (shown: number): number => (shown <= 200 ? 20 : shown <= 1000 ? 4 : 0);

const binarizationOf = ({ binarize }: Fields): Fields => (binarize === undefined ? {} : { binarize });

/** What of the labels is seen. @throws DataError or UsageError when there are none, too few, or a class has none */
function labelsOf(train: Dataset, given: GivenSettings["labels"] = {}): LabelSettings {
  const { classes } = withClasses(train);
  const { labelled } = checkSupervision(labelledPart(train, { seed: 0, ...given }));
  return { seed: 0, ...given, shown: labelled, classes: [...classes] };
}
const layoutOf = (preprocessing: TablePreprocessing): RowLayout => {
  const { numeric, categories } = featureLayout(preprocessing);
  return { numeric, categories };
};
