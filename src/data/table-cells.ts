/** Converts cells to features and back, by the kind of their column. */
import { quoted } from "./csv-records.ts";
import { dateText, daysOf, phase } from "./table-dates.ts";
import { numberIn } from "./table-numbers.ts";
import { type ColumnOf, isBlock, type TableColumn } from "./table-preprocessing.ts";

/** A cell as features; or, if the cell does not fit its column, what was expected. */
export type EncodedCell = { readonly values: readonly number[] } | { readonly expected: string };

const logit = (u: number): number => Math.log(u) - Math.log1p(-u);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The position of a value between the ends of its column, from `margin` to 1 − `margin`. */
const placeBetween = (
  value: number,
  { low, high, margin }: Pick<ColumnOf<"bounded">, "low" | "high" | "margin">,
): number => margin + ((value - low) / (high - low)) * (1 - 2 * margin);

/** A number before it is standardised: itself, its logarithm or its logit, by the kind of the column. NaN if the column cannot hold it. */
const scaled = (column: ColumnOf<"numeric" | "positive" | "bounded">, value: number): number => {
  if (column.kind === "numeric") return value;
  if (column.kind === "positive") return value > 0 ? Math.log(value) : Number.NaN;
  return value >= column.low && value <= column.high ? logit(placeBetween(value, column)) : Number.NaN;
};

/** Like {@link scaled}, for columns whose mean and standard deviation are not known yet. */
export const scaledBy = {
  numeric: (value: number): number => value,
  positive: Math.log,
  bounded: (value: number, ends: Pick<ColumnOf<"bounded">, "low" | "high" | "margin">): number =>
    logit(placeBetween(value, ends)),
};

/** A number as the feature of its column; NaN if the column cannot hold it. */
export const featureOf = (column: ColumnOf<"numeric" | "positive" | "bounded">, value: number): number =>
  (scaled(column, value) - column.mean) / column.sd;

/** The features of a cell that is not blank. */
export const encodeCell = (column: TableColumn, cell: string): EncodedCell => {
  if (isBlock(column)) {
    const at = indexOf(column, cell);
    if (at === undefined)
      return { expected: `one of ${quoted(column.categories)}, as in the training table` };
    return { values: column.categories.map((_, i) => Number(i === at)) };
  }
  if (column.kind === "date") {
    const days = daysOf(cell, column.order);
    if (Number.isNaN(days)) return { expected: `a date such as ${EXAMPLES[column.order]}` };
    return {
      values: [
        (days - column.mean) / column.sd,
        ...column.cycles.flatMap((cycle) => [...phase(days, cycle)]),
      ],
    };
  }
  const value = numberIn(cell, column.decimal);
  if (!Number.isFinite(Math.fround(value))) {
    const comma = column.decimal === "," ? " with a decimal comma, as in the training table" : "";
    return { expected: `a finite number${comma}` };
  }
  if (column.kind === "count") {
    return Number.isInteger(value) && value >= 0 && value < 2 ** 24
      ? { values: [value] }
      : { expected: `a count, a whole number from 0 to ${2 ** 24 - 1}` };
  }
  const feature = featureOf(column, value);
  if (Number.isFinite(Math.fround(feature))) return { values: [feature] };
  return {
    expected:
      column.kind === "positive"
        ? "a number above 0"
        : column.kind === "bounded"
          ? `a number from ${column.low} to ${column.high}`
          : "a finite number",
  };
};

export const EXAMPLES = { ymd: "2020-01-31", dmy: "31.01.2020", mdy: "01/31/2020" } as const;

const indices = new WeakMap<readonly string[], ReadonlyMap<string, number>>();
const indexOf = ({ categories }: ColumnOf<"categorical" | "ordinal">, cell: string): number | undefined => {
  const index = indices.get(categories) ?? new Map(categories.map((name, i) => [name, i]));
  indices.set(categories, index);
  return index.get(cell);
};

/** A number in the units of its column, rounded: digits below a ten-thousandth of a standard deviation are noise. */
const rounded = (value: number, sd: number): number => {
  const digits = Math.min(Math.max(4 - Math.floor(Math.log10(sd)), 0), 100);
  return Number.isFinite(digits) ? Number(value.toFixed(digits)) : value;
};

/** The index of the first largest value. */
const largest = (values: Float32Array): number =>
  values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

/** The features of a column as a cell: a number in its own units, a date or a category; "" if the value is missing. */
export const decodeCell = (column: TableColumn, features: Float32Array): string | number => {
  if (features.some(Number.isNaN)) return "";
  if (isBlock(column)) return column.categories[largest(features)];
  const [first] = features;
  if (column.kind === "count") return Number(first.toPrecision(7));
  const value = first * column.sd + column.mean;
  if (column.kind === "numeric") return rounded(value, column.sd);
  if (column.kind === "date") return dateText(value, column.cycles.includes("day"));
  if (column.kind === "positive") return Number(Math.exp(value).toPrecision(6));
  const { low, high, margin } = column;
  const u = Math.min(Math.max((sigmoid(value) - margin) / (1 - 2 * margin), 0), 1);
  return Number((low + u * (high - low)).toPrecision(6));
};
