/** Dates in the cells of a table: as days, and by their position in the year, the week and the day. */

/** The order of the parts of a date. */
export const dateOrders = ["ymd", "dmy", "mdy"] as const;
/** `ymd`: 2020-01-31 or 20200131; `dmy`: 31.01.2020 or 31/1/2020; `mdy`: 1/31/2020. A time may follow. */
export type DateOrder = (typeof dateOrders)[number];

/** The cycles that a date can have features for. */
export const dateCycles = ["year", "week", "day"] as const;
/** The length of each cycle in days. */
export type DateCycle = (typeof dateCycles)[number];

const LENGTH: Readonly<Record<DateCycle, number>> = { year: 365.2425, week: 7, day: 1 };

const TIME = "(?:[T ](\\d{1,2}):(\\d{2})(?::(\\d{2}(?:\\.\\d+)?))?\\s*(Z|[+-]\\d{2}:?\\d{2})?)?";
const YEAR_FIRST = new RegExp(`^(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${TIME}$`);
/** Eight digits are a date only in a century or so around today; otherwise they are a number. */
const COMPACT = /^((?:18|19|20)\d{2})()(\d{2})(\d{2})$/;
const YEAR_LAST = new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{4})${TIME}$`);

/** Days since 1970-01-01, with the time as a fraction; NaN if the cell is not a date in this order. */
export const daysOf = (cell: string, order: DateOrder): number => {
  const text = cell.trim();
  const found = order === "ymd" ? (YEAR_FIRST.exec(text) ?? COMPACT.exec(text)) : YEAR_LAST.exec(text);
  if (found === null) return Number.NaN;
  const [, a, , b, c, hours = "0", minutes = "0", seconds = "0", zone = "Z"] = found;
  const [year, month, day] = (order === "ymd" ? [a, b, c] : order === "dmy" ? [c, b, a] : [c, a, b]).map(
    Number,
  );
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // JavaScript reads the 31st of February as the 3rd of March.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return Number.NaN;
  const time = Number(hours) / 24 + Number(minutes) / 1440 + Number(seconds) / 86_400;
  const [, sign, ahead, minutesAhead] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  const offset =
    sign === undefined ? 0 : (Number(`${sign}1`) * (60 * Number(ahead) + Number(minutesAhead))) / 1440;
  return date.getTime() / 86_400_000 + time - offset;
};

/** With fewer numbers of eight digits than this, that all are dates may be chance. */
const ENOUGH = 5;

/** The order of the dates in a column: undefined if the cells are not dates, "ambiguous" if either the day or the month may come first. */
export const guessDates = (cells: readonly string[]): DateOrder | "ambiguous" | undefined => {
  const given = cells.filter((cell) => cell !== "");
  const all = (order: DateOrder): boolean => given.every((cell) => !Number.isNaN(daysOf(cell, order)));
  if (given.length === 0 || !/\d{4}/.test(given[0])) return undefined;
  // One number of eight digits may be a date by chance; that all of many are is not.
  if (given.some((cell) => COMPACT.test(cell)) && given.length < ENOUGH) return undefined;
  if (all("ymd")) return "ymd";
  const [dmy, mdy] = [all("dmy"), all("mdy")];
  if (dmy && mdy) return given.every((cell) => /^\d{1,2}\./.test(cell)) ? "dmy" : "ambiguous";
  return dmy ? "dmy" : mdy ? "mdy" : undefined;
};

/** The cycles of a column of dates: `year` if they span more than a year and a half, `week` if more than two weeks, `day` if they have times. */
export const cyclesOf = (days: readonly number[]): DateCycle[] => {
  const known = days.filter((day) => !Number.isNaN(day));
  const span =
    known.reduce((a, b) => Math.max(a, b), -Infinity) - known.reduce((a, b) => Math.min(a, b), Infinity);
  const weekdays = new Set(known.map((day) => Math.floor(day) % 7));
  return dateCycles.filter(
    (cycle) =>
      (cycle === "year" && span > 1.5 * LENGTH.year) ||
      (cycle === "week" && span > 14 && weekdays.size > 2) ||
      (cycle === "day" && known.some((day) => day % 1 !== 0)),
  );
};

/** The position of a date in a cycle: sine and cosine of its angle. */
export const phase = (days: number, cycle: DateCycle): readonly [sin: number, cos: number] => {
  const angle = (2 * Math.PI * days) / LENGTH[cycle];
  return [Math.sin(angle), Math.cos(angle)];
};

/** A date as 2020-01-31, with the time to the minute if the column has times. */
export const dateText = (days: number, times: boolean): string => {
  const date = new Date(times ? Math.round(days * 1440) * 60_000 : Math.floor(days + 0.5) * 86_400_000);
  if (Number.isNaN(date.getTime())) return String(days);
  const text = date.toISOString();
  return times ? text.slice(0, 16) : text.slice(0, 10);
};
