/** The queue: the rows whose labels would help most. */
import { UsageError } from "../errors.ts";
import { permutation } from "../random/index.ts";
import { type Clusters, cluster } from "./clusters.ts";
import type { Features } from "./features.ts";

/**
 * How rows are chosen. `random`: drawn at random. `uncertain`: those whose class the model is least sure of. `diverse`: typical rows from
 * parts of the data without labels. `chosen`: `diverse` until there are three labels per class, then rows that the model is unsure of and
 * that differ from each other. `informative`: the same, but with rows whose class depends most on what the model does not know of them, by
 * mutual information instead of entropy.
 */
export const strategies = ["chosen", "informative", "random", "uncertain", "diverse"] as const;
export type Strategy = (typeof strategies)[number];

/** What is known when rows are chosen. */
export interface QueueState {
  readonly features: Features;
  /** Number of rows in the data. */
  readonly rows: number;
  /** Rows that have a label. */
  readonly labelled: ReadonlySet<number>;
  /** Rows that are not asked for: skipped, or put aside. */
  readonly excluded: ReadonlySet<number>;
  /** The model's probabilities, [rows, classes]; absent before the first lesson. */
  readonly probabilities?: Float32Array;
  /** The mutual information of each row's class with what the model does not know of it, for `informative`; NaN where it was not computed. */
  readonly information?: Float32Array;
  /** Number of classes with labels. */
  readonly classes: number;
}

/** The most rows among which a batch is chosen: clustering 60,000 would take seconds. */
const CANDIDATES = 4000;
/** With fewer labels per class than this, the model's uncertainty means little. */
const EARLY = 3;
/** A batch is chosen from this many times its number of rows. */
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
 * Chooses the rows to label next, the most useful first; fewer than `count` if fewer are left. The same state and seed give the same rows.
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
  const { labelled, probabilities, classes } = state;
  const candidates = candidatesOf(state, seed);
  if (candidates.length <= count || strategy === "random") return candidates.slice(0, count);
  if (probabilities === undefined || classes < 2 || strategy === "diverse") {
    return typical(state, candidates, count, seed);
  }
  if (strategy !== "uncertain" && labelled.size < EARLY * classes)
    return typical(state, candidates, count, seed);
  const { among, doubt } = doubts(state, { strategy, candidates, count });
  const unsure = [...among].sort((a, b) => doubt[b] - doubt[a]);
  if (strategy === "uncertain") return unsure.slice(0, count);
  return unlike(state, unsure.slice(0, POOL * count), doubt, count, seed);
}

/** The rows among which the next ones are chosen, without a label, in random order. */
export function candidatesOf(
  { labelled, excluded, rows }: Pick<QueueState, "labelled" | "excluded" | "rows">,
  seed: number,
): readonly number[] {
  const order = permutation(rows, seed, labelled.size, "studio/queue");
  return Array.from(order)
    .filter((row) => !labelled.has(row) && !excluded.has(row))
    .slice(0, CANDIDATES);
}

/** How unsure the class of each row is, and the rows for which this is known. The information may be missing right after `informative` is chosen. */
function doubts(
  { labelled, excluded, rows, information, probabilities = new Float32Array() }: QueueState,
  {
    strategy,
    candidates,
    count,
  }: { readonly strategy: Strategy; readonly candidates: readonly number[]; readonly count: number },
): { readonly among: readonly number[]; readonly doubt: Float32Array } {
  if (strategy === "informative" && information !== undefined) {
    const among = Array.from(information.keys()).filter(
      (row) => information[row] >= 0 && !labelled.has(row) && !excluded.has(row),
    );
    if (among.length >= count) return { among, doubt: information };
  }
  return { among: candidates, doubt: entropies(probabilities, probabilities.length / rows) };
}

/**
 * The row nearest to the centre of each cluster that has no labelled row, largest clusters first. There are as many clusters as there will
 * be labels (Hacohen, Dekel and Weinshall 2022, "Active learning on a budget: opposite strategies suit high and low budgets").
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

/** The row nearest to the centre of each cluster of uncertain rows, weighted by uncertainty (Zhdanov 2019, "Diverse mini-batch active learning"). */
function unlike(
  { features }: QueueState,
  unsure: readonly number[],
  doubt: Float32Array,
  count: number,
  seed: number,
): readonly number[] {
  // A lower limit, so that weights do not vanish if the model is sure of all rows.
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

/** Clusters can be empty, or too few: the remaining rows are the first candidates. */
function filled(chosen: readonly number[], candidates: readonly number[], count: number): readonly number[] {
  const rows = new Set(chosen.slice(0, count));
  for (const row of candidates) {
    if (rows.size >= count) break;
    rows.add(row);
  }
  return [...rows];
}
