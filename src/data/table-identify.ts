/** Columns that identify rows instead of describing them: ids, row numbers, postcodes, free text. */
/** More different words than this in one column are text or ids, not categories. */
const MOST_CATEGORIES = 100;
/** With at least this many rows, a column whose values are all different is taken for ids. */
const LEAST_FOR_IDENTIFIERS = 20;

const ID_NAME =
  /^(id|ids|uuid|guid|index|idx|row|row_?(id|nr|no|num|number)|nr|no|number|#|key|unnamed: ?\d+|__index_level_\d+__)$|[_ -](id|uuid|guid|key)$|[a-z]I[dD]$/;
const POSTCODE_NAME = /(^|[_ -])(zip|zip_?code|post_?code|postal_?code|plz|postleitzahl|cap)$/i;

/**
 * Why a column should not be a feature; undefined if nothing speaks against it.
 *
 * @param cells all cells of the column, "" for missing values
 * @param numbers how many of them are numbers, including those with decimal commas
 */
export const whyIdentifier = (
  name: string,
  cells: readonly string[],
  numbers: number,
): string | undefined => {
  const given = cells.filter((cell) => cell !== "");
  const distinct = new Set(given).size;
  const whole = given.every((cell) => /^[+-]?\d+$/.test(cell));
  const all = distinct === given.length && given.length >= LEAST_FOR_IDENTIFIERS;
  if (whole && all && counts(cells)) return "it numbers the rows";
  if (whole && given.some((cell) => !Number.isSafeInteger(Number(cell)))) {
    return `its numbers have more digits than can be told apart ("${given.find((cell) => !Number.isSafeInteger(Number(cell)))}"), like ids`;
  }
  const lowered = ID_NAME.test(name) || ID_NAME.test(name.toLowerCase());
  if (whole && lowered && (all || (distinct > MOST_CATEGORIES && 2 * distinct > given.length))) {
    return "its name and its values look like ids";
  }
  if (whole && isCode(name, given)) {
    return `its numbers are codes, such as postcodes ("${given.find((cell) => cell.startsWith("0")) ?? given[0]}"), not quantities`;
  }
  if (2 * numbers > given.length) return undefined;
  if (all)
    return `its ${distinct} values are all different, like ids or free text, such as "${short(given[0])}"`;
  if (distinct > MOST_CATEGORIES) {
    return `${distinct} different words in ${given.length} cells, such as "${short(given[0])}", are text, not categories`;
  }
  return undefined;
};

/** Whether a column goes up in ones from 0 or 1. */
const counts = (cells: readonly string[]): boolean => {
  const first = Number(cells[0]);
  return (first === 0 || first === 1) && cells.every((cell, i) => cell !== "" && Number(cell) === first + i);
};

/** Whether the numbers are codes: they have leading zeros, or the column is named after a postcode. */
const isCode = (name: string, given: readonly string[]): boolean =>
  given.length > 0 && (given.some((cell) => /^0\d/.test(cell)) || POSTCODE_NAME.test(name));

const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
