/** How the type of a column is written: `count`, `date:dmy`, `ordinal:low<mid<high`, `bounded:0..10`. */
import { UsageError } from "../errors.ts";
import { type DateOrder, dateOrders } from "./table-dates.ts";

/** Names of the types that a column may be given. */
export const columnTypes = [
  "number",
  "positive",
  "bounded",
  "count",
  "ordinal",
  "categorical",
  "date",
] as const;
/** A type that a column may be given. */
export type ColumnTypeName = (typeof columnTypes)[number];

/** A type with its details. */
export type ColumnType =
  | { readonly type: "number" | "positive" | "count" | "categorical" }
  | { readonly type: "bounded"; readonly low: number; readonly high: number }
  /** Without `levels` they are numbers, in numeric order. */
  | { readonly type: "ordinal"; readonly levels?: readonly string[] }
  | { readonly type: "date"; readonly order?: DateOrder };

/** Parses a type. @throws UsageError when it is not valid; the message says what was expected */
export const parseColumnType = (text: string): ColumnType => {
  const at = text.indexOf(":");
  const [name, more] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const type = columnTypes.find((one) => one === name);
  if (type === undefined) {
    throw new UsageError(`expected one of ${columnTypes.join(", ")}, found "${name}"`);
  }
  if (type === "ordinal") {
    if (more === undefined) return { type };
    const levels = more.split("<").map((level) => level.trim());
    if (
      levels.length >= 2 &&
      new Set(levels).size === levels.length &&
      levels.every((level) => level !== "")
    ) {
      return { type, levels };
    }
    throw new UsageError(
      `expected the levels from the lowest to the highest, such as ordinal:low<mid<high, found "${text}"`,
    );
  }
  if (type === "date") {
    if (more === undefined) return { type };
    const order = dateOrders.find((one) => one === more);
    if (order !== undefined) return { type, order };
    throw new UsageError(`expected date:ymd, date:dmy or date:mdy, found "${text}"`);
  }
  if (type === "bounded") {
    const [low, high] =
      more === undefined
        ? [0, 1]
        : more.split("..").map((end) => (end.trim() === "" ? Number.NaN : Number(end)));
    if (low < high && Number.isFinite(high - low)) return { type, low, high };
    throw new UsageError(`expected the ends, such as bounded:0..10, found "${text}"`);
  }
  if (more === undefined) return { type };
  throw new UsageError(`expected ${type} without details, found "${text}"`);
};
