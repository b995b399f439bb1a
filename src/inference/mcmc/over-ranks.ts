/** Chains over the ranks of MPI: each rank runs its share, and gets the chains of all. */
import { NonFiniteError, UsageError } from "../../errors.ts";
import type { Ranks } from "../../mpi/index.ts";
import { metricFrom } from "./metric.ts";
import { type ChainJob, type ChainRun, type Statistics, statisticNames } from "./run-chain.ts";

/** The rank that runs a chain. */
const ownerOf = (chain: number, { size }: Ranks): number => chain % size;

/**
 * Chains would be of different posteriors if ranks had other data or options. The densities at the starting points show it.
 * @throws UsageError on every rank, naming one that differs from rank 0.
 */
function checkSame(method: string, jobs: readonly ChainJob[], ranks: Ranks): void {
  const mine = JSON.stringify(
    jobs.map(({ kernel, settings, draws, start }) => ({ kernel, settings, draws, at: start.logDensity })),
  );
  const all = ranks.gather(mine);
  const other = all.findIndex((text) => text !== all[0]);
  if (other === -1) return;
  throw new UsageError(
    `${method}: rank ${other} does not run the chains of rank 0: its data, program, seed or options differ, or its machine rounds differently. Give every ` +
      "rank the same, or run the chains in one process.",
  );
}

/** A chain's numbers, one after the other: what it returns is [draws, dimension], its reports, its step size and its metric. */
function packed({ coordinates, statistics, stepSize, metric }: ChainRun): Float64Array {
  const parts = [
    coordinates,
    ...statisticNames.map((name) => statistics[name]),
    Float64Array.of(stepSize),
    metric.inverse,
  ];
  const out = new Float64Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function unpacked(numbers: Float64Array, { draws, start, settings }: ChainJob): ChainRun {
  let at = 0;
  const take = (count: number): Float64Array => {
    at += count;
    return numbers.slice(at - count, at);
  };
  const coordinates = take(draws * start.q.length);
  const statistics = Object.fromEntries(statisticNames.map((name) => [name, take(draws)])) as Statistics;
  const [stepSize] = take(1);
  return {
    coordinates,
    statistics,
    stepSize,
    metric: metricFrom(settings.metric, take(numbers.length - at)),
  };
}

/** How many numbers a chain has. */
const lengthOf = ({ draws, start: { q }, settings }: ChainJob): number =>
  draws * (q.length + statisticNames.length) +
  1 +
  (settings.metric === "diagonal" ? q.length : q.length * q.length);

/**
 * Runs the jobs of this rank and returns the runs of all, in the order of the chains, on every rank.
 * @throws on every rank when a chain fails on one: the others would wait for it.
 */
export async function overRanks(
  method: string,
  jobs: readonly ChainJob[],
  ranks: Ranks,
  run: (own: readonly ChainJob[]) => Promise<readonly ChainRun[]>,
): Promise<readonly ChainRun[]> {
  checkSame(method, jobs, ranks);
  const own = jobs.filter((_, chain) => ownerOf(chain, ranks) === ranks.rank);
  const outcome = await run(own).then(
    (runs) => ({ runs }),
    (error: unknown) => ({ error }),
  );
  const failed = "error" in outcome;
  const messages = ranks.gather(failed ? String((outcome.error as Error)?.message ?? outcome.error) : "");
  if (failed) throw outcome.error;
  const other = messages.findIndex((message) => message !== "");
  if (other !== -1)
    throw new NonFiniteError(`${method}: a chain of rank ${other} failed: ${messages[other]}`);
  const each = lengthOf(jobs[0]);
  const countOf = (rank: number): number =>
    jobs.filter((_, chain) => ownerOf(chain, ranks) === rank).length * each;
  const counts = Array.from({ length: ranks.size }, (_, rank) => countOf(rank));
  const starts = counts.map((_, rank) => counts.slice(0, rank).reduce((a, b) => a + b, 0));
  const all = new Float64Array(each * jobs.length);
  outcome.runs.forEach((one, i) => {
    all.set(packed(one), starts[ranks.rank] + i * each);
  });
  // Moved as they are, a number as two floats.
  ranks.allGather(
    new Float32Array(all.buffer),
    Int32Array.from(counts, (count) => 2 * count),
  );
  return jobs.map((job, chain) => {
    const from = starts[ownerOf(chain, ranks)] + Math.floor(chain / ranks.size) * each;
    return unpacked(all.subarray(from, from + each), job);
  });
}
