/** The rows that a session labels: all rows of the data, the labels that came with them, and the description of the data for a run. */
import { resolve } from "node:path";
import { type Dataset, isTableFile, summarise, type TablePreprocessing } from "../data/index.ts";
import { chooseObservation, type DataSettings, IN_MEMORY, type RunData, traitsOf } from "../kinds/index.ts";
import { type DataSource, describeData, loadRunData } from "../runs/index.ts";

/** Where the rows come from, as stored in `session.json`. */
export interface RowsSource {
  /** `mnist`, or a path. */
  readonly spec: string;
  /** The column of a table with the classes that are known. Default: none. */
  readonly labelColumn?: string;
  /** The column of a table that names its rows. Default: rows are named by their lines. */
  readonly id?: string;
  /** The share of the labelled rows to hold out for testing. Default 0: none. */
  readonly testFraction?: number;
  /** Whether to hide the classes in the data and keep only their names, to try a session on data whose classes are known. Default false. */
  readonly hideLabels?: boolean;
}

/** Rows, and what is known about them. */
export interface StudioRows {
  /** The rows without labels. */
  readonly rows: Dataset;
  /** The class of each row in the data; -1 if it has none. */
  readonly given: Int32Array;
  /** Names of the classes in the data. */
  readonly classes: readonly string[];
  /** Rows held out, or the test part of the data. */
  readonly test?: Dataset;
  /** The likelihood of the rows, and how pixels are binarised. */
  readonly likelihood: string;
  readonly binarize: string;
  /** How the columns of a table became features. */
  readonly preprocessing?: TablePreprocessing;
  /** The description of the data in a run. */
  readonly described: (labelled: Dataset) => DataSettings;
  /** Notes for the user. */
  readonly notes: readonly string[];
}

/** Loads all rows of the data. @throws UsageError or DataError as `loadRunData` does. */
export async function loadRows({
  spec,
  labelColumn,
  id,
  testFraction = 0,
  hideLabels = false,
}: RowsSource): Promise<StudioRows> {
  const table = isTableFile(spec);
  const source: DataSource = {
    spec: spec === "mnist" ? spec : resolve(spec),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(table && { table: { ...(id !== undefined && { id }) } }),
    testFraction,
    labelledTest: true,
  };
  const data = await loadRunData(source);
  const { train, test, preprocessing, notes = [] } = data;
  const { likelihood, binarize } = chooseObservation(
    traitsOf(train, preprocessing && summarise(train, preprocessing)),
    {},
  );
  const { labels, classes = [], ...rows } = train;
  return {
    rows,
    given: labels === undefined || hideLabels ? new Int32Array(train.rows).fill(-1) : labels,
    classes: labels === undefined ? [] : classes,
    ...(test && { test }),
    ...(preprocessing && { preprocessing }),
    likelihood,
    binarize,
    described: (labelled) => inMemory(source, { ...data, train: labelled }),
    notes,
  };
}

/** The labels of a session are not in the files of the data, so a run cannot load its training rows again, and other verbs need rows. */
function inMemory(source: DataSource, data: RunData): DataSettings {
  const { labels: _, labelColumn: __, ...described } = describeData(source, data);
  return { ...described, spec: IN_MEMORY };
}
