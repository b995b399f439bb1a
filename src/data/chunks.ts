import { ArrayValue } from "../compile/index.ts";
import { type Dataset, rowSize } from "./dataset.ts";
import { rowsOf } from "./rows.ts";

/** Rows computed at once: large enough for the matrix products, small enough for the caches. */
const CHUNK = 500;

/** Feeds a dataset in chunks of one size. The last chunk is padded with copies of its first row; `count` leaves them out. */
export async function overChunks(
  dataset: Dataset,
  visit: (x: ArrayValue, count: number, start: number) => Promise<void>,
  size = CHUNK,
): Promise<void> {
  const width = rowSize(dataset.shape);
  const chunk = Math.min(size, dataset.rows);
  const x = new ArrayValue([chunk, width], "float32");
  for (let start = 0; start < dataset.rows; start += chunk) {
    const count = Math.min(chunk, dataset.rows - start);
    const rows = Array.from({ length: chunk }, (_, i) => start + (i < count ? i : 0));
    rowsOf(dataset, rows, x.data as Float32Array);
    await visit(x, count, start);
  }
}

/** Applies a function of rows, [chunk, features] → [chunk, width], to a whole dataset: [rows, width]. */
export async function mapRows(
  dataset: Dataset,
  width: number,
  fn: (x: ArrayValue) => Promise<ArrayValue>,
  size = CHUNK,
): Promise<Float32Array> {
  const out = new Float32Array(dataset.rows * width);
  const visit = async (x: ArrayValue, count: number, start: number): Promise<void> => {
    const { data } = await fn(x);
    out.set((data as Float32Array).subarray(0, count * width), start * width);
  };
  await overChunks(dataset, visit, size);
  return out;
}
