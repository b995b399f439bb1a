import { sha256 } from "#platform/hashing";
import { type Dataset, rowSize } from "./dataset.ts";
import { rowsOf } from "./rows.ts";

/**
 * SHA-256, in hex, of what a model sees: shape, values, scale, labels and which values are missing, but not the name. Two datasets with the
 * same fingerprint train the same model, wherever their files are, so a resumed run can refuse different data.
 */
export const fingerprint = (dataset: Dataset): string => {
  const { x, labels, observed } = dataset;
  const hash = sha256();
  const type = x instanceof Uint8Array ? "u8" : "f32";
  // The header ends in a newline and gives every length, so two different datasets never feed the hash the same bytes.
  const { rows, shape, kind, scale } = dataset;
  const parts = { labelled: labels !== undefined, ...(observed && { masked: true }) };
  hash.update(`${JSON.stringify({ rows, shape, kind, scale, type, ...parts })}\n`);
  for (const values of [x, ...(labels ? [labels] : []), ...(observed ? [observed] : [])]) {
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex");
};

/** Rows hashed at once. */
const ROWS = 1000;

/** A fingerprint of each row: its values as a model sees them, without its label and its name. */
export function* rowFingerprints(dataset: Dataset): Generator<string> {
  const width = rowSize(dataset.shape);
  const values = new Float32Array(Math.min(ROWS, dataset.rows) * width);
  for (let start = 0; start < dataset.rows; start += ROWS) {
    const count = Math.min(ROWS, dataset.rows - start);
    rowsOf(
      dataset,
      Array.from({ length: count }, (_, i) => start + i),
      values,
    );
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array(values.buffer, 4 * i * width, 4 * width);
      yield sha256().update(bytes).digest("base64").slice(0, 22);
    }
  }
}

/** How many rows of a dataset also occur in another, with the same values. */
export const sharedRows = (rows: Dataset, others: Dataset): number => {
  if (rowSize(rows.shape) !== rowSize(others.shape)) return 0;
  const known = new Set(rowFingerprints(others));
  let count = 0;
  for (const one of rowFingerprints(rows)) if (known.has(one)) count++;
  return count;
};
