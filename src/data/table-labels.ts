/** The columns of a table that are no features: its labels and its ids. */
import { DataError } from "../errors.ts";
import { sortedNames } from "./csv-records.ts";
import { columnOf, type TextTable } from "./table.ts";
import { numberIn } from "./table-numbers.ts";
import { named } from "./table-problems.ts";
import { remarksOnWords } from "./table-remarks.ts";

/** More classes than this, all of them numbers, are taken for a quantity to predict, not for classes. */
const MOST_NUMERIC_CLASSES = 20;

/**
 * The classes of the label column.
 *
 * @param declared whether the user says that they are categories
 * @throws DataError when they look like a quantity
 */
export const fitLabels = (
  table: TextTable,
  column: string,
  declared: boolean,
): { column: string; classes: string[] } => {
  const cells = columnOf(table, column, " with the labels").filter((cell) => cell !== "");
  const classes = sortedNames(cells);
  const values = classes.map((name) => {
    const plain = numberIn(name);
    return Number.isNaN(plain) ? numberIn(name, ",") : plain;
  });
  const many = classes.length > MOST_NUMERIC_CLASSES || values.some((value) => !Number.isInteger(value));
  if (!declared && classes.length > 0 && !values.some(Number.isNaN) && many) {
    throw new DataError(
      `${table.path}, column "${column}": the labels look like a quantity, not like classes: ${classes.length} different ` +
        `numbers from ${classes[0]} to ${classes.at(-1)}. If they are classes, declare the column categorical ` +
        `(${named("categorical", column)}).`,
    );
  }
  return { column, classes: [...classes] };
};

/** What looks like a mistake among the labels. */
export const labelNotes = (table: TextTable, column: string): readonly string[] => {
  const given = columnOf(table, column, "").filter((cell) => cell !== "");
  const remarks = remarksOnWords(given, table.notAvailable?.get(column) ?? 0, "class");
  return remarks.map((remark) => `${table.path}: column "${column}": ${remark}.`);
};

/** Ids that are blank or there twice. */
export const idNotes = (table: TextTable, id: string): readonly string[] => {
  const cells = columnOf(table, id, " with the ids");
  const seen = new Set<string>();
  const twice = cells.find((cell) => cell !== "" && (seen.has(cell) || !seen.add(cell)));
  const blank = cells.filter((cell) => cell === "").length;
  return [
    ...(twice === undefined
      ? []
      : [`${table.path}: column "${id}" has "${twice}" more than once, so it does not identify rows.`]),
    ...(blank === 0
      ? []
      : [
          `${table.path}: column "${id}" is blank in ${blank} rows, which are named by their ${table.rowNoun}s.`,
        ]),
  ];
};
