/** The settings of a new run: those given, and the defaults of its kind for the rest. */
import { checkSupervision, type Dataset, featureLayout, withClasses } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  type DataFacts,
  type DataSettings,
  declarationOf,
  defaultsOf,
  type LabelSettings,
  labelledPart,
  merge,
  needsLabels,
  placed,
  problems,
  put,
  type RunSettings,
  runSettings,
  type Tree,
} from "../kinds/index.ts";

/** Settings that the caller gave, by part: `model`, `train` and the kind's others. */
export type GivenSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Where a run comes from. */
export interface RunOrigin {
  readonly version: string;
  readonly command: string;
  readonly createdAt?: string;
}

/** The facts that defaults can depend on. */
export const factsOf = (train: Dataset, table: boolean, labels = 0): DataFacts => ({
  rows: train.rows,
  table,
  labels,
  features: train.shape.reduce((size, n) => size * n, 1),
  colour: train.kind === "image" && train.shape[2] === 3,
});

/**
 * Settings of a new run on data.
 *
 * @example
 * const source = { spec: "mnist", validation: { count: 10_000, seed: 0 } };
 * const data = await loadRunData(source);
 * const settings = newRun("m2", { labels: { count: 100, seed: 3 } }, data.train, describeData(source, data), origin);
 * await startRun("runs/a", settings, data);
 *
 * @throws UsageError when a setting is out of range; the message names it.
 * @throws DataError when the kind learns from labels and the data's labels do not allow it.
 */
export function newRun(
  name: string,
  given: GivenSettings,
  train: Dataset,
  data: DataSettings,
  origin: RunOrigin,
): RunSettings {
  const declaration = declarationOf(name);
  const labels = needsLabels(declaration, given) ? labelsOf(train, given.labels) : undefined;
  const facts = factsOf(train, data.table !== undefined, labels?.shown);
  // A run without labels needs no defaults for labels.
  const { labels: _, ...others } = declaration.settings;
  const tree = merge(defaultsOf(labels ? declaration.settings : others, facts), {
    ...given,
    ...(labels && { labels }),
  }) as Tree;
  for (const { path } of placed(declaration.settings)) {
    if (path.endsWith(".shape")) put(tree, path, [...train.shape]);
    if (path.endsWith(".layout") && data.table) {
      const { numeric, counts, categories, ordinal } = featureLayout(data.table.preprocessing);
      put(tree, path, {
        numeric,
        ...(counts !== undefined && { counts }),
        categories: [...categories],
        ...(ordinal && { ordinal: [...ordinal] }),
      });
    }
  }
  declaration.complete?.(tree);
  const found = runSettings.safeParse({ createdAt: new Date().toISOString(), ...origin, data, ...tree });
  if (found.success) return found.data;
  throw new UsageError(`train: ${problems(found.error)}.`);
}

/** The labels that the model sees. @throws DataError or UsageError when there are none, too few, or a class has none. */
function labelsOf(train: Dataset, given: Partial<Pick<LabelSettings, "count" | "seed">> = {}): LabelSettings {
  const { classes } = withClasses(train);
  const { labelled, perClass } = checkSupervision(labelledPart(train, { seed: 0, ...given }));
  return { seed: 0, ...given, shown: labelled, perClass: [...perClass], classes: [...classes] };
}
