/**
 * Processes killed at any moment: what they were writing is whole or not there, no run is lost, and the same command, or `--resume`,
 * ends as if nothing had been killed.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { idxBytes } from "../data/temp.ts";
import { type Ended, isRaw, processesIn, runProcess, stateOf } from "./program.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/runs");
const HOOK = join(import.meta.dirname, "kill-at.mjs");

/** A command that writes. */
export interface Scenario {
  readonly name: string;
  /** Runs of the fixtures that are there before, by their folders. */
  readonly before?: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  /** Goes on after a kill. Default: the same command. */
  readonly again?: (folder: string) => readonly string[];
}

const small = [
  "--epochs",
  "4",
  "--hidden",
  "6",
  "--latent",
  "2",
  "--batch",
  "16",
  "--threads",
  "1",
  "--quiet",
];
const bars = ["--data", "bars.npy"];
const labelled = [...bars, "--label-file", "bars.labels.npy"];
const few = [...labelled, "--labels", "20"];

const training = (name: string, ...argv: readonly string[]): Scenario => {
  const command = ["train", ...argv, ...small, "--out", "run"];
  return {
    name: `train ${name}`,
    argv: command,
    again: (folder) =>
      existsSync(join(folder, "run/config.json")) ? ["train", "--resume", "run", "--quiet"] : command,
  };
};

const writing = (verb: string, run: string, ...argv: readonly string[]): Scenario => ({
  name: `${verb} ${run}`,
  before: { run },
  argv: [verb, "run", ...argv],
});

/** All verbs that write, and evaluate. */
export const scenarios: readonly Scenario[] = [
  training("vae", "vae", ...bars),
  training("m1m2", "m1m2", ...few, "--m1-epochs", "3", "--m1-hidden", "6", "--m1-latent", "3"),
  writing("encode", "vae"),
  {
    name: "resume for more epochs",
    before: { run: "vae" },
    argv: ["train", "--resume", "run", "--epochs", "9", "--quiet"],
  },
  {
    name: "overwrite",
    before: { run: "m2" },
    argv: ["train", "vae", ...bars, ...small, "--out", "run", "--overwrite"],
  },
  training("vae with validation", "vae", ...labelled, "--validation", "20", "--patience", "1"),
  training("vae on a table", "vae", "--data", "flowers.csv"),
  training("autoencoder", "autoencoder", ...bars),
  training("cvae", "cvae", ...labelled),
  training("m1", "m1", ...few),
  training("m2", "m2", ...few),
  writing("evaluate", "vae", "--json", "--samples", "20"),
  writing("evaluate", "m2", "--json"),
  writing("sample", "vae"),
  writing("sample", "m2-table"),
  writing("reconstruct", "autoencoder"),
  writing("traverse", "vae"),
  writing("classify", "m1m2"),
  writing("classify", "m1"),
  writing("export", "vae"),
  writing("report", "vae", "--samples", "20", "--quiet"),
  writing("report", "m2", "--quiet"),
  writing("impute", "vae-table", "--samples", "20"),
  writing("impute", "vae-table", "--samples", "20", "--draws", "3", "--json"),
  {
    name: "compare",
    before: { run: "vae", other: "autoencoder" },
    argv: ["compare", "run", "other", "--report", "page.html"],
  },
  {
    name: "label-simulate",
    argv: [
      ...["label-simulate", "flowers.csv", "--label-column", "species", "--labels", "12", "--batch", "6"],
      ...["--epochs", "2", "--json"],
    ],
  },
  {
    name: "sweep",
    argv: [
      ...["sweep", "--model", "vae", ...bars, ...small, "--grid", "lr=1e-3,3e-3", "--jobs", "1"],
      ...["--out", "run"],
    ],
  },
  {
    name: "reproduce kingma2014",
    argv: [
      ...["reproduce", "kingma2014", "--data", "bars", "--labels", "20", "--draws", "1", "--methods", "m2"],
      ...["--length", "0.03", "--validation", "20", "--threads", "1", "--out", "run", "--quiet"],
    ],
  },
];

/** The verb of a scenario. */
export const verbOf = ({ argv: [verb] }: Scenario): string => verb;

/** The bars as MNIST's four files: the first rows to train on, the others to test on. */
const writeBars = (folder: string): void => {
  mkdirSync(folder);
  // Both are NumPy's, with a header of 128 bytes; labels are int32.
  const pixels = readFileSync(join(FIXTURES, "bars.npy")).subarray(128);
  const labels = readFileSync(join(FIXTURES, "bars.labels.npy")).subarray(128);
  for (const [stem, from, to] of [
    ["train", 0, 120],
    ["t10k", 120, 160],
  ] as const) {
    const rows = to - from;
    const classes = Array.from({ length: rows }, (_, i) => labels[4 * (from + i)]);
    writeFileSync(
      join(folder, `${stem}-images-idx3-ubyte`),
      idxBytes(8, [rows, 4, 3], pixels.subarray(12 * from, 12 * to)),
    );
    writeFileSync(join(folder, `${stem}-labels-idx1-ubyte`), idxBytes(8, [rows], classes));
  }
};

/** A fresh folder with the data, and the run that is there before. */
const prepare = (folder: string, { before }: Scenario): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ["bars.npy", "bars.labels.npy", "flowers.csv"])
    copyFileSync(join(FIXTURES, file), join(folder, file));
  writeBars(join(folder, "bars"));
  for (const [name, run] of Object.entries(before ?? {}))
    cpSync(join(FIXTURES, run), join(folder, name), { recursive: true });
};

/** A scenario that nothing disturbed. */
export interface Undisturbed {
  readonly state: Readonly<Record<string, unknown>>;
  readonly out: string;
  readonly took: number;
  /** Calls that change the disk. */
  readonly calls: number;
}

/** @throws Error unless it ends well */
export const undisturbed = async (main: string, folder: string, scenario: Scenario): Promise<Undisturbed> => {
  prepare(folder, scenario);
  const counts = join(folder, "calls");
  const ended = await runProcess(main, scenario.argv, {
    cwd: folder,
    node: ["--import", HOOK],
    env: { TIGHTBOUND_COUNT_CALLS: counts },
  });
  if (ended.code !== 0) throw new Error(`${scenario.name}: ${ended.err}`);
  const calls = Number(readFileSync(counts, "utf8"));
  rmSync(counts);
  return { state: stateOf(folder), out: ended.out, took: ended.took, calls };
};

/** Waits for the processes that a killed one had started: they notice, and stop with what they have. */
const left = async (main: string, folder: string): Promise<void> => {
  for (let tries = 0; processesIn(main, folder).length > 0; tries++) {
    if (tries > 600) throw new Error("what a killed process had started still runs after a minute");
    await wait(100);
  }
};

/** What was printed, without wall times. */
const untimed = (out: string): string => out.replaceAll(/"seconds": *[^,}\s]+/g, "");

/** What a trial found; `problem` is undefined where all is as it should be. */
export interface Trial {
  /** Processes that were killed before they had ended. */
  readonly kills: number;
  readonly problem?: string;
}

/**
 * Kills the command up to four times, one start after another, then lets it end.
 * @param pick a whole number below its argument, at random
 */
export const trial = async (
  main: string,
  folder: string,
  scenario: Scenario,
  right: Undisturbed,
  pick: (below: number) => number,
): Promise<Trial> => {
  prepare(folder, scenario);
  const { again = () => scenario.argv } = scenario;
  const moments: string[] = [];
  let kills = 0;
  const wrong = (what: string, ended?: Ended): Trial => ({
    kills,
    problem: `${scenario.name}, killed ${moments.join(" and ")}: ${what}${ended ? `\n${ended.err}` : ""}`,
  });
  for (let more = 1 + pick(4); more > 0; more--) {
    const argv = moments.length === 0 ? scenario.argv : again(folder);
    // At a call that changes the disk, or at any moment.
    const call = right.calls > 0 && pick(3) > 0 ? 1 + pick(right.calls) : undefined;
    const after = 1 + pick(Math.ceil(1.1 * right.took));
    moments.push(call === undefined ? `after ${after} ms` : `at call ${call} of ${right.calls}`);
    const ended = await runProcess(main, argv, {
      cwd: folder,
      ...(call === undefined
        ? { killAfter: after }
        : { node: ["--import", HOOK], env: { TIGHTBOUND_KILL_AT: String(call) } }),
    });
    if (ended.signal === "SIGKILL") {
      kills++;
      await left(main, folder);
    } else if (ended.code !== 0 || isRaw(ended)) return wrong(`exit code ${ended.code}`, ended);
  }
  const ended = await runProcess(main, again(folder), { cwd: folder });
  if (ended.signal !== null) return wrong("it hangs", ended);
  if (ended.code !== 0) return wrong(`lost, exit code ${ended.code}`, ended);
  if (scenario.argv.includes("--json") && untimed(ended.out) !== untimed(right.out))
    return wrong("it prints other figures");
  const state = stateOf(folder);
  const names = [...new Set([...Object.keys(right.state), ...Object.keys(state)])];
  const differing = names.filter((name) => !isDeepStrictEqual(state[name], right.state[name]));
  if (differing.length > 0) return wrong(`${differing.join(", ")} differ`);
  return { kills };
};
