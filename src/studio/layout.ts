/** Where the map draws rows: the first two principal components at once, and UMAP when it is asked for. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { createDataset } from "../data/index.ts";
import { InternalError } from "../errors.ts";
import { project } from "../report/index.ts";
import { type Features, principalFeatures } from "./features.ts";

/** `pca`: principal components; distances and directions mean something. `umap`: neighbours stay together, distances mean nothing. */
export const layouts = ["pca", "umap"] as const;
export type Layout = (typeof layouts)[number];

/** The most rows that UMAP sees: its time in JavaScript grows faster than their number. The others are placed beside them. */
const MOST_FOR_UMAP = 3000;
/** Neighbours among which a row is placed. */
const NEIGHBOURS = 4;

/** The first two principal components of features: two values for each row. */
export async function principalLayout({ values, width }: Features): Promise<Float32Array> {
  const rows = values.length / width;
  const data = createDataset({ name: "features", shape: [width], x: values });
  const found = await principalFeatures(data, { width: 2 });
  return Float32Array.from({ length: 2 * rows }, (_, i) =>
    i % 2 < found.width ? found.values[Math.floor(i / 2) * found.width + (i % 2)] : 0,
  );
}

/** UMAP of rows spread over the data, and the other rows among their nearest of those. Two values for each row. */
export async function umapLayout(features: Features): Promise<Float32Array> {
  const { values, width } = features;
  const { points, rows } = await project(values, width, { method: "umap", maxPoints: MOST_FOR_UMAP });
  return placedAmong(features, rows, points);
}

/**
 * Places all rows where some are placed: at the mean of the nearest of those, weighted by one over the squared distance, so that a row which
 * is one of them stays there.
 *
 * @param points two values for each of `some`
 */
export function placedAmong(
  { values, width }: Features,
  some: ArrayLike<number>,
  points: Float32Array,
): Float32Array {
  const rows = values.length / width;
  const out = new Float32Array(2 * rows);
  const [distances, places] = [new Float64Array(NEIGHBOURS), new Int32Array(NEIGHBOURS)];
  for (let row = 0; row < rows; row++) {
    distances.fill(Number.POSITIVE_INFINITY);
    for (let i = 0; i < some.length; i++) {
      let distance = 0;
      // Most rows are far: the sum need not be finished.
      for (let j = 0; j < width && distance < distances[NEIGHBOURS - 1]; j++) {
        distance += (values[row * width + j] - values[some[i] * width + j]) ** 2;
      }
      if (distance >= distances[NEIGHBOURS - 1]) continue;
      let at = NEIGHBOURS - 1;
      for (; at > 0 && distances[at - 1] > distance; at--) {
        distances[at] = distances[at - 1];
        places[at] = places[at - 1];
      }
      distances[at] = distance;
      places[at] = i;
    }
    let [total, x, y] = [0, 0, 0];
    for (let k = 0; k < NEIGHBOURS && distances[k] < Number.POSITIVE_INFINITY; k++) {
      const weight = 1 / (distances[k] + 1e-9);
      total += weight;
      x += weight * points[2 * places[k]];
      y += weight * points[2 * places[k] + 1];
    }
    out[2 * row] = x / total;
    out[2 * row + 1] = y / total;
  }
  return out;
}

/** {@link umapLayout} in another thread, so that labelling is not interrupted. */
export async function umapInThread(features: Features): Promise<Float32Array> {
  const worker = new Worker(new URL("./layout-thread.js", import.meta.url), {
    workerData: features,
    execArgv: [],
  });
  worker.unref();
  const over = new AbortController();
  const { signal } = over;
  try {
    const ended = once(worker, "exit", { signal }).then(([code]) => {
      throw new InternalError(`the thread that makes the map ended with ${code}`);
    });
    const [places] = await Promise.race([once(worker, "message", { signal }), ended]);
    return places as Float32Array;
  } finally {
    over.abort();
    void worker.terminate();
  }
}
