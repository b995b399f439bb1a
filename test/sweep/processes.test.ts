/** Sweeps as processes: each run is that of `train`; what is killed goes on, to the same end. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { loadCheckpoint } from "../../src/files/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { temporary, writeDigits } from "../cli/harness.ts";
import { buildProgram, processesWith } from "../cli/program.ts";

const folder = temporary();
let main = "";
const settings = [
  ...["--data", "table.csv", "--hidden", "16", "--latent", "2", "--batch", "8", "--epochs", "8"],
  ...["--threads", "1"],
];
const plan = ["sweep", "--model", "vae", ...settings, "--grid", "lr=1e-3,3e-3", "--seeds", "0..1"];
const names = ["1e-3", "3e-3"].flatMap((lr) => [0, 1].map((seed) => `lr=${lr},seed=${seed}`));

beforeAll(() => {
  main = buildProgram("sweep");
  const rows = new Float32Array(1200);
  fillNormal(rows, stream(0, "table"));
  const lines = Array.from({ length: 300 }, (_, i) => [...rows.subarray(4 * i, 4 * i + 4)].join());
  writeFileSync(join(folder, "table.csv"), `a,b,c,d\n${lines.join("\n")}\n`);
  run([...plan, "--out", "straight", "--quiet"]);
});

const run = (argv: readonly string[]): string =>
  execFileSync(process.execPath, [main, ...argv], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** All that a run has learnt. */
const learnt = (path: string) => {
  const { tensors, step } = loadCheckpoint(join(folder, path, "checkpoint.safetensors"));
  return { step, tensors: tensors.map(({ name, data }) => [name, [...data]]) };
};

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 600) throw new Error("waited for a minute in vain");
    await wait(100);
  }
};

/** Process numbers of the trainings under a folder, as the system lists them. */
const trainings = (path: string): readonly number[] =>
  processesWith(
    (args) =>
      args[1] === main && args[2] === "train" && args.some((word) => word.includes(join(folder, path))),
  );

test("a run of a sweep is the run that train makes", () => {
  run(["train", "vae", ...settings, "--lr", "3e-3", "--seed", "1", "--out", "alone", "--quiet"]);
  expect(learnt("straight/lr=3e-3,seed=1")).toEqual(learnt("alone"));
});

test("a sweep and a training that are killed go on, and nothing is lost or counted twice", async () => {
  const begun = () =>
    names.filter((name) => existsSync(join(folder, "killed", name, "checkpoint.safetensors")));
  const first = spawn(process.execPath, [main, ...plan, "--out", "killed", "--jobs", "1", "--quiet"], {
    cwd: folder,
  });
  await until(() => begun().length > 0);
  // A training alone: the sweep continues it.
  for (const pid of trainings("killed")) process.kill(pid, "SIGKILL");
  await until(() => begun().length > 1);
  const closed = new Promise((resolve) => first.on("close", resolve));
  first.kill("SIGKILL");
  await closed;
  // Its training notices and stops, with a checkpoint.
  await until(() => trainings("killed").length === 0);
  const { runs } = JSON.parse(run([...plan, "--out", "killed", "--json"])) as {
    runs: { state: string; values: Record<string, string> }[];
  };
  expect(runs.map(({ state }) => state)).toEqual(["done", "done", "done", "done"]);
  for (const name of names) expect(learnt(`killed/${name}`)).toEqual(learnt(`straight/${name}`));
});

test("the summary is the mean over seeds, of figures that the runs have written", () => {
  const { summary } = JSON.parse(run([...plan, "--out", "straight", "--json"])) as {
    summary: {
      values: object;
      figures: Record<string, { mean: number; standardError: number; seeds: number }>;
    }[];
  };
  const elbo = (name: string): number => {
    const lines = readFileSync(join(folder, "straight", name, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n");
    return (JSON.parse(lines.at(-1) ?? "") as { test: { elbo: number } }).test.elbo;
  };
  summary.forEach(({ values, figures }, i) => {
    const [a, b] = [elbo(names[2 * i]), elbo(names[2 * i + 1])];
    expect(values).toEqual({ lr: ["1e-3", "3e-3"][i] });
    expect(figures["test elbo"].mean).toBeCloseTo((a + b) / 2, 9);
    // Of two values: half their distance.
    expect(figures["test elbo"].standardError).toBeCloseTo(Math.abs(a - b) / 2, 9);
  });
});

test("the table of a paper is the same when processes train its runs", () => {
  const digits = join(folder, "digits");
  mkdirSync(digits);
  writeDigits(digits, { train: 120, test: 40 });
  const command = [
    ...["reproduce", "kingma2014", "--data", digits, "--validation", "20", "--labels", "20", "--draws", "2"],
    ...["--methods", "m1,m2", "--length", "0.01", "--json"],
  ];
  /** All but the time that it took. */
  const results = (more: readonly string[]) => {
    const { draws, table, m1, missing } = JSON.parse(run([...command, ...more]), (key, value: unknown) =>
      key === "seconds" ? undefined : value,
    ) as Record<string, unknown>;
    return { draws, table, m1, missing };
  };
  const one = results(["--threads", "1", "--out", "one-process"]);
  const several = results(["--threads", "1", "--workers", "2", "--out", "several"]);
  expect(several).toEqual(one);
  expect(one).toMatchObject({ missing: [], draws: { length: 4 } });
  // They did it: the log of each is there.
  expect(readdirSync(join(folder, "several/logs")).toSorted()).toEqual([
    "m1-20-0.txt",
    "m1-20-1.txt",
    "m2-20-0.txt",
    "m2-20-1.txt",
  ]);
}, 120_000);

test("another plan does not get a sweep's folder, and a failed run is told and does not stop the others", () => {
  const refused = (argv: readonly string[]): { status: number; stderr: string; stdout: string } => {
    try {
      run(argv);
    } catch (error) {
      return error as { status: number; stderr: string; stdout: string };
    }
    throw new Error("expected a failure");
  };
  const other = refused([...plan.slice(0, -2), "--seeds", "0..2", "--out", "straight"]);
  expect(other.status).toBe(2);
  expect(other.stderr).toContain("another sweep has this folder: seed was 0, 1 and is 0, 1, 2.");
  const base = ["sweep", "--model", "vae", "--data", "table.csv", "--epochs", "1", "--hidden", "4"];
  const failed = refused([...base, "--grid", "likelihood=table,bernoulli", "--out", "failing", "--json"]);
  expect(failed.status).toBe(1);
  const { runs } = JSON.parse(failed.stdout) as { runs: { state: string; message?: string }[] };
  expect(runs.map(({ state }) => state)).toEqual(["done", "failed"]);
  expect(runs[1].message).toMatch(/likelihood/);
});
