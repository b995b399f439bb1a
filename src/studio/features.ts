/** Rows as short vectors, close together for similar rows. They are used until a model has learnt better ones. */
import { ArrayValue, compile } from "../compile/index.ts";
import { type Dataset, mapRows, rowSize, rowsOf } from "../data/index.ts";
import { fillNormal, permutation, stream } from "../random/index.ts";
import { constant, matmul, sub } from "../tensor/index.ts";

/** Vectors of rows, row-major. */
export interface Features {
  readonly values: Float32Array;
  readonly width: number;
}

/** The most rows from which directions are found. */
const SAMPLE = 2000;
/** Number of directions that are kept for wider rows. */
const WIDTH = 16;
/** Rounds of the subspace iteration. The leading directions of images converge in three or four. */
const TURNS = 6;

/**
 * The leading principal components of rows, by subspace iteration on a sample of them (Halko, Martinsson and Tropp 2011, "Finding structure
 * with randomness", algorithm 4.4). The first two are the coordinates of the first map of the data. Rows narrower than `width` keep their width.
 */
export async function principalFeatures(data: Dataset, { width = WIDTH, seed = 0 } = {}): Promise<Features> {
  const size = rowSize(data.shape);
  const kept = Math.min(width, size);
  const sample = permutation(data.rows, seed, 0, "studio/features").slice(0, SAMPLE);
  const x = rowsOf(data, sample, new Float32Array(sample.length * size));
  const mean = new Float64Array(size);
  for (let i = 0; i < x.length; i++) mean[i % size] += x[i] / sample.length;
  for (let i = 0; i < x.length; i++) x[i] -= mean[i % size];
  const start = new Float32Array(kept * size);
  fillNormal(start, stream(seed, "studio/directions"));
  // Directions are the rows of one matrix [kept, size].
  const directions = Float64Array.from(start);
  orthonormalise(directions, kept, size);
  const centred = constant(x, [sample.length, size], "float32");
  const turned = compile((d) => matmul(matmul(d, centred, { transposeB: true }), centred));
  const matrix = (): ArrayValue => new ArrayValue([kept, size], "float32", Float32Array.from(directions));
  for (let turn = 0; turn < TURNS; turn++) {
    directions.set((await turned(matrix())).data as Float32Array);
    orthonormalise(directions, kept, size);
  }
  const middle = constant(mean, [size], "float32");
  const along = compile((rows, d) => matmul(sub(rows, middle), d, { transposeB: true }));
  const found = matrix();
  return { values: await mapRows(data, kept, (rows) => along(rows, found)), width: kept };
}

/** Those of the rows whose vectors are nearest to that of `row`, itself left out, the nearest first. */
export function nearestOf(
  { values, width }: Features,
  row: number,
  among: Iterable<number>,
  count: number,
): number[] {
  const distance = (other: number): number => {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += (values[row * width + j] - values[other * width + j]) ** 2;
    return sum;
  };
  return Array.from(among)
    .filter((other) => other !== row)
    .map((other) => [other, distance(other)] as const)
    .sort(([, a], [, b]) => a - b)
    .slice(0, count)
    .map(([other]) => other);
}

/** Gram–Schmidt, twice for each row because rounding spoils a single pass. A row that depends on the others becomes 0. */
function orthonormalise(rows: Float64Array, count: number, size: number): void {
  for (let k = 0; k < count; k++) {
    const own = rows.subarray(k * size, (k + 1) * size);
    const before = lengthOf(own);
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < k; other++) {
        const base = rows.subarray(other * size, (other + 1) * size);
        let along = 0;
        for (let j = 0; j < size; j++) along += own[j] * base[j];
        for (let j = 0; j < size; j++) own[j] -= along * base[j];
      }
    }
    const length = lengthOf(own);
    const scale = length > 1e-10 * before ? 1 / length : 0;
    for (let j = 0; j < size; j++) own[j] *= scale;
  }
}

function lengthOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}
