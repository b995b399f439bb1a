import { checkOptions, type OptionRules, whole } from "../../options.ts";
import {
  type Classifier,
  checkRows,
  type FittedClassifier,
  type LabelledFeatures,
  labelledRows,
} from "./classifier.ts";
import { squaredDistances } from "./kernel.ts";

/** Options of {@link knn}. */
export interface KnnOptions {
  /** Number of neighbours. Default 5; never more than there are labelled rows. */
  readonly k?: number;
}

const rules: OptionRules<KnnOptions> = {
  k: whole(1),
};

/**
 * k nearest neighbours by Euclidean distance, each with a vote of weight 1/distance (so that votes are hardly ever equal); scores are
 * shares of the votes. Exhaustive search, rows × labelled rows × features: in the fifty dimensions of a latent space a tree visits nearly
 * all points anyway.
 *
 * ```ts
 * const fitted = await knn({ k: 5 }).fit({ x, features: 50, labels, classes: 10 });
 * const predicted = predictedClasses(await fitted.scores(test), 10);
 * ```
 *
 * @throws UsageError when `k` is not a whole number of at least 1.
 */
export const knn = (options: KnnOptions = {}): Classifier => {
  checkOptions("knn", options, rules);
  const { k = 5 } = options;
  return { name: `${k} nearest neighbours`, fit: async (data) => fitKnn(labelledRows("knn", data), k) };
};

const fitKnn = (
  { x: known, features, labels, classes }: LabelledFeatures,
  most: number,
): FittedClassifier => {
  const k = Math.min(most, labels.length);
  const all = squaredDistances(known, features);
  return {
    classes,
    features,
    scoring: "probability",
    async scores(x) {
      checkRows("knn", "features", x, features);
      const rows = x.length / features;
      const out = new Float32Array(rows * classes);
      const distances = new Float64Array(labels.length);
      for (let row = 0; row < rows; row++) {
        all.compare(x, row, distances);
        vote(nearest(distances, k), distances, labels, out.subarray(row * classes, (row + 1) * classes));
      }
      return out;
    },
  };
};

/** Indices of the k smallest values, smallest first; of equal ones the first. */
const nearest = (distances: Float64Array, k: number): readonly number[] => {
  const places: number[] = [];
  for (let i = 0; i < distances.length; i++) {
    if (places.length === k && distances[i] >= distances[places[k - 1]]) continue;
    let at = Math.min(places.length, k - 1);
    for (; at > 0 && distances[places[at - 1]] > distances[i]; at--) places[at] = places[at - 1];
    places[at] = i;
  }
  return places;
};

/** Adds each neighbour's weight to its class. If a row equals a known one, only that one votes. */
const vote = (
  places: readonly number[],
  squared: Float64Array,
  labels: Int32Array,
  out: Float32Array,
): void => {
  const known = squared[places[0]] === 0;
  const weights = places.map((i) => (known ? Number(squared[i] === 0) : 1 / Math.sqrt(squared[i])));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  places.forEach((i, n) => {
    out[labels[i]] += weights[n] / total;
  });
};
