/** Every number that the command line takes, given absurd values: refused in words at once, or taken in a way that makes sense. */

import { type ChildProcess, fork } from "node:child_process";
import { copyFileSync, cpSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandOf } from "../../src/cli/program.ts";
import { alone } from "../../src/mpi/index.ts";
import { isRaw } from "./program.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/runs");

/** Beyond every ceiling, below every smallest number, and what is no number. */
export const ABSURD: readonly string[] = [
  ...[
    "1e9",
    "1000000000000000",
    "9007199254740991",
    "1e16",
    "1e30",
    "1e300",
    "1e-300",
    "-1",
    "-1e9",
    "0",
    "1.5",
  ],
  ...["NaN", "Infinity", "", "1e", "0x7fffffff", "1_000", "１２", "1,000,000,000", "99999999999999999999"],
];

/** One command line with one absurd value. */
export interface Job {
  readonly name: string;
  readonly argv: readonly string[];
}

/** Flags whose value is no number. */
const words =
  /^--(data|out|resume|label-file|label-column|m1|encoding|class|given|condition|ignore|categorical|part)$/;

/** The flags of a verb that take a value which may be a number. */
const numericFlags = async (verb: string, model?: string): Promise<readonly string[]> => {
  const quiet = { out: { write: () => undefined }, err: { write: () => undefined }, debug: false };
  const argv = model === undefined ? [verb] : [verb, model];
  const program = await commandOf({ terminal: quiet, argv, exitCode: 0, ranks: alone });
  const command = program.commands.find((one) => one.name() === verb);
  return (command?.options ?? [])
    .filter((option) => option.required && !option.hidden && !words.test(option.long ?? ""))
    .filter((option) => !/ \| /.test(option.description))
    .flatMap((option) => option.long ?? []);
};

const MODELS = ["vae", "autoencoder", "cvae", "m1", "m2", "m1m2"];
const RUNS = ["vae", "vae-table", "autoencoder", "m1", "m2", "m2-table", "m1m2"];
const VERBS = ["evaluate", "classify", "sample", "reconstruct", "traverse", "encode", "report", "export"];

const small = ["--epochs", "1", "--hidden", "3", "--latent", "2", "--batch", "40", "--threads", "1"];
const smallM1 = ["--m1-epochs", "1", "--m1-hidden", "3", "--m1-latent", "2"];

/** All jobs: a small training of each kind, every verb on every run of the fixtures, and a reproduction, each with one flag more. */
export const jobs = async (): Promise<readonly Job[]> => {
  const labelled = ["--data", "bars.npy", "--label-file", "bars.labels.npy", "--labels", "20"];
  const commands = [
    ...MODELS.map((model) => ({
      argv: ["train", model, ...(/^(vae|autoencoder)$/.test(model) ? labelled.slice(0, 2) : labelled)],
      more: [...small, ...(model === "m1m2" ? smallM1 : []), "--out", "run", "--overwrite", "--quiet"],
      flags: numericFlags("train", model),
    })),
    ...VERBS.flatMap((verb) =>
      RUNS.map((run) => ({ argv: [verb, run], more: [] as string[], flags: numericFlags(verb) })),
    ),
    {
      argv: ["impute", "vae-table"],
      more: ["--samples", "5"],
      flags: numericFlags("impute"),
    },
    {
      argv: ["label-simulate", "flowers.csv", "--label-column", "species"],
      more: ["--labels", "6", "--batch", "3", "--epochs", "1", "--test-fraction", "0.5"],
      flags: numericFlags("label-simulate"),
    },
    {
      argv: ["sweep", "--model", "vae", "--data", "bars.npy"],
      more: [...small, "--out", "sweep", "--quiet"],
      flags: numericFlags("sweep"),
    },
    {
      argv: ["reproduce", "kingma2014", "--data", "none"],
      more: ["--out", "paper"],
      flags: numericFlags("reproduce"),
    },
  ];
  const complete = await Promise.all(
    commands.map(async ({ argv, more, flags }) => ({ argv, more, flags: await flags })),
  );
  return complete.flatMap(({ argv, more, flags }) =>
    flags.flatMap((flag) =>
      ABSURD.map((value) => ({
        name: `${argv.slice(0, 2).join(" ")} ${flag} ${JSON.stringify(value)}`,
        // The last one counts.
        argv: [...argv, ...more, `${flag}=${value}`],
      })),
    ),
  );
};

/** What a job may take on this machine, however many others work on it: seconds of its processors, bytes, threads. */
const MOST = { seconds: 20, bytes: 1e9, threads: 64 };

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** What a process has used, by Linux' proc(5). */
const used = (pid: number | undefined) => {
  const stat = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");
  const status = read(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return {
    seconds: (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) / 100,
    bytes: 1024 * field("VmRSS"),
    threads: field("Threads"),
  };
};

/** Runs jobs in a process of its own, which is watched, and started again where it died. */
export class Runner {
  readonly #main: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  /** The most that any job took. */
  readonly most = { seconds: 0, bytes: 0, threads: 0 };

  constructor(main: string, folder: string) {
    this.#main = join(dirname(main), "program.js");
    this.#folder = folder;
    for (const file of ["bars.npy", "bars.labels.npy", "flowers.csv"])
      copyFileSync(join(FIXTURES, file), join(folder, file));
    for (const run of RUNS) cpSync(join(FIXTURES, run), join(folder, run), { recursive: true });
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(join(import.meta.dirname, "run-program.mjs"), [this.#main], { cwd: this.#folder });
    await new Promise((resolve) => child.once("message", resolve));
    this.#child = child;
    return child;
  }

  /** @returns what is wrong with how the job went; undefined where nothing is */
  async run({ name, argv }: Job): Promise<string | undefined> {
    const child = this.#child ?? (await this.#start());
    const before = used(child.pid);
    let excess: string | undefined;
    const watch = (): void => {
      const now = used(child.pid);
      const taken = { ...now, seconds: now.seconds - before.seconds };
      for (const what of ["seconds", "bytes", "threads"] as const) {
        this.most[what] = Math.max(this.most[what], taken[what]);
        if (taken[what] > MOST[what]) excess ??= `more than ${MOST[what]} ${what}`;
      }
      if (excess !== undefined) child.kill("SIGKILL");
    };
    const timer = setInterval(watch, 25);
    const { code, err } = await new Promise<{ code: number | null; err: string }>((resolve) => {
      const ended = (code: number | null) => resolve({ code, err: "the process ended" });
      child.once("exit", ended);
      child.once("message", (message: { code: number; err: string }) => {
        child.off("exit", ended);
        resolve(message);
      });
      child.send({ argv });
    });
    clearInterval(timer);
    if (child.exitCode !== null || child.signalCode !== null) this.#child = undefined;
    const silent = code !== 0 && err.trim() === "";
    const wrong = excess ?? (isRaw({ err }) || silent || this.#child === undefined ? err : undefined);
    return wrong === undefined ? undefined : `${name}: ${wrong.slice(0, 400)}`;
  }

  /** Ends the process. */
  end(): void {
    this.#child?.kill("SIGKILL");
  }
}
