import { launch } from "./process.mjs";
import { summary } from "./stats.mjs";

const MIB = 2 ** 20;

/** Steps before the first sample: by then the garbage collector has run a few times. */
const WARM_UP = 2000;

/** Resident memory in MiB, sampled every 500 of 5,000 steps after a warm-up; `ratio` is the last sample over the first. */
export const measureMemory = async (contestant, { progress }) => {
  const process = await launch(contestant);
  const samples = [];
  await process.ask({ cmd: "steps", count: WARM_UP });
  for (let done = 0; done <= 5000; done += 500) {
    progress(`memory of ${contestant.key}: ${done} of 5000 steps`);
    await process.ask({ cmd: "steps", count: 500 });
    samples.push((await process.ask({ cmd: "memory" })).rss / MIB);
  }
  await process.end();
  const ratio = Math.round((1000 * samples.at(-1)) / samples[0]) / 1000;
  return {
    key: contestant.key,
    name: `${process.name}, resident memory`,
    unit: "MiB",
    ...summary(samples),
    ratio,
  };
};

/** Milliseconds from the start of the process to the end of its first train step, five times. */
export const measureStart = async (contestant, { progress }) => {
  const times = [];
  let name = contestant.key;
  for (let i = 0; i < 5; i++) {
    progress(`start of ${contestant.key}: ${i + 1} of 5`);
    const process = await launch(contestant);
    await process.ask({ cmd: "steps", count: 1 });
    times.push(process.age());
    name = process.name;
    await process.end();
  }
  return {
    key: contestant.key,
    name: `${name}, start to first step`,
    unit: "ms",
    ...summary(times),
    ratio: null,
  };
};
