import { createHash } from "node:crypto";
import type { Dataset } from "./dataset.ts";

// `update` takes at most 2 GiB at a time.
const CHUNK_BYTES = 2 ** 28;

/**
 * SHA-256, in hex, of what a model sees: shape, values, scale, labels and which values are missing, but not the
 * name. Two datasets with the same fingerprint train the same model, wherever their files lie, so a resumed run can
 * refuse other data.
 */
export const fingerprint = (dataset: Dataset): string => {
  const { x, labels, observed } = dataset;
  const hash = createHash("sha256");
  const type = x instanceof Uint8Array ? "u8" : "f32";
  // The header ends in a newline and gives every length, so no two datasets feed the hash the same bytes.
  const { rows, shape, kind, scale } = dataset;
  const parts = { labelled: labels !== undefined, ...(observed && { masked: true }) };
  hash.update(`${JSON.stringify({ rows, shape, kind, scale, type, ...parts })}\n`);
  for (const values of [x, ...(labels ? [labels] : []), ...(observed ? [observed] : [])]) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
      hash.update(bytes.subarray(from, from + CHUNK_BYTES));
    }
  }
  return hash.digest("hex");
};
