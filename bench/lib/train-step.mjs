import { mean, summary } from "./stats.mjs";

const WARM_UP = 20;
const RE_WARM = 3;
const ROUND = 20;
const TAIL = 20;

/** `-ELBO` of an untrained decoder is about 784 ln 2 = 543 nats plus the KL. */
const START = [480, 620];

/** What the last losses must have fallen below after so many steps; PyTorch: 149 after 240, 203 after 60. */
const bound = (steps) => (steps >= 240 ? 160 : 225);

const verdict = ({ trains }, losses) => {
  if (!trains) return { valid: true };
  const first = losses[0];
  const last = mean(losses.slice(-TAIL));
  const starts = first >= START[0] && first <= START[1];
  const falls = last < bound(losses.length);
  return { firstLoss: first, lastLoss: last, lossBound: bound(losses.length), valid: starts && falls };
};

/**
 * Times the train step of every contestant, in rounds of 20 steps each in turn; the first steps of all and of
 * each turn do not count. Resolves to one entry a contestant, in the same order.
 */
export const measureTrainSteps = async (contestants, { rounds, progress }) => {
  const runs = contestants.map((contestant) => ({ contestant, ms: [], losses: [] }));
  const turn = async (run, uncounted, counted) => {
    const { contestant } = run;
    for (const count of [uncounted, counted]) {
      if (count === 0) continue;
      const { ms, losses } = await contestant.ask({ cmd: "steps", count });
      run.losses.push(...losses);
      if (count === counted) run.ms.push(...ms);
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
  return runs.map(({ contestant, ms, losses, failure }) => {
    const { key, name, version, threads, atLeast } = contestant;
    if (failure) return { key, name, valid: false, failure };
    const times = summary(ms);
    const ratio = base === undefined ? null : Math.round((1000 * times.median) / base) / 1000;
    return {
      key,
      name,
      ...times,
      ratio,
      ...(atLeast === undefined ? {} : { atLeast }),
      steps: ms.length,
      version,
      threads,
      ...verdict(contestant, losses),
    };
  });
};
