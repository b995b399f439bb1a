import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import { quoted } from "./csv-records.ts";
import type { RowIndices } from "./dataset.ts";
import { columnOf, type TextTable } from "./table.ts";
import { ColumnFit } from "./table-column-fit.ts";
import { fitLabels, idNotes, labelNotes } from "./table-labels.ts";
import { type Decimal, guessDecimal } from "./table-numbers.ts";
import { sectionOf, type TablePreprocessing } from "./table-preprocessing.ts";
import { throwProblems } from "./table-problems.ts";
import { type ColumnType, parseColumnType } from "./table-types.ts";

/** Which columns of a table are labels, ids or unused, and the types of the others. */
export interface TableOptions {
  /** The column of class names, which is then not a feature. A missing cell means unlabelled. */
  readonly labelColumn?: string;
  /** The column that names the rows, which is then not a feature. Default: rows are named by their lines. */
  readonly id?: string;
  /** Columns whose values are categories (for the label column: classes), whatever they look like. */
  readonly categorical?: readonly string[];
  /** Columns that are not features. */
  readonly ignore?: readonly string[];
  /**
   * Types by column, for columns that would be detected as another type: `number`, `positive`, `bounded` (`bounded:0..10`), `count`, `ordinal`
   * (`ordinal:low<mid<high`), `categorical` or `date` (`date:dmy`).
   */
  readonly types?: Readonly<Record<string, string>>;
  /** A decimal comma or a decimal point; the other groups thousands. Default: detected in each column. */
  readonly decimal?: Decimal;
}

/** The option names of {@link fitTable}. */
export const tableRules: OptionRules<TableOptions> = {
  labelColumn: anything,
  id: anything,
  categorical: anything,
  ignore: anything,
  types: anything,
  decimal: anything,
};

/** The result of {@link fitTable}. */
export interface TableFit {
  readonly preprocessing: TablePreprocessing;
  /** Notes for the user: columns left out, and columns with a special type, each with the reason. */
  readonly notes: readonly string[];
}

/**
 * Decides how a table's columns become features. Numbers are standardised: the number itself, its logarithm (`positive`) or its logit
 * (`bounded`), whichever a normal fits best. Small whole numbers are counts, or levels with an order. Words, and columns with two different
 * values, are categorical. Dates become days, and sines and cosines of their position in the year, week and day. Columns are left out, with
 * a note, if they have no name, if they have no information (no value, or only one), or if they identify rows: ids, row numbers, postcodes,
 * free text. Likely mistakes are refused, for all columns at once, and the message says what to do: a misspelt number, a date whose day and
 * month may be swapped, a quantity as the label.
 *
 * ```ts
 * const table = await readTable("penguins.csv");
 * const { preprocessing, notes } = fitTable(table, { labelColumn: "species", ignore: ["year"] });
 * const { dataset } = encodeTable(table, preprocessing);
 * ```
 *
 * @param rows the rows from which means and standard deviations are computed, if others are held out; of columns in which these have fewer
 * than ten values, or a thousandth of the spread, they are computed from all rows. Default: all. Kinds, categories and classes come from all rows.
 * @throws UsageError for options that name a column that does not exist, and for invalid types.
 * @throws DataError as above, and when no column is left.
 */
export const fitTable = (table: TextTable, options: TableOptions = {}, rows?: RowIndices): TableFit => {
  checkOptions("fitTable", options, tableRules);
  const { path, columns } = table;
  const { labelColumn, id, categorical = [], ignore = [], decimal } = options;
  const types = checkedTypes(table, options);
  const problems: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const labels =
    labelColumn === undefined
      ? undefined
      : attempt(() => {
          const declared =
            categorical.includes(labelColumn) || options.types?.[labelColumn] === "categorical";
          return fitLabels(table, labelColumn, declared);
        });
  const notes: string[] = [...(table.notes ?? []), ...(labels ? labelNotes(table, labels.column) : [])];
  const chosen = new Map<string, string[]>();
  const left = new Set(ignore);
  const features = columns.filter((name) => name !== labelColumn && name !== id && !left.has(name));
  let known: boolean | undefined;
  /** Whether some column surely has decimal commas. Asked only for columns that leave it open. */
  const commas = (): boolean => {
    known ??= features.some((name) => {
      const guess = name === "" ? undefined : guessDecimal(columnOf(table, name, ""));
      return guess !== undefined && "decimal" in guess && guess.decimal === ",";
    });
    return known;
  };
  const kept = features.flatMap((name) => {
    const fitted =
      name === ""
        ? { without: "it has no name" }
        : attempt(() => new ColumnFit(table, name, rows, commas).fit(types.get(name), decimal));
    if (fitted === undefined) return [];
    if ("without" in fitted) {
      notes.push(`${path}: column "${name}" is left out: ${fitted.without}.`);
      return [];
    }
    notes.push(...(fitted.remarks ?? []).map((remark) => `${path}: column "${name}": ${remark}.`));
    if (fitted.why !== undefined) {
      const { kind } = fitted.column;
      const key = `${kind === "numeric" ? "number" : kind} (${fitted.why})`;
      chosen.set(key, [...(chosen.get(key) ?? []), name]);
    }
    return [fitted.column];
  });
  throwProblems(path, problems);
  if (kept.length === 0) {
    const why = notes.length > 0 ? ` ${notes.join(" ")}` : "";
    throw new DataError(`${path}: no column is left to learn from, of ${quoted(columns)}.${why}`);
  }
  for (const [key, names] of chosen) {
    notes.push(`${path}: ${quoted(names)}: ${key}.`);
  }
  if (id !== undefined) notes.push(...idNotes(table, id));
  const ordered = [0, 1, 2].flatMap((section) => kept.filter((column) => sectionOf(column) === section));
  return {
    preprocessing: { columns: ordered, ...(labels && { labels }), ...(id !== undefined && { id }) },
    notes,
  };
};

/** Types by column. @throws UsageError with all problems of the options */
const checkedTypes = (
  { path, columns }: TextTable,
  { categorical = [], ignore = [], types = {}, id }: TableOptions,
): ReadonlyMap<string, ColumnType> => {
  const known = new Set(columns);
  const problems: string[] = [];
  const named = { categorical, ignore, types: Object.keys(types), ...(id !== undefined && { id: [id] }) };
  for (const [option, names] of Object.entries(named)) {
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      problems.push(`${option}: ${path} has no column ${quoted(unknown)}; found ${quoted(columns)}.`);
    }
  }
  const found = new Map<string, ColumnType>(categorical.map((name) => [name, { type: "categorical" }]));
  for (const [name, text] of Object.entries(types)) {
    try {
      const type = parseColumnType(text);
      if (found.has(name) && type.type !== "categorical") {
        problems.push(
          `types: column "${name}" is given the type ${type.type} and is also declared categorical. Leave one of them out.`,
        );
      }
      found.set(name, type);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(`types: column "${name}": ${error.message}.`);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return found;
};
