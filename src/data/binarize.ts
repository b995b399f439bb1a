import { UsageError } from "../errors.ts";
import { fillUniform, stream } from "../random/index.ts";
import { type Dataset, rowPlace, rowSize } from "./dataset.ts";

/** Whether every value is 0 or 1 in model units. */
export const isBinary = ({ x, scale }: Dataset): boolean => x.every((v) => v === 0 || v * scale === 1);

/**
 * Draws every grey value once as 0 or 1; the value is the probability of 1. A pure function of the data, the seed and `site`: a held-out
 * set stays the same from epoch to epoch and from run to run.
 *
 * @throws UsageError when values lie outside [0, 1].
 */
export function binarize(dataset: Dataset, seed: number, site = "binarize/fixed"): Dataset {
  const { x, scale } = dataset;
  const width = rowSize(dataset.shape);
  const out = new Uint8Array(x.length);
  const uniforms = new Float32Array(width);
  const source = stream(seed, site);
  for (let row = 0; row < dataset.rows; row++) {
    const start = row * width;
    fillUniform(uniforms, source, { first: start });
    for (let j = 0; j < width; j++) {
      const p = x[start + j] * scale;
      if (!(p >= 0 && p <= 1)) {
        throw new UsageError(
          `${dataset.name}: cannot binarise ${p} (${rowPlace(dataset, row)}, value ${j}): it is not a probability.`,
        );
      }
      out[start + j] = uniforms[j] < p ? 1 : 0;
    }
  }
  return { ...dataset, x: out, scale: 1 };
}
