/** A run's data: loads them, holds out validation rows, and records where they came from. */
import {
  columnOf,
  type Dataset,
  drawLabels,
  encodeTable,
  fingerprint,
  fitTable,
  type LoadOptions,
  loadParts,
  readingOptions,
  readTable,
  select,
  sharedRows,
  splitData,
  splitTable,
  type TableOptions,
  type TablePreprocessing,
} from "../data/index.ts";
import { CheckpointError, InternalError, TightboundError, UsageError } from "../errors.ts";
import {
  type DataSettings,
  type HeldOut,
  IN_MEMORY,
  labelledPart,
  learnsFromLabels,
  type RunData,
  type RunSettings,
} from "../kinds/index.ts";
import { describePixels, pixelScaleOf, scaledBy, scaleNote } from "./pixel-scale.ts";

/** How a new run uses its data. */
export interface DataChecks extends Pick<LoadOptions, "needsUnlabelled"> {
  /** Whether the model learns from labels; if they are few, it needs all of them. Default false. */
  readonly sparesLabels?: boolean;
}

/** The test rows. @throws UsageError when there are none; the message lists the ways out. */
export function testPart({ train, test }: Pick<RunData, "train" | "test">): Dataset {
  if (test !== undefined) return test;
  throw new UsageError(
    `${train.name}: the run has no test rows, because too few rows are labelled. Use \`part: "train"\`, give other rows with ` +
      "`data`, or train with `testFraction`.",
  );
}

/** The rows that a report shows: test rows or, if there are none, training rows. */
export const shownRows = ({
  train,
  test,
}: Pick<RunData, "train" | "test">): { readonly rows: Dataset; readonly part: "test" | "training" } =>
  test === undefined ? { rows: train, part: "training" } : { rows: test, part: "test" };

/** How a table is read as one. */
export interface TableSource
  extends Pick<TableOptions, "categorical" | "ignore" | "id" | "types" | "decimal"> {
  /** What its columns became when a run was started: found again as they were, whatever would be chosen today. */
  readonly preprocessing?: TablePreprocessing;
}

/** Where data come from. */
export interface DataSource
  extends Pick<LoadOptions, "labels" | "labelColumn" | "testFraction" | "labelledTest"> {
  /** `mnist`, or a path. */
  readonly spec: string;
  /**
   * Number of labelled rows to hold out for validation, and the seed that draws them. It is not the labels' seed, so that validation rows
   * are the same for all label draws.
   */
  readonly validation?: { readonly count: number; readonly seed: number };
  /**
   * Present if a CSV file is read as a table of numbers, words and gaps, whose columns become standardised or one-hot. Otherwise the file
   * holds numbers, which are used as they are.
   */
  readonly table?: TableSource;
  /** How its files are read, as in `config.json`. */
  readonly reading?: NonNullable<DataSettings["reading"]>;
  /** What numbers that are pixels are multiplied by. Default: by their range. */
  readonly pixelScale?: number;
}

/** With at least this many labelled rows, a tenth of them is worth more as a test than for learning. */
const ENOUGH_TO_TEST = 100;

/**
 * Which rows to hold out for testing. Only labelled rows can show errors. If they are few, a model that learns from labels keeps them all,
 * and other models test on any rows.
 */
function rowsToTest(
  { testFraction, labelledTest = false }: DataSource,
  { sparesLabels = false }: DataChecks,
  labelled: number,
): HeldOut {
  if (testFraction !== undefined) return { testFraction, labelledTest: labelledTest && labelled >= 2 };
  if (labelled >= ENOUGH_TO_TEST || !labelledTest) return { testFraction: 0.1, labelledTest };
  return sparesLabels ? { testFraction: 0, labelledTest } : { testFraction: 0.1, labelledTest: false };
}

/** A table's rows as features. Held-out rows are not used for means and standard deviations. */
async function tableParts(source: DataSource, checks: DataChecks): Promise<Omit<RunData, "validation">> {
  const { spec, labels, labelColumn, table: { preprocessing: known, ...declared } = {} } = source;
  if (labels !== undefined) {
    throw new UsageError(
      `${spec}: the labels of a table are in a column, not in a file. Use \`labelColumn\`.`,
    );
  }
  const table = await readTable(spec, readingOptions(source.reading));
  const options = {
    ...declared,
    ...(labelColumn !== undefined && { labelColumn }),
    ...(known && { preprocessing: known }),
  };
  const cells = labelColumn === undefined ? [] : columnOf(table, labelColumn, " with the labels");
  const heldOut = rowsToTest(source, checks, cells.filter((cell) => cell !== "").length);
  if (heldOut.testFraction > 0) return { ...splitTable(table, { ...options, ...heldOut }), heldOut };
  const { preprocessing, notes } = known ? { preprocessing: known, notes: [] } : fitTable(table, options);
  return { train: encodeTable(table, preprocessing).dataset, preprocessing, notes, heldOut };
}

/** Training rows in the order of their files, and test rows: the data's own, or held-out ones. */
async function plainParts(source: DataSource, checks: DataChecks): Promise<Omit<RunData, "validation">> {
  const { spec, reading, ...rest } = source;
  const options = { ...rest, ...readingOptions(reading) };
  const found = await loadParts(spec, { ...options, ...checks });
  const pixelScale = source.pixelScale ?? pixelScaleOf(found.train);
  const parts = {
    ...found,
    train: scaledBy(found.train, pixelScale),
    ...(found.test && { test: scaledBy(found.test, pixelScale) }),
    ...(pixelScale !== 1 &&
      !(found.train.x instanceof Uint8Array) && {
        notes: [...(found.notes ?? []), scaleNote(found.train.name, pixelScale)],
      }),
  };
  if (parts.test !== undefined) return parts;
  const heldOut = rowsToTest(source, checks, parts.train.labels?.filter((label) => label >= 0).length ?? 0);
  return {
    ...parts,
    ...(heldOut.testFraction > 0 && splitData(parts, spec, { ...options, ...heldOut })),
    heldOut,
  };
}

/**
 * Loads training and test rows, and holds out validation rows.
 * @throws UsageError or DataError as `loadData`, {@link fitTable} and {@link drawLabels} do
 */
export async function loadRunData(source: DataSource, checks: DataChecks = {}): Promise<RunData> {
  const { validation } = source;
  const parts = await (source.table === undefined ? plainParts : tableParts)(source, checks);
  if (validation === undefined) return parts;
  const { train } = parts;
  const held = drawLabels(train, {
    validation: validation.count,
    validationSeed: validation.seed,
  }).validation;
  const out = new Set(held);
  const kept = Uint32Array.from({ length: train.rows }, (_, row) => row).filter((row) => !out.has(row));
  return {
    ...parts,
    train: select(train, kept),
    validation: select(train, held, train.name.replace(/(\/train)?$/, "/validation")),
  };
}

/** What a run records about its data. */
export const describeData = (
  { table, ...source }: DataSource,
  { train, test, heldOut, preprocessing }: RunData,
): DataSettings => ({
  ...source,
  ...describePixels(train),
  ...heldOut,
  ...(preprocessing && {
    table: {
      categorical: [...(table?.categorical ?? [])],
      ignore: [...(table?.ignore ?? [])],
      ...(table?.id !== undefined && { id: table.id }),
      ...(table?.types && { types: { ...table.types } }),
      ...(table?.decimal !== undefined && { decimal: table.decimal }),
      preprocessing,
    },
  }),
  name: train.name.replace(/\/train$/, ""),
  ...(train.columns && { columns: [...train.columns] }),
  trainRows: train.rows,
  testRows: test?.rows ?? 0,
  fingerprint: fingerprint(train),
});

/** What was written down of a table, as its source. */
const tableSource = ({
  categorical,
  ignore,
  preprocessing,
  id,
  types,
  decimal,
}: NonNullable<DataSettings["table"]>): TableSource => ({
  categorical,
  ignore,
  preprocessing,
  ...(id !== undefined && { id }),
  ...(types && { types }),
  ...(decimal !== undefined && { decimal }),
});

/** The data as the run saw them. @throws CheckpointError when the files have changed. */
export async function reloadData(settings: RunSettings, spec = settings.data.spec): Promise<RunData> {
  const { labels, labelColumn, testFraction, labelledTest, validation, table, reading } = settings.data;
  if (spec === IN_MEMORY) {
    throw new UsageError(
      `${settings.data.name}: the run was trained in a program, on data in memory, which were not saved. Give rows with \`data\`.`,
    );
  }
  const data = await loadRunData({
    spec,
    ...(labels !== undefined && { labels }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(testFraction !== undefined && { testFraction }),
    ...(labelledTest !== undefined && { labelledTest }),
    ...(validation !== undefined && { validation }),
    ...(table !== undefined && { table: tableSource(table) }),
    ...(reading !== undefined && { reading }),
    // Runs that do not say took pixels as they were.
    pixelScale: settings.data.pixelScale ?? 1,
  });
  checkFingerprint(settings, data.train);
  return data;
}

/**
 * How many rows are among those that a run was trained on, and, of a run that learns from labels, whose class it was given: figures on
 * them tell how well it remembers them. Undefined where its training data are not there any more.
 */
export async function trainedOn(settings: RunSettings, rows: Dataset): Promise<number | undefined> {
  try {
    const { train } = await reloadData(settings);
    if (!learnsFromLabels(settings)) return sharedRows(rows, train);
    const { labels = new Int32Array() } = labelledPart(train, settings.labels);
    const given = Array.from(labels.keys()).filter((row) => labels[row] >= 0);
    return given.length === 0 ? 0 : sharedRows(rows, select(train, given));
  } catch (error) {
    if (error instanceof TightboundError && !(error instanceof InternalError)) return undefined;
    throw error;
  }
}

/** Checks that training data are those of the run. @throws CheckpointError when they are not. */
export function checkFingerprint(settings: RunSettings, data: Dataset): void {
  const found = fingerprint(data);
  if (found !== settings.data.fingerprint) {
    throw new CheckpointError(
      `${data.name}: these are not the data that the run was trained on (fingerprint ${settings.data.fingerprint.slice(0, 12)}…, ` +
        `found ${found.slice(0, 12)}…). Give the same files, or start a new run.`,
    );
  }
}
