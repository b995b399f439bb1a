/**
 * Words that are numbers or dates in a writing that is not read: 5 kg, 12 %, 1/31/20, 31 Jan 2020. As categories they would lose their order and
 * their distances, and nothing would say so.
 */
import { dateOrders, daysOf } from "./table-dates.ts";
import { numberIn } from "./table-numbers.ts";

const CURRENCY = "[$€£¥₹]|EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|JPY";
const UNIT =
  "%|‰|°[CF]?|[mk]?g|[µu]g|t|lbs?|oz|[mcdk]?m|[µun]m|in|ft|mi|[mcd]?l|[mk]?s|sec|min|h|hrs?|hours?|days?|weeks?|months?|years?|yrs?|k?[wv]|kwh|[kmg]?hz|[kmgt]b|px|bpm|mmhg|mg/dl|mmol/l|km/h|m/s";
const DRESSED = new RegExp(
  `^\\(?([+-]?)(?:${CURRENCY})?\\s*([+-]?\\d[^a-z%$€£¥₹°()]*?)\\s*(?:${CURRENCY}|${UNIT})?\\)?$`,
  "i",
);

/** Whether a cell is a number with a currency, a unit, a percent sign or brackets, or with the other decimal separator. */
const isDressed = (cell: string): boolean => {
  const [, , number = ""] = DRESSED.exec(cell) ?? [];
  return [",", "."].some((decimal) => !Number.isNaN(numberIn(number, decimal as "," | ".")));
};

const MONTH =
  "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|avr|juin|juil|août|déc|ene|abr|ago|dic)[a-zäûé]*\\.?";
const DATES: readonly RegExp[] = [
  // Two digits for the year, or a time of twelve hours.
  /^(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\1(?:\d{2}|\d{4})(?:[T ,].*)?$/,
  /^\d{4}([-/.])(?:0?[1-9]|1[0-2])(?:\1(?:0?[1-9]|[12]\d|3[01])(?:[T ,].*)?)?$/,
  new RegExp(
    `^(?:[a-z]{2,9},? )?\\d{1,2}(?:st|nd|rd|th|\\.)?[ -]?${MONTH}(?:[ ,-]+\\d{2,4})?(?:[T ,].*)?$`,
    "i",
  ),
  new RegExp(`^(?:[a-z]{2,9},? )?${MONTH} ?[ -]\\d{1,4}(?:st|nd|rd|th)?(?:[ ,]+\\d{4})?(?:[T ,].*)?$`, "i"),
];
const TIME = /^\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?$/i;

/** What most cells look like: a cell to point at, what was found, and what to do. */
export interface Lookalike {
  readonly example: string;
  readonly found: string;
  readonly advice: string;
}

/** What the words of a column look like; undefined if most are words. @param given its cells that are not blank */
export const lookalikeOf = (given: readonly string[]): Lookalike | undefined => {
  const most = (cells: readonly string[]): boolean => 2 * cells.length > given.length;
  const described = (what: string, cells: readonly string[], example: string, advice: string): Lookalike => ({
    example,
    found: `${cells.length} of ${given.length} cells look like ${what}, such as "${example}", in a form that is not read`,
    advice,
  });
  const times = given.filter((cell) => TIME.test(cell));
  if (most(times)) {
    const advice = "Write hours as numbers (13.5), or times with their dates (2020-01-31 13:30)";
    return described("times of day", times, times[0], advice);
  }
  const dates = given.filter((cell) => DATES.some((form) => form.test(cell)));
  if (most(dates)) {
    const [read] = dateOrders
      .map((order) => given.filter((cell) => !Number.isNaN(daysOf(cell, order))))
      .sort((a, b) => b.length - a.length);
    const readable = new Set(read);
    const odd = given.find((cell) => !readable.has(cell));
    if (most(read) && odd !== undefined) {
      return {
        example: odd,
        found: `expected a date such as "${read[0]}", as in ${read.length} other cells of the column; found "${odd}"`,
        advice: "Correct the cell, or leave it blank",
      };
    }
    const advice =
      "Write all dates in one form, with four digits for the year: 2020-01-31, 31.01.2020 or 1/31/2020, and times of 24 hours";
    return read.length > 0
      ? {
          example: odd ?? dates[0],
          found: `${dates.length} of ${given.length} cells look like dates, but not all in one form: "${read[0]}" and "${odd}"`,
          advice,
        }
      : described("dates", dates, dates[0], advice);
  }
  const numbers = given.filter(isDressed);
  if (!most(numbers)) return undefined;
  const example = numbers.find((cell) => Number.isNaN(numberIn(cell))) ?? numbers[0];
  const advice = "Write plain numbers, all with the same decimal separator and in the same unit";
  return described("numbers", numbers, example, advice);
};
