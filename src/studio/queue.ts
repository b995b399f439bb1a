/** The queue: which rows are most worth a label. */
import { UsageError } from "../errors.ts";
import { permutation } from "../random/index.ts";
import { type Clusters, cluster } from "./clusters.ts";
import type { Features } from "./features.ts";

/**
 * How rows are chosen. `random`: drawn at random. `uncertain`: those whose class the model is least sure of. `diverse`: typical rows of
 * the parts of the data that have no label yet. `chosen`: `diverse` while labels are fewer than three for each class, then rows that the
 * model is unsure of and that are unlike each other.
 */
export const strategies = ["chosen", "random", "uncertain", "diverse"] as const;
export type Strategy = (typeof strategies)[number];

/** What is known when rows are chosen. */
export interface QueueState {
  readonly features: Features;
  /** Rows in the data. */
  readonly rows: number;
  /** Rows that have a label. */
  readonly labelled: ReadonlySet<number>;
  /** Rows that are not to be asked for: skipped, set aside. */
  readonly excluded: ReadonlySet<number>;
  /** The model's probabilities, [rows, classes]; absent before it has learnt. */
  readonly probabilities?: Float32Array;
  /** How much the class depends on what is unknown of z, for each row; used in place of the entropy. */
  readonly information?: Float32Array;
  /** Number of classes that have a label. */
  readonly classes: number;
}

/** Rows among which a batch is chosen, at most: 60,000 would take seconds to cluster. */
const CANDIDATES = 4000;
/** Labels of each class below which the model's doubts say little. */
const EARLY = 3;
/** A batch is chosen from so many times its rows. */
const POOL = 15;

/** The entropy of each row's probabilities, in nats. */
export function entropies(probabilities: Float32Array, classes: number): Float32Array {
  const out = new Float32Array(probabilities.length / classes);
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    if (p > 0) out[Math.floor(i / classes)] -= p * Math.log(p);
  }
  return out;
}

/**
 * Chooses rows to label next, the most useful first; fewer than `count` if fewer are left. The same state and seed give the same rows.
 *
 * @throws UsageError when `count` is not a whole number above 0.
 */
export function chooseRows(
  state: QueueState,
  { strategy, count, seed }: { readonly strategy: Strategy; readonly count: number; readonly seed: number },
): readonly number[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new UsageError(`queue: expected a whole number of rows of at least 1, found ${count}.`);
  }
  const { labelled, excluded, rows, probabilities, classes } = state;
  const order = permutation(rows, seed, labelled.size, "studio/queue");
  const open = Array.from(order).filter((row) => !labelled.has(row) && !excluded.has(row));
  const candidates = open.slice(0, CANDIDATES);
  if (candidates.length <= count || strategy === "random") return candidates.slice(0, count);
  if (probabilities === undefined || classes < 2 || strategy === "diverse") {
    return typical(state, candidates, count, seed);
  }
  if (strategy === "chosen" && labelled.size < EARLY * classes)
    return typical(state, candidates, count, seed);
  const doubt = state.information ?? entropies(probabilities, probabilities.length / rows);
  const unsure = [...candidates].sort((a, b) => doubt[b] - doubt[a]);
  if (strategy === "uncertain") return unsure.slice(0, count);
  return unlike(state, unsure.slice(0, POOL * count), doubt, count, seed);
}

/**
 * The row nearest to the centre of each cluster without a labelled row, largest clusters first, with as many clusters as there will be labels
 * (Hacohen, Dekel and Weinshall 2022, "Active learning on a budget: opposite strategies suit high and low budgets").
 */
function typical(
  { features, labelled }: QueueState,
  candidates: readonly number[],
  count: number,
  seed: number,
): readonly number[] {
  const known = [...labelled];
  const rows = [...known, ...candidates];
  const clusters = cluster(features, rows, { count: known.length + count, seed });
  const covered = new Set(known.map((_, i) => clusters.of[i]));
  const sizes = new Map<number, number>();
  for (const c of clusters.of) sizes.set(c, (sizes.get(c) ?? 0) + 1);
  const nearest = nearestOfEach(clusters, known.length);
  const open = [...nearest]
    .filter(([c]) => !covered.has(c))
    .sort(([a], [b]) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0));
  return filled(
    open.map(([, i]) => rows[i]),
    candidates,
    count,
  );
}

/** The row nearest to the centre of each cluster of unsure rows, weighted by doubt (Zhdanov 2019, "Diverse mini-batch active learning"). */
function unlike(
  { features }: QueueState,
  unsure: readonly number[],
  doubt: Float32Array,
  count: number,
  seed: number,
): readonly number[] {
  // A floor, so that rows the model is sure of do not vanish where it is sure of all.
  const weights = Float64Array.from(unsure, (row) => doubt[row] + 1e-6);
  const clusters = cluster(features, unsure, { count, seed, weights });
  const chosen = [...nearestOfEach(clusters, 0).values()].map((i) => unsure[i]);
  return filled(
    chosen.sort((a, b) => doubt[b] - doubt[a]),
    unsure,
    count,
  );
}

/** The row nearest to the centre of each cluster, from `first` on. */
function nearestOfEach({ of, distances }: Clusters, first: number): Map<number, number> {
  const nearest = new Map<number, number>();
  for (let i = first; i < of.length; i++) {
    const best = nearest.get(of[i]);
    if (best === undefined || distances[i] < distances[best]) nearest.set(of[i], i);
  }
  return nearest;
}

/** Clusters can be empty, or fewer than asked for: the rest comes from the candidates in their order. */
function filled(chosen: readonly number[], candidates: readonly number[], count: number): readonly number[] {
  const rows = new Set(chosen.slice(0, count));
  for (const row of candidates) {
    if (rows.size >= count) break;
    rows.add(row);
  }
  return [...rows];
}
