/** Numbers as people write them, with a decimal point or a decimal comma. */
import { isNumber } from "./csv-records.ts";

/** Decimal separators. */
export const decimals = [".", ","] as const;
/** A decimal point or a decimal comma; the other then groups thousands. */
export type Decimal = (typeof decimals)[number];

const WITH_COMMA = /^([+-]?)(\d+|\d{1,3}(?:\.\d{3})+)(?:,(\d+))?([eE][+-]?\d+)?$/;
const GROUPED_BY_COMMAS = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
/** A point before every three digits: thousands where commas are decimal, decimals elsewhere. */
const GROUPED_BY_POINTS = /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$/;
/** Groups of thousands by what is no decimal separator anywhere: blanks, narrow and not broken ones too, and apostrophes. */
const OTHER_GROUPS = /^([+-]?\d{1,3})((?:[ '\u2019\u00a0\u2009\u202f]\d{3})+)(?=$|[.,]\d)/;

/** The cell without groups that mean the same everywhere, and with the minus of keyboards. */
const plainly = (cell: string): string => {
  const trimmed = cell.trim().replace(/^\u2212/, "-");
  return trimmed.replace(
    OTHER_GROUPS,
    (_, first: string, groups: string) => first + groups.replace(/\D/g, ""),
  );
};

/**
 * The number in a cell; NaN if it is not a number. Thousands may be grouped by blanks or apostrophes.
 *
 * @param decimal `,`: like 1.234,5; `.`: like 1,234.5. Default: like 1234.5
 */
export const numberIn = (cell: string, decimal?: Decimal): number => {
  const written = plainly(cell);
  if (decimal === ",") {
    const found = WITH_COMMA.exec(written);
    if (found === null) return Number.NaN;
    const [, sign, whole, fraction = "0", exponent = ""] = found;
    return Number(`${sign}${whole.replaceAll(".", "")}.${fraction}${exponent}`);
  }
  const plain = decimal === "." && GROUPED_BY_COMMAS.test(written) ? written.replaceAll(",", "") : written;
  return isNumber(plain) ? Number(plain) : Number.NaN;
};

/** The decimal separator of a column, or a cell that leaves it open. */
export type DecimalGuess =
  | { readonly decimal: Decimal | undefined }
  /** A cell that may be either: 1,234. */
  | { readonly ambiguous: string };

/** A cell that has a decimal comma whatever the others say: 1.234,5, or 1.234.567, or 1,5. */
const surelyComma = (cell: string): boolean =>
  !Number.isNaN(numberIn(cell, ",")) &&
  (/\.\d{3}(,|\.)/.test(cell) ||
    (cell.includes(",") && !GROUPED_BY_COMMAS.test(cell)) ||
    /^[+-]?0\d*,/.test(cell));

/** A cell whose commas group thousands whatever the others say: 1,234.5 or 1,234,567. */
const surelyGroups = (cell: string): boolean =>
  GROUPED_BY_COMMAS.test(cell) && /,\d{3}(,|\.)/.test(cell) && !/^[+-]?0/.test(cell);

/**
 * Detects whether the numbers of a column have decimal commas: most of its cells have one, or are whole, and none has a decimal point. If
 * exactly three digits follow every comma, the commas may also group thousands.
 *
 * @param others whether other columns of the table have decimal commas: then points before three digits group thousands here too, and commas do not
 */
export const guessDecimal = (cells: readonly string[], others = false): DecimalGuess => {
  const given = cells.flatMap((cell) => (cell === "" ? [] : [plainly(cell)]));
  const separated = given.filter((cell) => /[.,]/.test(cell));
  const [comma, groups] = [separated.some(surelyComma), separated.some(surelyGroups)];
  const fits = (decimal: Decimal): boolean => {
    const numbers = given.filter((cell) => !Number.isNaN(numberIn(cell, decimal))).length;
    return 2 * numbers > given.length && separated.every((cell) => !misread(cell, decimal));
  };
  if (comma && !groups && fits(",")) return { decimal: "," };
  if (groups && !comma && fits(".")) return { decimal: "." };
  if (comma || groups) return { decimal: undefined };
  const open = given.filter((cell) => GROUPED_BY_COMMAS.test(cell));
  if (
    others &&
    fits(",") &&
    (open.length > 0 || (separated.length > 0 && separated.every((cell) => GROUPED_BY_POINTS.test(cell))))
  ) {
    return { decimal: "," };
  }
  return open.length > 0 && fits(".") ? { ambiguous: open[0] } : { decimal: undefined };
};

/** Whether a cell is a number, but not with this decimal separator. */
const misread = (cell: string, decimal: Decimal): boolean =>
  Number.isNaN(numberIn(cell, decimal)) && !Number.isNaN(numberIn(cell, decimal === "," ? "." : ","));
