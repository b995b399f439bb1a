/** How the columns of a table become features: plain data, stored with a run and applied to new rows. */
import { z } from "zod";

const name = z.string();

/** One column of features. */
const tableColumn = z.discriminatedUnion("kind", [
  /** One feature, (value − mean) / sd. */
  z.object({ kind: z.literal("numeric"), name, mean: z.number(), sd: z.number().gt(0) }),
  /** A block of features, one for each category: 1 for the row's own, otherwise 0. */
  z.object({ kind: z.literal("categorical"), name, categories: z.array(z.string()).min(2) }),
]);

/** The schema of {@link TablePreprocessing}, as it stands in `config.json`. */
export const tablePreprocessing = z.object({
  /** In the order of the features, numeric columns first. */
  columns: z.array(tableColumn).min(1),
  /** The column of class names, and the classes that the labels count. */
  labels: z.object({ column: z.string(), classes: z.array(z.string()) }).optional(),
});

/** How one column becomes features: standardised, or a block of zeros and a one. */
export type TableColumn = z.output<typeof tableColumn>;
/** How the columns of a table become features: plain data, which is stored with a run. */
export type TablePreprocessing = z.output<typeof tablePreprocessing>;

/** Features that a column takes. */
export const featuresOf = (column: TableColumn): number =>
  column.kind === "numeric" ? 1 : column.categories.length;

/** The features of a categorical column: `start` to `start + categories.length`. */
export interface CategoricalBlock {
  readonly name: string;
  readonly start: number;
  readonly categories: readonly string[];
}

/** How the features of a row follow one another: the numeric columns, then a block for each categorical one. */
export interface RowLayout {
  readonly numeric: number;
  /** How many categories each block has. */
  readonly categories: readonly number[];
}

/** Which features are what. */
export interface FeatureLayout extends RowLayout {
  readonly features: number;
  readonly blocks: readonly CategoricalBlock[];
  /** `bill_length_mm`, `island=Biscoe`, … */
  readonly names: readonly string[];
}

/**
 * Where each column's features lie in a row.
 *
 * ```ts
 * featureLayout(preprocessing).blocks; // [{ name: "island", start: 5, categories: ["Biscoe", "Dream", "Torgersen"] }]
 * ```
 */
export const featureLayout = ({ columns }: Pick<TablePreprocessing, "columns">): FeatureLayout => {
  const blocks: CategoricalBlock[] = [];
  const names: string[] = [];
  for (const column of columns) {
    if (column.kind === "numeric") {
      names.push(column.name);
      continue;
    }
    blocks.push({ name: column.name, start: names.length, categories: column.categories });
    for (const category of column.categories) names.push(`${column.name}=${category}`);
  }
  const numeric = columns.filter(({ kind }) => kind === "numeric").length;
  const categories = blocks.map((block) => block.categories.length);
  return { features: names.length, numeric, categories, blocks, names };
};
