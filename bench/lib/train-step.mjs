import { mean, quantile, summary } from "./stats.mjs";

const WARM_UP = 20;
const RE_WARM = 3;
const ROUND = 20;
const TAIL = 20;

/** Steps of a full run: 20 of warm-up, and ten rounds of 3 and 20. */
const FULL = 240;

/**
 * The VAE: `-ELBO` of an untrained decoder is about 784 ln 2 = 543 nats plus the KL. `below` is the limit for the last losses after
 * a full run and a quick one (PyTorch: 149 after 240, 203 after 60).
 */
const VAE = { start: [480, 620], below: { full: 160, quick: 225 } };

const verdict = ({ trains }, losses, { start, below }) => {
  if (!trains) return { valid: true };
  const first = losses[0];
  const last = mean(losses.slice(-TAIL));
  const lossBound = losses.length >= FULL ? below.full : below.quick;
  const starts = first >= start[0] && first <= start[1];
  return { firstLoss: first, lastLoss: last, start, lossBound, valid: starts && last < lossBound };
};

/**
 * Times the train step of every contestant, in rounds of 20 steps each in turn; the first steps of all and of
 * each turn do not count. `must` gives the interval in which the losses of those that train must start, and the limit below which they must
 * end. Resolves to one entry for each contestant, in the same order: `ratio` is that of the medians of all steps, `turnRatio` of those of
 * each pair of turns.
 */
export const measureTrainSteps = async (contestants, { rounds, progress, must = VAE }) => {
  const runs = contestants.map((contestant) => ({ contestant, ms: [], turns: [], losses: [] }));
  const turn = async (run, uncounted, counted) => {
    const { contestant } = run;
    for (const count of [uncounted, counted]) {
      if (count === 0) continue;
      const { ms, losses } = await contestant.ask({ cmd: "steps", count });
      run.losses.push(...losses);
      if (count !== counted) continue;
      run.ms.push(...ms);
      run.turns.push(quantile(ms, 0.5));
    }
    contestant.pause();
  };
  const failed = (run, error) => {
    run.failure = error.message;
  };
  for (let round = 0; round <= rounds; round++) {
    for (const run of runs.filter(({ failure }) => failure === undefined)) {
      progress(`round ${round} of ${rounds}: ${run.contestant.key}`);
      await (round === 0 ? turn(run, WARM_UP, 0) : turn(run, RE_WARM, ROUND)).catch((error) =>
        failed(run, error),
      );
    }
  }
  const ours = runs.find(({ contestant }) => contestant.key === "tightbound");
  const base = ours?.ms.length ? summary(ours.ms).median : undefined;
  return runs.map(({ contestant, ms, turns, losses, failure }) => {
    const { key, name, version, threads, atLeast } = contestant;
    if (failure) return { key, name, valid: false, failure };
    const times = summary(ms);
    const ratio = base === undefined ? null : Math.round((1000 * times.median) / base) / 1000;
    return {
      key,
      name,
      ...times,
      ratio,
      ...(ours &&
        ours.failure === undefined && { turnRatio: summary(turns.map((t, i) => t / ours.turns[i])) }),
      ...(atLeast === undefined ? {} : { atLeast }),
      steps: ms.length,
      version,
      threads,
      ...verdict(contestant, losses, must),
    };
  });
};
