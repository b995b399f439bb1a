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
import { defaultsOf } from "./defaults.ts";
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
  const defaults = defaultsOf(name, train.rows, data.table !== undefined);
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
