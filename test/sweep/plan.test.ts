/** Plans of sweeps: combinations, names of folders, and problems told all at once. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import {
  type Draft,
  planOf,
  readPlan,
  runsOf,
  trainArguments,
  type Vocabulary,
} from "../../src/sweep/index.ts";
import { cli, temporary } from "../cli/harness.ts";

const folder = temporary();

const words: Vocabulary = {
  models: ["vae", "m2"],
  names: ["data", "lr", "hidden", "seed", "grey", "epochs"],
  isSwitch: (name) => name === "grey",
  problem: (_, name, value) =>
    name === "lr" && !(Number(value) > 0) ? "Expected a number above 0." : undefined,
};

const draft = (grid: Readonly<Record<string, readonly string[]>>, rest: Partial<Draft> = {}): Draft => ({
  model: "vae",
  settings: new Map([["data", "mnist"]]),
  grid: new Map(Object.entries(grid)),
  ...rest,
});

const errorOf = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("expected a UsageError");
};

test("a run for each combination, each with a folder of its own", () => {
  const values = fc.uniqueArray(fc.stringMatching(/^[a-z0-9 ,./]{0,6}$/), {
    minLength: 1,
    maxLength: 4,
    // Numbers that are equal are one value.
    comparator: (a, b) => a === b || Number(a) === Number(b),
  });
  fc.assert(
    fc.property(values, values, fc.integer({ min: 0, max: 5 }), (hidden, epochs, last) => {
      const plan = planOf(draft({ hidden, epochs }, { seeds: `0..${last}` }), words);
      const runs = runsOf(plan);
      expect(runs).toHaveLength(hidden.length * epochs.length * (last + 1));
      expect(new Set(runs.map(({ values }) => JSON.stringify(values))).size).toBe(runs.length);
      expect(new Set(runs.map(({ name }) => name.toLowerCase())).size).toBe(runs.length);
      for (const { name } of runs) expect(name).toMatch(/^[\w.+=,-]{1,200}$/);
    }),
    { numRuns: 50 },
  );
});

test("arguments are data: a value never becomes a flag or a word of a shell", () => {
  const plan = planOf(draft({ hidden: ["--out=/etc", "$(reboot)"] }), words);
  expect(runsOf(plan).map((run) => trainArguments(plan, run))).toEqual([
    ["train", "vae", "--data=mnist", "--hidden=--out=/etc"],
    ["train", "vae", "--data=mnist", "--hidden=$(reboot)"],
  ]);
});

test("a plan file keeps every scalar as it is written", () => {
  const path = join(folder, "plan.yaml");
  writeFileSync(
    path,
    "model: vae\ndata: 0123\ngrey: true\ngrid:\n  lr: [1e-3, 0.0030]\n  hidden: [400, [600, 600]]\nseeds: [0, 2..3]\nout: a\n",
  );
  const problems: string[] = [];
  const plan = planOf(readPlan(path, words, problems), words, problems);
  expect(plan).toEqual({
    model: "vae",
    settings: { data: "0123", grey: true },
    axes: [
      { name: "lr", values: ["1e-3", "0.0030"] },
      { name: "hidden", values: ["400", "600,600"] },
      { name: "seed", values: ["0", "2", "3"] },
    ],
  });
});

test.each([
  ["a: [1", "it is not valid YAML"],
  ["- a\n- b\n", "expected a plan: names and values"],
  ["a: 1\na: 2\n", "it is not valid YAML: Map keys must be unique"],
  [`a: &a [x]\nb: [${"*a, ".repeat(200)}]\n`, "it is not a plan"],
])("a file that is no plan is refused: %s", (text, message) => {
  const path = join(folder, "bad.yaml");
  writeFileSync(path, text);
  expect(errorOf(() => readPlan(path, words, []))).toContain(message);
});

test("all problems are told at once", () => {
  const path = join(folder, "wrong.yaml");
  writeFileSync(
    path,
    "model: vea\nleraning: 3\ngrey: maybe\nseed: 1\nseeds: 4..0\ngrid: {lr: [x, 1, 1.0], grey: [true]}\n",
  );
  const problems: string[] = [];
  const read = readPlan(path, words, problems);
  const message = errorOf(() => planOf(read, words, problems));
  for (const part of [
    "9 problems",
    "grey: expected true or false, found maybe.",
    "model: expected vae, m2; found vea.",
    "data: expected mnist or the path of data; found none.",
    "seeds: expected a range",
    "seed: it is given as well as seeds",
    "leraning: there is no such setting.",
    "lr: x: Expected a number above 0.",
    "lr: 1.0 is given twice.",
    "grey: it is a switch",
  ])
    expect(message).toContain(part);
});

test("more than 10,000 runs are refused", () => {
  expect(errorOf(() => planOf(draft({ hidden: ["1", "2"] }, { seeds: "0..5000" }), words))).toContain(
    "found 10002 combinations",
  );
});

test("the program knows its own flags, and what a kind of model has not", async () => {
  const { code, err } = await cli(
    ...["sweep", "--model", "vae", "--data", "mnist", "--labels", "100", "--lr", "0", "--grid", "lattent=1"],
    ...["--grid", "epochs", "--jobs", "none"],
  );
  expect(code).toBe(2);
  for (const part of [
    "--grid epochs: expected a name, =, and values",
    "out: expected a folder",
    "jobs: expected a whole number",
    "labels: 100: --labels does not apply: vae learns without labels.",
    "lr: 0: Expected a number above 0.",
    "lattent: there is no such setting. Did you mean latent?",
  ])
    expect(err).toContain(part);
});
