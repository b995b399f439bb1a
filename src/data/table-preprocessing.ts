/** How the columns of a table become features: plain data, stored with a run and applied to new rows. */
import { z } from "zod";
import { dateCycles, dateOrders } from "./table-dates.ts";
import { decimals } from "./table-numbers.ts";

const name = z.string();
const standard = { name, mean: z.number(), sd: z.number().gt(0) };
/** The decimal separator of its numbers, unless they are written like 1234.5. */
const decimal = z.enum(decimals).optional();

/** One column of a table. */
const tableColumn = z.discriminatedUnion("kind", [
  /** One feature, (value − mean) / sd. */
  z.object({ kind: z.literal("numeric"), ...standard, decimal }),
  /** Numbers above 0: one feature, (ln value − mean) / sd. A normal feature means a log-normal value. */
  z.object({ kind: z.literal("positive"), ...standard, decimal }),
  /**
   * Numbers from low to high: one feature, (logit u − mean) / sd. Here u is the position between the ends, from `margin` to 1 − `margin`. A
   * normal feature means a logit-normal position.
   */
  z.object({
    kind: z.literal("bounded"),
    ...standard,
    low: z.number(),
    high: z.number(),
    margin: z.number().gt(0).lt(0.5),
    decimal,
  }),
  /** Days since 1970-01-01, standardised, then sine and cosine of each cycle. */
  z.object({
    kind: z.literal("date"),
    ...standard,
    order: z.enum(dateOrders),
    cycles: z.array(z.enum(dateCycles)),
  }),
  /** Whole numbers from 0: one feature, the number. */
  z.object({ kind: z.literal("count"), name, decimal }),
  /** A block of features, one for each category: 1 for the row's own, otherwise 0. */
  z.object({ kind: z.literal("categorical"), name, categories: z.array(z.string()).min(2) }),
  /** The same for categories that have an order. */
  z.object({ kind: z.literal("ordinal"), name, categories: z.array(z.string()).min(2) }),
]);

/** The schema of {@link TablePreprocessing}, as it stands in `config.json`. */
export const tablePreprocessing = z.object({
  /** In the order of the features: normal features, then counts, then blocks. */
  columns: z.array(tableColumn).min(1),
  /** The column of class names, and the classes that the labels count. */
  labels: z.object({ column: z.string(), classes: z.array(z.string()) }).optional(),
  /** The column that names the rows. */
  id: z.string().optional(),
});

/** How one column becomes features. */
export type TableColumn = z.output<typeof tableColumn>;
/** How the columns of a table become features: plain data, stored with a run. */
export type TablePreprocessing = z.output<typeof tablePreprocessing>;
/** The kinds of columns. */
export type ColumnKind = TableColumn["kind"];

/** A column of one kind. */
export type ColumnOf<K extends ColumnKind> = Extract<TableColumn, { readonly kind: K }>;

/** Whether a column is a block of categories. */
export const isBlock = (column: TableColumn): column is ColumnOf<"categorical" | "ordinal"> =>
  column.kind === "categorical" || column.kind === "ordinal";

/** Number of features of a column. */
export const featuresOf = (column: TableColumn): number => {
  if (isBlock(column)) return column.categories.length;
  return column.kind === "date" ? 1 + 2 * column.cycles.length : 1;
};

/** Names of the features of a column. */
const featureNames = (column: TableColumn): readonly string[] => {
  if (isBlock(column)) return column.categories.map((category) => `${column.name}=${category}`);
  if (column.kind !== "date") return [column.name];
  return [
    column.name,
    ...column.cycles.flatMap((cycle) => [`${column.name}:sin(${cycle})`, `${column.name}:cos(${cycle})`]),
  ];
};

/** The place of a column's features in a row: 0 for normal features, 1 for counts, 2 for blocks. */
export const sectionOf = (column: TableColumn): 0 | 1 | 2 =>
  isBlock(column) ? 2 : column.kind === "count" ? 1 : 0;

/** The features of a categorical or ordinal column: `start` to `start + categories.length`. */
export interface CategoricalBlock {
  readonly name: string;
  readonly start: number;
  readonly categories: readonly string[];
}

/** The order of the features in a row: normal features, counts, then a block for each column of categories. */
export interface RowLayout {
  /** Number of normal features. */
  readonly numeric: number;
  /** Number of counts. Default 0. */
  readonly counts?: number | undefined;
  /** Number of categories of each block. */
  readonly categories: readonly number[];
  /** The blocks whose categories have an order, counted from 0. Default: none. */
  readonly ordinal?: readonly number[] | undefined;
}

/** The features of a row, by kind and by column. */
export interface FeatureLayout extends RowLayout {
  readonly features: number;
  /** Columns in the order of the features, and where each begins. */
  readonly columns: readonly { readonly name: string; readonly start: number; readonly width: number }[];
  readonly blocks: readonly CategoricalBlock[];
  /** `bill_length_mm`, `island=Biscoe`, … */
  readonly names: readonly string[];
}

/**
 * The position of each column's features in a row.
 *
 * ```ts
 * featureLayout(preprocessing).blocks; // [{ name: "island", start: 5, categories: ["Biscoe", "Dream", "Torgersen"] }]
 * ```
 */
export const featureLayout = ({ columns }: Pick<TablePreprocessing, "columns">): FeatureLayout => {
  const blocks: CategoricalBlock[] = [];
  const ordinal: number[] = [];
  const places: { name: string; start: number; width: number }[] = [];
  const names: string[] = [];
  for (const column of columns) {
    places.push({ name: column.name, start: names.length, width: featuresOf(column) });
    if (isBlock(column)) {
      if (column.kind === "ordinal") ordinal.push(blocks.length);
      blocks.push({ name: column.name, start: names.length, categories: column.categories });
    }
    names.push(...featureNames(column));
  }
  const width = (section: number): number =>
    columns.reduce((sum, column) => sum + (sectionOf(column) === section ? featuresOf(column) : 0), 0);
  const counts = width(1);
  return {
    features: names.length,
    numeric: width(0),
    ...(counts > 0 && { counts }),
    categories: blocks.map((block) => block.categories.length),
    ...(ordinal.length > 0 && { ordinal }),
    columns: places,
    blocks,
    names,
  };
};
