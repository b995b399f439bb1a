/** Numbers as people write them, with a decimal point or a decimal comma. */
import { isNumber } from "./csv-records.ts";

/** Decimal separators. */
export const decimals = [".", ","] as const;
/** A decimal point or a decimal comma; the other then groups thousands. */
export type Decimal = (typeof decimals)[number];

const WITH_COMMA = /^([+-]?)(\d+|\d{1,3}(?:\.\d{3})+)(?:,(\d+))?([eE][+-]?\d+)?$/;
const GROUPED_BY_COMMAS = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

/**
 * The number in a cell; NaN if it is not a number.
 *
 * @param decimal `,`: like 1.234,5; `.`: like 1,234.5. Default: like 1234.5, without groups
 */
export const numberIn = (cell: string, decimal?: Decimal): number => {
  if (decimal === ",") {
    const found = WITH_COMMA.exec(cell.trim());
    if (found === null) return Number.NaN;
    const [, sign, whole, fraction = "0", exponent = ""] = found;
    return Number(`${sign}${whole.replaceAll(".", "")}.${fraction}${exponent}`);
  }
  const plain = decimal === "." && GROUPED_BY_COMMAS.test(cell.trim()) ? cell.replaceAll(",", "") : cell;
  return isNumber(plain) ? Number(plain) : Number.NaN;
};

/** The decimal separator of a column, or a cell that leaves it open. */
export type DecimalGuess =
  | { readonly decimal: Decimal | undefined }
  /** A cell that may be either: 1,234. */
  | { readonly ambiguous: string };

/**
 * Detects whether the numbers of a column have decimal commas: most of its cells have one, or are whole, and none has a decimal point. If
 * exactly three digits follow every comma, the commas may also group thousands.
 */
export const guessDecimal = (cells: readonly string[]): DecimalGuess => {
  const given = cells.filter((cell) => cell !== "");
  const commas = given.filter((cell) => cell.includes(",") && !Number.isNaN(numberIn(cell, ",")));
  if (commas.length === 0) {
    const grouped = given.find((cell) => GROUPED_BY_COMMAS.test(cell));
    return grouped === undefined ? { decimal: undefined } : { ambiguous: grouped };
  }
  const numbers = given.filter((cell) => !Number.isNaN(numberIn(cell, ",")));
  const points = given.some((cell) => /^[+-]?\d*\.\d+$/.test(cell) && Number.isNaN(numberIn(cell, ",")));
  if (points || 2 * numbers.length <= given.length) {
    return commas.every((cell) => GROUPED_BY_COMMAS.test(cell)) && 2 * numbers.length > given.length
      ? { ambiguous: commas[0] }
      : { decimal: undefined };
  }
  if (commas.every((cell) => GROUPED_BY_COMMAS.test(cell) && !/^[+-]?0/.test(cell))) {
    return { ambiguous: commas[0] };
  }
  return { decimal: "," };
};
