import { type Dataset, rowSize } from "./dataset.ts";

/** A summary of a dataset. */
export interface DatasetSummary {
  readonly name: string;
  readonly kind: "image" | "table";
  readonly rows: number;
  readonly shape: readonly number[];
  /** Values per row: the product of `shape`. */
  readonly features: number;
  /** The smallest and largest value, in model units (after `scale`). */
  readonly range: readonly [number, number];
  /** How many rows carry a label. */
  readonly labelled: number;
  /** Rows per class, in class order; empty without labels. */
  readonly classes: readonly { readonly name: string; readonly rows: number }[];
  /** Notes for the user. */
  readonly notes: readonly string[];
}

/**
 * Summarises a dataset: sizes, range of values, rows per class, and notes on anything unexpected, such as image values outside [0, 1].
 * Reads each value once; for bytes it may stop earlier.
 */
export const describe = (dataset: Dataset): DatasetSummary => {
  const { name, kind, rows, shape } = dataset;
  const range = rangeOf(dataset);
  const { labelled, classes } = countClasses(dataset);
  const notes: string[] = [];
  if (kind === "image" && (range[0] < 0 || range[1] > 1)) {
    notes.push(
      `${name}: image values span ${range[0]} to ${range[1]}, outside [0, 1]. ` +
        "A Bernoulli likelihood needs values in [0, 1]: rescale them, or use a Gaussian likelihood.",
    );
  }
  if (range[0] === range[1]) notes.push(`${name}: every value is ${range[0]}.`);
  return { name, kind, rows, shape, features: rowSize(shape), range, labelled, classes, notes };
};

const rangeOf = ({ x, scale }: Dataset): readonly [number, number] => {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const bytes = x instanceof Uint8Array;
  for (let i = 0; i < x.length; i++) {
    const value = x[i] as number;
    if (value < min) min = value;
    if (value > max) max = value;
    // The range of bytes cannot get wider than 0 to 255; for most photographs and digits it is reached within the first rows.
    if (bytes && min === 0 && max === 255) break;
  }
  return [min * scale, max * scale];
};

const countClasses = ({
  labels,
  classes,
}: Dataset): {
  readonly labelled: number;
  readonly classes: readonly { readonly name: string; readonly rows: number }[];
} => {
  if (!labels) return { labelled: 0, classes: [] };
  const counts: number[] = (classes ?? []).map(() => 0);
  let labelled = 0;
  for (const label of labels) {
    if (label < 0) continue;
    labelled++;
    while (counts.length <= label) counts.push(0);
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return { labelled, classes: counts.map((n, i) => ({ name: classes?.[i] ?? String(i), rows: n })) };
};
