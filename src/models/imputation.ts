/** Filling missing cells of a table without a model, and how right filled cells are. */
import { type Dataset, type FeatureLayout, rowSize, rowsOf } from "../data/index.ts";
import { permutation } from "../random/index.ts";

/** All rows as values, NaN where one is missing. */
const valuesOf = (rows: Dataset): Float32Array =>
  rowsOf(rows, [...Array(rows.rows).keys()], new Float32Array(rows.rows * rowSize(rows.shape)));

/** A cell: a row and a column of the layout. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/**
 * How cells go missing: at random, or not at random. `high`: a number only where it is above its column's median, a category only where it
 * is in the later half of them: what is missing depends on the value itself.
 */
export type Missingness = "random" | "high";

/**
 * Takes known cells away, a share of them.
 *
 * @returns the rows without them, and which they are
 */
export function hideCells(
  rows: Dataset,
  { features, columns }: Pick<FeatureLayout, "features" | "columns">,
  {
    share,
    seed,
    how = "random",
  }: { readonly share: number; readonly seed: number; readonly how?: Missingness },
): { readonly rows: Dataset; readonly hidden: readonly Cell[] } {
  const x = valuesOf(rows);
  const hidden: Cell[] = [];
  columns.forEach(({ start, width }, column) => {
    const known = [...Array(rows.rows).keys()].filter((row) => !Number.isNaN(x[row * features + start]));
    const rank = (row: number): number => {
      const at = row * features + start;
      return width === 1 ? x[at] : x.subarray(at, at + width).indexOf(1);
    };
    const middle = known.map(rank).sort((a, b) => a - b)[Math.floor(known.length / 2)];
    const order = Array.from(permutation(known.length, seed, column, "hide"), (i) => known[i]);
    const upper = how === "random" ? order : order.filter((row) => rank(row) >= middle);
    // Not all of the upper half: a column must keep some of it to be known at all.
    const count = Math.min(
      Math.round(share * known.length),
      Math.floor((how === "random" ? 1 : 0.9) * upper.length),
    );
    for (const row of upper.slice(0, count)) hidden.push({ row, column });
  });
  const observed = rows.observed?.slice() ?? new Uint8Array(rows.x.length).fill(1);
  const values = Float32Array.from(rows.x);
  for (const { row, column } of hidden) {
    const { start, width } = columns[column];
    const at = row * features + start;
    observed.fill(0, at, at + width);
    values.fill(0, at, at + width);
  }
  return { rows: { ...rows, x: values, observed }, hidden };
}

/** Missing values by the column's mean; of categories by their shares. [rows, features] */
export function imputeMeans(rows: Dataset, known: Dataset): Float32Array {
  const features = rowSize(rows.shape);
  const [values, others] = [valuesOf(rows), valuesOf(known)];
  const [totals, counts] = [new Float64Array(features), new Float64Array(features)];
  others.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    totals[i % features] += value;
    counts[i % features]++;
  });
  return values.map((value, i) =>
    Number.isNaN(value) ? totals[i % features] / Math.max(counts[i % features], 1) : value,
  );
}

/**
 * Missing values by the mean of the `k` nearest rows that have them (Troyanskaya et al. 2001): distances are over the features that both rows
 * have, scaled up to all, as scikit-learn's `KNNImputer` takes them. A row is not its own neighbour. [rows, features]
 */
export function imputeNearest(rows: Dataset, known: Dataset, k = 5): Float32Array {
  const features = rowSize(rows.shape);
  const [values, others] = [valuesOf(rows), valuesOf(known)];
  const same = rows === known;
  const out = imputeMeans(rows, known);
  const distances = new Float64Array(known.rows);
  for (let row = 0; row < rows.rows; row++) {
    const own = values.subarray(row * features, (row + 1) * features);
    if (!own.some(Number.isNaN)) continue;
    for (let other = 0; other < known.rows; other++) {
      let [total, both] = [0, 0];
      for (let j = 0; j < features; j++) {
        const difference = own[j] - others[other * features + j];
        if (Number.isNaN(difference)) continue;
        total += difference ** 2;
        both++;
      }
      distances[other] =
        both === 0 || (same && other === row) ? Number.POSITIVE_INFINITY : (total * features) / both;
    }
    const order = [...distances.keys()].sort((a, b) => distances[a] - distances[b] || a - b);
    for (let j = 0; j < features; j++) {
      if (!Number.isNaN(own[j])) continue;
      const near: number[] = [];
      for (const other of order) {
        if (distances[other] === Number.POSITIVE_INFINITY || near.length === k) break;
        const value = others[other * features + j];
        if (!Number.isNaN(value)) near.push(value);
      }
      if (near.length > 0) out[row * features + j] = near.reduce((a, b) => a + b, 0) / near.length;
    }
  }
  return out;
}

/** How right filled cells are. */
export interface ImputationError {
  /** Root of the mean squared error of numbers, as features: in standard deviations of their column, counts divided by theirs. */
  readonly rmse?: number;
  /** Numbers that were hidden. */
  readonly numbers: number;
  /** The share of categories that are right: the one of the largest value. */
  readonly right?: number;
  readonly categories: number;
}

/** Compares filled cells with what was hidden. @param filled [rows, features] */
export function imputationError(
  truth: Dataset,
  filled: Float32Array,
  hidden: readonly Cell[],
  { features, columns, blocks, numeric }: FeatureLayout,
): ImputationError {
  const x = valuesOf(truth);
  const isBlock = new Set(blocks.map(({ start }) => start));
  const scales = columns.map(({ start }) => (start < numeric ? 1 : deviation(x, start, features)));
  let [squares, numbers, right, categories] = [0, 0, 0, 0];
  for (const { row, column } of hidden) {
    const { start, width } = columns[column];
    const at = row * features + start;
    if (isBlock.has(start)) {
      const block = filled.subarray(at, at + width);
      const best = block.reduce((b, value, i) => (value > block[b] ? i : b), 0);
      right += Number(x[at + best] === 1);
      categories++;
    } else {
      squares += ((filled[at] - x[at]) / scales[column]) ** 2;
      numbers++;
    }
  }
  return {
    numbers,
    categories,
    ...(numbers > 0 && { rmse: Math.sqrt(squares / numbers) }),
    ...(categories > 0 && { right: right / categories }),
  };
}

const deviation = (x: Float32Array, start: number, features: number): number => {
  const values: number[] = [];
  for (let at = start; at < x.length; at += features) if (!Number.isNaN(x[at])) values.push(x[at]);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) || 1;
};
