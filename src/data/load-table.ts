import { basename } from "#platform/paths";
import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, knownOptions, type OptionRules } from "../options.ts";
import { permutation } from "../random/index.ts";
import { type RecordOptions, recordRules } from "./csv-records.ts";
import { type Dataset, select } from "./dataset.ts";
import { type DataSplit, noneToSpare, oneOfEach } from "./load.ts";
import { columnOf, encodeTable, readTable, type TextTable } from "./table.ts";
import { fitTable, type TableOptions, tableRules } from "./table-fit.ts";
import type { TablePreprocessing } from "./table-preprocessing.ts";

/** How a table is read, and which of its rows are held out for testing. */
export interface LoadTableOptions extends TableOptions, RecordOptions {
  /** The fraction of the rows to hold out. Default 0.1. */
  readonly testFraction?: number;
  /** Whether only labelled rows are held out, that fraction of them. Default: true if there is a label column. */
  readonly labelledTest?: boolean;
  /** Seed of the draw of test rows. Default 0. */
  readonly seed?: number;
  /** The types of the columns, if they were decided before. Default: {@link fitTable} decides them. */
  readonly preprocessing?: TablePreprocessing;
}

const rules: OptionRules<LoadTableOptions> = {
  labelColumn: anything,
  id: anything,
  categorical: anything,
  ignore: anything,
  types: anything,
  decimal: anything,
  preprocessing: anything,
  header: anything,
  encoding: anything,
  maxBytes: anything,
  testFraction: anything,
  labelledTest: anything,
  seed: anything,
};

/** Training and test rows, and the preprocessing for new rows. */
export interface TableSplit extends DataSplit {
  readonly preprocessing: TablePreprocessing;
  /** Notes for the user: columns left out, and why. */
  readonly notes: readonly string[];
}

/**
 * Reads a table, holds out test rows, and encodes both parts as features. Means and standard deviations are those of the training rows.
 * With a label column, test rows are drawn from the labelled rows, whatever their class, because predictions for the others cannot be
 * checked. One row of each class always stays in the training part.
 *
 * ```ts
 * const { train, test, preprocessing } = await loadTable("penguins.csv", { labelColumn: "species", testFraction: 0.2 });
 * ```
 *
 * @throws UsageError for a fraction outside (0, 1) or an option that names no column.
 * @throws DataError as {@link readTable} and {@link fitTable}, and when fewer than two rows are labelled.
 */
export const loadTable = async (path: string, options: LoadTableOptions = {}): Promise<TableSplit> => {
  checkOptions("loadTable", options, rules);
  return splitTable(await readTable(path, knownOptions(options, recordRules)), options);
};

/** {@link loadTable} for a table that was already read. */
export const splitTable = (
  table: TextTable,
  options: Omit<LoadTableOptions, keyof RecordOptions> = {},
): TableSplit => {
  const test = heldOut(table, options);
  const train = Uint32Array.from(table.rows.keys()).filter((row) => !test.has(row));
  const { preprocessing, notes } = options.preprocessing
    ? { preprocessing: options.preprocessing, notes: [] }
    : fitTable(table, knownOptions(options, tableRules), train);
  const { dataset } = encodeTable(table, preprocessing);
  const part = (name: string, rows: Uint32Array): Dataset =>
    select(dataset, rows, `${basename(table.path)}/${name}`);
  return {
    train: part("train", train),
    test: part("test", Uint32Array.from(test).sort()),
    preprocessing,
    notes,
  };
};

const heldOut = (
  table: TextTable,
  { labelColumn, labelledTest = labelColumn !== undefined, testFraction = 0.1, seed = 0 }: LoadTableOptions,
): ReadonlySet<number> => {
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new UsageError(`testFraction: expected a number between 0 and 1, found ${testFraction}.`);
  }
  const labels = labelColumn === undefined ? undefined : columnOf(table, labelColumn, " with the labels");
  const rows = Array.from(table.rows.keys()).filter((row) => !labelledTest || labels?.[row] !== "");
  if (rows.length < 2) {
    throw new DataError(
      `${table.path}: expected at least 2 ${labelledTest ? "labelled " : ""}rows, one to train on and one ` +
        `to test on; found ${rows.length}.`,
    );
  }
  const order = Array.from(permutation(rows.length, seed, 0, "test"), (i) => rows[i]);
  const spared = labelledTest && labels ? oneOfEach(order, (row) => labels[row]) : new Set<number>();
  const candidates = order.filter((row) => !spared.has(row));
  if (candidates.length === 0) throw noneToSpare(table.path);
  const count = Math.min(Math.max(Math.round(testFraction * rows.length), 1), rows.length - 1);
  return new Set(candidates.slice(0, count));
};
