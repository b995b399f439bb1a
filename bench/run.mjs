// `npm run bench`: one train step side by side with its peers, and further measurements. See README.md.
import { parseArgs } from "node:util";
import { CONTESTANTS } from "./lib/contestants.mjs";
import { measureCores } from "./lib/cores.mjs";
import { isSoftware, measureDevice, measureDeviceMemory } from "./lib/device.mjs";
import { installPeers } from "./lib/install.mjs";
import { M2_CONTESTANTS, measureM2 } from "./lib/m2-step.mjs";
import { measurePage } from "./lib/page.mjs";
import { measurePageMemory } from "./lib/page-memory.mjs";
import { launch } from "./lib/process.mjs";
import { measureMemory, measureStart } from "./lib/process-rows.mjs";
import { measurePrograms } from "./lib/programs.mjs";
import { measureRanks } from "./lib/ranks.mjs";
import { environment, save, table } from "./lib/report.mjs";
import { measureStan, POSTERIORS } from "./lib/stan.mjs";
import { cell, stepTable } from "./lib/step-table.mjs";
import { measureTrainSteps } from "./lib/train-step.mjs";

const USAGE = `usage: npm run bench -- [--quick] [--only NAME,NAME] [--steps] [--m2] [--memory] [--start] [--programs] [--cores] [--page] [--ranks] [--stan [--draws N] [--seeds N]]
       [--device NAME]

  --quick    40 counted steps each instead of 200; alone, the VAE's train step only
  --only     these contestants alone: ${CONTESTANTS.map(({ key }) => key).join(", ")};
             with --m2 ${M2_CONTESTANTS.join(", ")};
             with --stan names of posteriors, as its table prints them
  --steps, --m2, --memory, --start, --programs
             these parts alone (default: all five; memory and start for tightbound, or those in --only)
  --device   webgpu: the step of three VAEs on a graphics processor, beside this one; with --memory, its memory over 5,000 steps; no part of the
             default
  --cores    the step of three VAEs with its update on all cores, beside the same on one and PyTorch; no part of the default
  --page     a VAE, NUTS and SVI in a page beside Node; with --memory, the memory of a page over 5,000 steps; with --device, the same there (in
             software). Needs Chromium, and is no part of the default
  --ranks    two processes that share each minibatch by MPI, beside one; needs mpirun, and is no part of the default
  --stan     ten posteriors beside Stan (Debian: r-cran-rstan), half an hour the first time; what runs/stan holds of Stan's is not done again. No part
             of the default
  --draws    with --stan: draws of each of the four chains, after 1,000 of warm-up (default 1000)
  --seeds    with --stan: runs of each posterior, each with another seed (default 3)`;

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
      m2: flag,
      memory: flag,
      start: flag,
      programs: flag,
      cores: flag,
      page: flag,
      ranks: flag,
      stan: flag,
      draws: { type: "string" },
      seeds: { type: "string" },
      device: { type: "string" },
      help: flag,
    };
    return parseArgs({ options }).values;
  } catch (error) {
    return usage(error.message);
  }
};

const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);
const describe = ({ cpu, cores, node, loadAverageAtStart }) => {
  console.log(`\n${cpu}, ${cores} cores, Node ${node}, load at start ${loadAverageAtStart}`);
  if (loadAverageAtStart > 0.5) console.log("other work is running: these figures are indications only");
};

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
  describe(where);
  console.log(`\n${stepTable("train step", entries)}\n`);
  for (const { key, reason } of skipped) console.log(`left out: ${key}: ${reason}`);
  if (!entries.some(({ key }) => key === "tightbound"))
    console.log("no ratios: tightbound did not take part");
  save(`train-step${suffix}`, { unit: "ms", environment: where, entries, skipped });
  return entries.every(({ valid }) => valid);
};

const m2Steps = async ({ only, quick, suffix }) => {
  const where = environment();
  const groups = await measureM2({ only, rounds: quick ? 2 : 10, progress });
  describe(where);
  for (const { shape, threads, entries, skipped } of groups) {
    console.log(`\n${stepTable(`M2, ${shape}, ${threads} thread${threads > 1 ? "s" : ""}`, entries)}\n`);
    for (const { key, reason } of skipped) console.log(`left out: ${key}: ${reason}`);
    const shared = entries.find(({ key }) => key === "naive")?.ratio;
    if (shared)
      console.log(`sharing what does not depend on the class saves ${Math.round(100 * (1 - 1 / shared))} %`);
  }
  save(`m2-step${suffix}`, { unit: "ms", environment: where, groups });
  return groups.every(({ entries }) => entries.every(({ valid }) => valid));
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

const ranks = ({ quick, suffix }) => {
  const where = environment();
  const entries = measureRanks({ rounds: quick ? 2 : 7, steps: quick ? 20 : 40, progress });
  describe(where);
  const percent = ({ median, min, max }) =>
    `${(100 * median).toFixed(1)} (${(100 * min).toFixed(0)}–${(100 * max).toFixed(0)})`;
  const rows = entries.map((entry) => [
    entry.name,
    cell(entry.onePerSecond.median),
    cell(entry.twoPerSecond.median),
    percent(entry.efficiency),
    percent(entry.ceiling),
    percent(entry.sumShare),
    percent(entry.waitShare),
    `≥ ${100 * entry.atLeast} ${entry.efficiency.median >= entry.atLeast ? "met" : "missed"}`,
  ]);
  const header = [
    "ranks of one thread",
    "images/s, 1",
    "images/s, 2",
    "efficiency %",
    "two that share nothing %",
    "sum %",
    "sum and wait %",
    "target",
  ];
  console.log(`\n${table(header, rows)}\n`);
  save(`ranks${suffix}`, { unit: "images per second", environment: where, entries });
};

const cores = async ({ quick, suffix }) => {
  const where = environment();
  const groups = await measureCores({ rounds: quick ? 2 : 10, progress });
  describe(where);
  for (const { name, entries, sameLosses, atMost } of groups) {
    console.log(`\n${stepTable(name, entries)}\n`);
    const { median } = entries.find(({ key }) => key === "tightbound");
    const of = (key) => median / entries.find((entry) => entry.key === key).median;
    const target = atMost === undefined ? "" : ` (≤ ${atMost} ${of("floor") <= atMost ? "met" : "missed"})`;
    console.log(
      `over the update on one core: ${cell(of("one"), 3)}; over the products alone: ${cell(of("floor"), 3)}${target}; losses ` +
        `${sameLosses ? "the same, bit for bit" : "DIFFER"}`,
    );
    const torch = entries.find(({ key }) => key === "torch");
    if (torch !== undefined) console.log(`PyTorch takes ${cell(torch.median / median, 3)} times as long`);
  }
  save(`cores${suffix}`, { unit: "ms", environment: where, groups });
  return groups.every(({ entries, sameLosses }) => sameLosses && entries.every(({ valid }) => valid));
};

const page = async ({ quick, suffix }) => {
  const where = environment();
  const { chromium, entries } = await measurePage({ rounds: quick ? 2 : 7, progress });
  describe(where);
  const rows = entries.map(({ name, page: there, node: here, ratio, atMost, agree }) => [
    name,
    cell(there.median, 3),
    cell(here.median, 3),
    `${cell(ratio.median)} (${cell(ratio.min)}–${cell(ratio.max)})`,
    `≤ ${atMost} ${ratio.median <= atMost ? "met" : "missed"}`,
    agree ? "agree" : "DIFFER",
  ]);
  const header = ["one thread", "page, CPU s", "Node, CPU s", "page / Node", "target", "figures"];
  console.log(`\nChromium ${chromium}\n\n${table(header, rows)}\n`);
  save(`page${suffix}`, { unit: "seconds of CPU time", environment: where, chromium, entries });
  return entries.every(({ agree }) => agree);
};

/** The whole number of a flag. */
const wholeOf = (flag, text, least) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    usage(`${flag}: expected a whole number of at least ${least}, found ${JSON.stringify(text)}`);
  return value;
};

const stan = async ({ only, draws = "1000", seeds = "3" }) => {
  const where = environment();
  const names = only?.split(",");
  const unknown = names?.find((name) => !(name in POSTERIORS));
  if (unknown !== undefined)
    usage(
      `--only: there is no posterior ${JSON.stringify(unknown)}; there are ${Object.keys(POSTERIORS).join(", ")}`,
    );
  const numbers = { draws: wholeOf("--draws", draws, 100), seeds: wholeOf("--seeds", seeds, 1) };
  const entries = await measureStan({ ...(names && { names }), ...numbers, progress });
  progress("");
  describe(where);
  const spread = ({ median, min, max }) => `${cell(median)} (${cell(min)}–${cell(max)})`;
  const rows = entries.map(({ name, failed, cold, warm, stan: theirs }) =>
    failed
      ? [name, failed, "", "", "", "", "", "", ""]
      : [
          name,
          spread(warm.ratio),
          spread(cold.ratio),
          cell(warm.rate.median),
          cell(cold.rate.median),
          cell(theirs.rate.median),
          cell(warm.seconds.median),
          cell(cold.seconds.median),
          cell(theirs.seconds.median),
        ],
  );
  const header = [
    "effective draws a CPU second",
    "warm / Stan’s",
    "cold / Stan’s",
    "warm",
    "cold",
    "Stan’s",
    "warm, s",
    "cold, s",
    "Stan’s, s",
  ];
  console.log(
    `\n4 × (1,000 + ${numbers.draws}) draws, ${numbers.seeds} seeds: medians, least and largest\n\n${table(header, rows)}\n`,
  );
  const partial = only || numbers.draws !== 1000 || numbers.seeds !== 3 ? ".partial" : "";
  save(`stan${partial}`, {
    unit: "effective draws a second of CPU time",
    environment: where,
    ...numbers,
    entries,
  });
};

const device = async ({ device: name, quick, suffix }) => {
  const where = environment();
  const entries = await measureDevice({ device: name, most: quick ? 10 : 100, progress });
  describe(where);
  if (isSoftware)
    console.log("\nthe driver computes on the processor: kernels are counted, and times are not measured");
  const rows = entries.map(({ name: model, atMost, there, here, kernels }) => [
    model,
    there === undefined ? "not measured" : cell(there.step.median),
    here === undefined ? "not measured" : cell(here.step.median),
    String(kernels.nodes),
    String(kernels.there),
    String(kernels.here),
    there === undefined ? "" : String(there.counted),
    atMost === undefined || there === undefined
      ? ""
      : `≤ ${atMost} ${there.step.median <= atMost ? "met" : "missed"}`,
  ]);
  const header = [
    "train step",
    `${name}, ms`,
    "cpu, ms",
    "nodes",
    "kernels there",
    "on the cpu",
    "steps",
    "target",
  ];
  console.log(`\n${table(header, rows)}\n`);
  save(`device-${name}${suffix}`, { unit: "ms", environment: where, isSoftware, entries });
};

const deviceMemory = async ({ device: name, quick, suffix }) => {
  const where = environment();
  const { steps, first, last, ratio } = await measureDeviceMemory({
    device: name,
    count: quick ? 500 : 5000,
    progress,
  });
  describe(where);
  const verdict = ratio <= 1.02 ? "it does not grow" : "it GROWS";
  console.log(
    `\nresident memory over ${steps} steps on ${name}: ${cell(first)} MiB at first, ${cell(last)} at the end, ratio ${cell(ratio, 3)}: ${verdict}\n`,
  );
  save(`device-${name}-memory${suffix}`, { unit: "MiB", environment: where, steps, first, last, ratio });
};

const pageMemory = async ({ device = "cpu", quick, suffix }) => {
  const where = environment();
  const { chromium, taken } = await measurePageMemory({ count: quick ? 500 : 5000, device, progress });
  describe(where);
  const rows = taken.map(({ step, buffers, bytes, heap, wasm }) => [
    String(step),
    ...(device === "cpu" ? [] : [String(buffers), String(bytes)]),
    cell(heap, 4),
    cell(wasm, 4),
  ]);
  const onDevice = device === "cpu" ? [] : [`buffers on ${device}`, "their bytes"];
  const header = ["step", ...onDevice, "heap, MiB", "WebAssembly, MiB"];
  console.log(
    `\nChromium ${chromium}${device === "cpu" ? "" : ", WebGPU in software"}\n\n${table(header, rows)}\n`,
  );
  save(`page-${device}-memory${suffix}`, { unit: "MiB", environment: where, chromium, taken });
};

const args = parse();
if (args.help) {
  console.log(USAGE);
  process.exit(0);
}
if (!args.stan && (args.draws !== undefined || args.seeds !== undefined))
  usage("--draws and --seeds belong to --stan");
const parts = ["steps", "m2", "memory", "start", "programs"];
const every =
  !parts.some((part) => args[part]) && !args.cores && !args.page && !args.ranks && !args.stan && !args.device;
/** Whether to run a part: if it was requested, or if nothing was requested and it runs by default. */
const wanted = (part, byDefault = !args.quick) => args[part] || (every && byDefault);

const only = args.only?.split(",");
const known = [...CONTESTANTS.map(({ key }) => key), ...(wanted("m2") ? M2_CONTESTANTS : [])];
const unknown = args.stan ? undefined : only?.find((key) => !known.includes(key));
if (unknown !== undefined) usage(`--only: there is no contestant ${JSON.stringify(unknown)}`);
const chosen = CONTESTANTS.filter(({ key }) => !only || only.includes(key));

const missing = wanted("steps", true) && chosen.some(({ npm }) => npm) ? installPeers() : undefined;
if (missing) console.log(`left out: the JavaScript peers: ${missing}`);
const present = chosen.filter(({ npm }) => !(npm && missing));

const suffix = only || args.quick ? ".partial" : "";
const mine = only ? present : present.filter(({ key }) => key === "tightbound");
if (wanted("start")) await processRows("start", measureStart, mine, { suffix });
if (wanted("memory") && !args.device && !args.page)
  await processRows("memory", measureMemory, mine, { suffix });
if (wanted("programs")) await programs();
if (args.stan) await stan(args);
if (args.ranks) ranks({ quick: args.quick, suffix });
const coresValid = !args.cores || (await cores({ quick: args.quick, suffix }));
if (args.page && args.memory && !args.device) await pageMemory({ quick: args.quick, suffix });
const pageValid = !args.page || args.memory || args.device || (await page({ quick: args.quick, suffix }));
if (args.device) {
  try {
    const measure = args.page ? pageMemory : args.memory ? deviceMemory : device;
    await measure({ device: args.device, quick: args.quick, suffix });
  } catch (error) {
    progress("");
    usage(error.message);
  }
}
const valid = [
  coresValid,
  pageValid,
  !wanted("steps", true) || (await trainSteps(present, { quick: args.quick, suffix })),
  !wanted("m2") || (await m2Steps({ only, quick: args.quick, suffix })),
];
process.exitCode = valid.every(Boolean) ? 0 : 1;
