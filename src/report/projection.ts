import { ShapeError, UsageError } from "../errors.ts";
import { principalComponents } from "./principal-components.ts";

/** How to project points to two dimensions. `"auto"` keeps two dimensions as they are, and uses UMAP for more. */
export type ProjectionMethod = "auto" | "umap" | "pca";

/** A point cloud in two dimensions. */
export interface Projection {
  /** Shape `[rows.length, 2]`, row-major. */
  readonly points: Float32Array;
  /** Which rows of the input the points are, ascending. */
  readonly rows: Int32Array;
  readonly method: "identity" | "umap" | "pca";
  /** Axis labels. */
  readonly axes: readonly [string, string];
}

/** Fewer points than this have too few neighbours for UMAP; PCA is used instead. */
const LEAST_FOR_UMAP = 30;
const NEIGHBOURS = 15;

/**
 * Projects points to two dimensions, for drawing.
 *
 * Two dimensions stay as they are; one is spread out by meaningless jitter. For more than two, `"auto"` and
 * `"umap"` use UMAP (McInnes, Healy & Melville, 2018; seeded, so the same points give the same picture),
 * and `"pca"` the two directions of greatest variance. Rows that are not finite are dropped; of the others at
 * most `maxPoints`, evenly spaced, are kept: UMAP takes seconds for 2,000 points, and its time grows faster than linearly.
 *
 * PCA replaces UMAP if there are fewer than 30 points, or if all points are equal, as the encodings of a collapsed posterior are.
 *
 * @param points shape `[rows, dimensions]`, row-major
 * @throws ShapeError when `points` is not a whole number of rows.
 * @throws UsageError when `dimensions` or `maxPoints` is not a whole number of at least 1.
 */
export const project = async (
  points: Float32Array,
  dimensions: number,
  options: { readonly method?: ProjectionMethod; readonly seed?: number; readonly maxPoints?: number } = {},
): Promise<Projection> => {
  const { method = "auto", seed = 0, maxPoints = 2000 } = options;
  for (const [name, value] of Object.entries({ dimensions, maxPoints })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError(`project: ${name} must be a whole number of at least 1, found ${value}`);
    }
  }
  if (points.length % dimensions !== 0) {
    throw new ShapeError(
      `project: expected points of shape [rows, ${dimensions}], found ${points.length} values, ` +
        `which is not a multiple of ${dimensions}`,
    );
  }
  const rows = pickRows(points, dimensions, maxPoints);
  const kept = new Float32Array(rows.length * dimensions);
  rows.forEach((row, i) => {
    kept.set(points.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  });

  if (dimensions === 1) {
    const random = seededRandom(seed);
    const spread = Float32Array.from({ length: rows.length * 2 }, (_, i) =>
      i % 2 === 0 ? (kept[i / 2] ?? 0) : random() * 2 - 1,
    );
    return { points: spread, rows, method: "identity", axes: ["z₀", "jitter (no meaning)"] };
  }
  if (dimensions === 2) return { points: kept, rows, method: "identity", axes: ["z₀", "z₁"] };
  if (method !== "pca" && rows.length >= LEAST_FOR_UMAP && varies(kept, dimensions)) {
    const embedded = await umap(kept, dimensions, seed);
    if (embedded !== undefined) {
      return { points: embedded, rows, method: "umap", axes: ["UMAP 1", "UMAP 2"] };
    }
  }
  const { points: projected, explained } = principalComponents(kept, dimensions);
  const percent = (share: number): string => `${(share * 100).toFixed(0)} % of the variance`;
  return {
    points: projected,
    rows,
    method: "pca",
    axes: [`PC 1 (${percent(explained[0])})`, `PC 2 (${percent(explained[1])})`],
  };
};

const pickRows = (points: Float32Array, dimensions: number, maxPoints: number): Int32Array => {
  const finite: number[] = [];
  for (let row = 0; row < points.length / dimensions; row++) {
    if (points.subarray(row * dimensions, (row + 1) * dimensions).every(Number.isFinite)) finite.push(row);
  }
  const count = Math.min(maxPoints, finite.length);
  return Int32Array.from({ length: count }, (_, i) => finite[Math.floor((i * finite.length) / count)] ?? 0);
};

const varies = (points: Float32Array, dimensions: number): boolean =>
  points.some((value, i) => Math.abs(value - (points[i % dimensions] ?? 0)) > 1e-6);

const umap = async (
  points: Float32Array,
  dimensions: number,
  seed: number,
): Promise<Float32Array | undefined> => {
  const { UMAP } = await import("umap-js");
  const table = Array.from({ length: points.length / dimensions }, (_, row) =>
    Array.from(points.subarray(row * dimensions, (row + 1) * dimensions)),
  );
  // The library's default of 500 epochs doubles the time for no visible gain at this size.
  const embedding = new UMAP({
    random: seededRandom(seed),
    nNeighbors: NEIGHBOURS,
    minDist: 0.1,
    nEpochs: 250,
  }).fit(table);
  const flat = Float32Array.from(embedding.flat());
  return flat.length === table.length * 2 && flat.every(Number.isFinite) ? flat : undefined;
};

/** Uniform on [0, 1): a 32-bit counter through a bit mixer. Good enough to place dots, and for nothing else. */
const seededRandom = (seed: number): (() => number) => {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let bits = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
};
