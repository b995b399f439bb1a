/**
 * The labels with the largest sum of scores among those that give class c exactly `counts[c]` rows: a transportation
 * problem. It starts from each row's best class, and moves rows along the cheapest chain of classes from one that has too
 * many to one that has too few (successive shortest paths over the classes, which are few), until the counts are met.
 * O(rows · classes) per move, at most `rows` moves.
 *
 * @param exact Scores [rows, classes].
 * @param counts Whole numbers that sum to the rows.
 */
export const balancedLabels = (exact: Float64Array, counts: readonly number[]): Int32Array => {
  const classes = counts.length;
  const rows = exact.length / classes;
  const scores = inWholeUnits(exact);
  const labels = Int32Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (scores[row * classes + c] > scores[row * classes + best]) best = c;
    }
    return best;
  });
  const have = new Int32Array(classes);
  for (const label of labels) have[label]++;
  /** The cost of the cheapest move of a row from class c to d, at [c · classes + d], and that row. */
  const cost = new Float64Array(classes * classes);
  const mover = new Int32Array(classes * classes);
  const findMoves = (c: number): void => {
    cost.fill(Number.POSITIVE_INFINITY, c * classes, (c + 1) * classes);
    for (let row = 0; row < rows; row++) {
      if (labels[row] !== c) continue;
      for (let d = 0; d < classes; d++) {
        const loss = scores[row * classes + c] - scores[row * classes + d];
        if (d === c || loss >= cost[c * classes + d]) continue;
        cost[c * classes + d] = loss;
        mover[c * classes + d] = row;
      }
    }
  };
  for (let c = 0; c < classes; c++) findMoves(c);
  for (;;) {
    const { distance, before } = shortestPaths(
      cost,
      counts.map((count, c) => have[c] > count),
    );
    let to = -1;
    for (let c = 0; c < classes; c++) {
      if (have[c] < counts[c] && (to < 0 || distance[c] < distance[to])) to = c;
    }
    if (to < 0) return labels;
    const touched = [to];
    have[to]++;
    for (let from = before[to]; from >= 0; from = before[to]) {
      labels[mover[from * classes + to]] = to;
      touched.push(from);
      to = from;
    }
    have[to]--;
    touched.forEach(findMoves);
  }
};

/** The unit is a billionth of the largest, so that sums of costs are exact and rounding cannot make a cycle negative. */
const inWholeUnits = (scores: Float64Array): Float64Array => {
  let largest = 0;
  for (const score of scores) largest = Math.max(largest, Math.abs(score));
  return largest === 0 ? scores : scores.map((score) => Math.round((score / largest) * 2 ** 30));
};

/** Cheapest paths from any source to each class, by Bellman and Ford: a move can have a negative cost, but no cycle of moves does. */
const shortestPaths = (
  cost: Float64Array,
  sources: readonly boolean[],
): { readonly distance: Float64Array; readonly before: Int32Array } => {
  const classes = sources.length;
  const distance = Float64Array.from(sources, (source) => (source ? 0 : Number.POSITIVE_INFINITY));
  const before = new Int32Array(classes).fill(-1);
  for (let round = 0; round < classes; round++) {
    for (let c = 0; c < classes; c++) {
      for (let d = 0; d < classes; d++) {
        const length = distance[c] + cost[c * classes + d];
        if (length >= distance[d]) continue;
        distance[d] = length;
        before[d] = c;
      }
    }
  }
  return { distance, before };
};
