// `npm run bench`: one VAE train step side by side with its peers. See README.md.
import { parseArgs } from "node:util";
import { CONTESTANTS } from "./lib/contestants.mjs";
import { installPeers } from "./lib/install.mjs";
import { launch } from "./lib/process.mjs";
import { measureMemory, measureStart } from "./lib/process-rows.mjs";
import { measurePrograms } from "./lib/programs.mjs";
import { environment, save, table } from "./lib/report.mjs";
import { measureTrainSteps } from "./lib/train-step.mjs";

const USAGE = `usage: npm run bench -- [--quick] [--only NAME,NAME] [--steps] [--memory] [--start] [--programs]

  --quick    40 counted steps each instead of 200, train step only
  --only     these contestants alone: ${CONTESTANTS.map(({ key }) => key).join(", ")}
  --steps, --memory, --start, --programs
             these parts alone (default: all four; memory and start for tightbound, or those in --only)`;

const usage = (problem) => {
  console.error(`${problem}\n\n${USAGE}`);
  process.exit(2);
};

const parse = () => {
  const flag = { type: "boolean", default: false };
  try {
    const options = {
      quick: flag,
      only: { type: "string" },
      steps: flag,
      memory: flag,
      start: flag,
      programs: flag,
      help: flag,
    };
    return parseArgs({ options }).values;
  } catch (error) {
    return usage(error.message);
  }
};

const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);
const cell = (value, digits = 2) => (value === undefined || value === null ? "–" : value.toFixed(digits));

const target = ({ ratio, atLeast }) => {
  if (atLeast === undefined) return "";
  const wanted = `≥ ${atLeast.toFixed(atLeast < 1 ? 2 : 0)}`;
  if (ratio === null) return wanted;
  return `${wanted} ${ratio >= atLeast ? "met" : "missed"}`;
};

const stepRow = (entry) => {
  if (entry.failure) return [entry.name, ...Array(9).fill("–"), `failed: ${entry.failure}`];
  return [
    entry.name,
    entry.version,
    String(entry.threads),
    cell(entry.median),
    `${cell(entry.q1)}–${cell(entry.q3)}`,
    cell(entry.min),
    cell(entry.max),
    cell(entry.ratio),
    target(entry),
    entry.firstLoss === undefined ? "–" : `${cell(entry.firstLoss, 0)} → ${cell(entry.lastLoss, 0)}`,
    entry.firstLoss === undefined
      ? "–"
      : entry.valid
        ? "yes"
        : `INVALID: the loss must start near 543 and end below ${entry.lossBound}`,
  ];
};

const STEP_HEADER = "train step,version,threads,median ms,quartiles,min,max,ratio,target,loss,trains".split(
  ",",
);

const trainSteps = async (contestants, { quick, suffix }) => {
  const ready = [];
  const skipped = [];
  for (const contestant of contestants) {
    progress(`starting ${contestant.key}`);
    try {
      const handle = await launch(contestant);
      handle.pause();
      ready.push(handle);
    } catch (error) {
      skipped.push({ key: contestant.key, reason: error.message });
    }
  }
  const where = environment();
  const entries = await measureTrainSteps(ready, { rounds: quick ? 2 : 10, progress });
  progress("");
  for (const contestant of ready) await contestant.end();
  console.log(
    `\n${where.cpu}, ${where.cores} cores, Node ${where.node}, load at start ${where.loadAverageAtStart}`,
  );
  if (where.loadAverageAtStart > 0.5)
    console.log("other work is running: these figures are indications only");
  console.log(`\n${table(STEP_HEADER, entries.map(stepRow))}\n`);
  for (const { key, reason } of skipped) console.log(`left out: ${key}: ${reason}`);
  if (!entries.some(({ key }) => key === "tightbound"))
    console.log("no ratios: tightbound did not take part");
  save(`train-step${suffix}`, { unit: "ms", environment: where, entries, skipped });
  return entries.every(({ valid }) => valid);
};

const processRows = async (name, measure, contestants, { suffix }) => {
  const entries = [];
  for (const contestant of contestants) {
    try {
      entries.push(await measure(contestant, { progress }));
    } catch (error) {
      progress("");
      console.log(`left out of ${name}: ${contestant.key}: ${error.message}`);
    }
  }
  progress("");
  if (entries.length === 0) return;
  const rows = entries.map((e) => [
    e.name,
    e.unit,
    cell(e.median),
    cell(e.min),
    cell(e.max),
    cell(e.ratio, 3),
  ]);
  console.log(`\n${table([name, "unit", "median", "min", "max", "last/first"], rows)}\n`);
  save(`${name}${suffix}`, { environment: environment(), entries });
};

const programs = async () => {
  const entries = await measurePrograms({ progress });
  const rows = entries.map(({ name, unit, median, min, max, atLeast, atMost }) => {
    const wanted = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    const met = atLeast === undefined ? median <= atMost : median >= atLeast;
    return [name, unit, cell(median), cell(min), cell(max), `${wanted} ${met ? "met" : "missed"}`];
  });
  console.log(`\n${table(["programs", "unit", "median", "min", "max", "target"], rows)}\n`);
  save("programs", { environment: environment(), entries });
};

const args = parse();
if (args.help) {
  console.log(USAGE);
  process.exit(0);
}
const only = args.only?.split(",");
const unknown = only?.find((key) => !CONTESTANTS.some((contestant) => contestant.key === key));
if (unknown !== undefined) usage(`--only: there is no contestant ${JSON.stringify(unknown)}`);
const chosen = CONTESTANTS.filter(({ key }) => !only || only.includes(key));

const steps = args.steps || !(args.memory || args.start || args.programs);
const missing = steps && chosen.some(({ npm }) => npm) ? installPeers() : undefined;
if (missing) console.log(`left out: the JavaScript peers: ${missing}`);
const present = chosen.filter(({ npm }) => !(npm && missing));

const every = !(args.steps || args.memory || args.start || args.programs);
const suffix = only || args.quick ? ".partial" : "";
const mine = only ? present : present.filter(({ key }) => key === "tightbound");
if (args.start || (every && !args.quick)) await processRows("start", measureStart, mine, { suffix });
if (args.memory || (every && !args.quick)) await processRows("memory", measureMemory, mine, { suffix });
if (args.programs || (every && !args.quick)) await programs();
const valid = args.steps || every ? await trainSteps(present, { quick: args.quick, suffix }) : true;
process.exitCode = valid ? 0 : 1;
