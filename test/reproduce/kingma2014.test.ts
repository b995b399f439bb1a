import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { coresOf } from "../../src/cli/reproduce-workers.ts";
import { UsageError } from "../../src/errors.ts";
import { takeLock } from "../../src/files/run-lock.ts";
import { classifierNames } from "../../src/kinds/index.ts";
import { loadLabelled, saveLabelled } from "../../src/kinds/m1/labelled-rows.ts";
import {
  type Kingma2014Options,
  type Kingma2014Results,
  type Method,
  type Part,
  reproduceKingma2014,
} from "../../src/reproduce/index.ts";
import { completeRun } from "../../src/reproduce/runs.ts";
import { loadRunData, readRun } from "../../src/runs/index.ts";
import { temporary, writeDigits } from "../cli/harness.ts";

/** M2 for one epoch of 200 digits: what is tested is the order of work, not what is learnt. */
const folder = temporary();
const options = (out: string): Kingma2014Options => ({
  out: join(folder, out),
  labels: [20],
  draws: 2,
  methods: ["m2"],
  length: 0.01,
  threads: 1,
  source: { spec: join(folder, "digits"), validation: { count: 50, seed: 0 } },
  version: "0.0.0",
  command: "test",
});
/** What does not depend on the clock. */
const untimed = ({ draws }: Kingma2014Results) => draws.map(({ seconds: _, ...rest }) => rest);

let whole: Kingma2014Results;
beforeAll(async () => {
  mkdirSync(join(folder, "digits"));
  writeDigits(join(folder, "digits"), { train: 250, test: 40 });
  whole = await reproduceKingma2014(options("whole"));
}, 120_000);

test("every draw has its own labels and its figures; rows held out to validate are not trained on", () => {
  expect(whole.missing).toEqual([]);
  expect(whole.data).toMatchObject({ trainRows: 200, testRows: 40 });
  expect(whole.draws.map(({ labelSeed }) => labelSeed)).toEqual([0, 1]);
  expect(whole.draws[0].elbo).not.toBe(whole.draws[1].elbo);
  const errors = whole.draws.map(({ testErrors }) => testErrors["q(y|x)"]);
  expect(whole.table.map(({ by }) => by)).toEqual(["q(y|x)", "Bayes"]);
  expect(whole.table[0].errors).toEqual(errors);
  expect(whole.table[0].mean).toBeCloseTo((errors[0] + errors[1]) / 2, 12);
});

test("what is done is read, not trained again", async () => {
  const log = join(folder, "whole", "m2-20-0", "metrics.jsonl");
  const before = readFileSync(log, "utf8");
  expect(await reproduceKingma2014(options("whole"))).toEqual(whole);
  expect(readFileSync(log, "utf8")).toBe(before);
});

test("stopped after the first draw and called again, it ends where an uninterrupted one ends", async () => {
  const stop = new AbortController();
  const half = await reproduceKingma2014(options("half"), {
    signal: stop.signal,
    onPart: () => stop.abort(),
  });
  expect(half.draws).toHaveLength(1);
  expect(half.missing).toEqual([join(folder, "half", "m2-20-1")]);
  expect(untimed(await reproduceKingma2014(options("half")))).toEqual(untimed(whole));
}, 120_000);

test("a draw that was trained elsewhere is measured while others are still being trained", async () => {
  const out = options("elsewhere");
  const states: string[] = [];
  const asked: number[] = [];
  const { threads: _, ...free } = out;
  const results = await reproduceKingma2014(free, {
    onPart: ({ labelSeed }) => states.push(`${labelSeed} measured`),
    elsewhere: {
      threads: (part, of) => asked.push(of.indexOf(part)) && 1,
      async train(parts, onDone) {
        for (const part of parts) {
          const { settings } = readRun(part.path);
          expect(settings.train.threads).toBe(1);
          await completeRun(part.path, settings, await loadRunData(out.source ?? { spec: "mnist" }), {});
          states.push(`${part.labelSeed} trained`);
          onDone(part);
          // As long as the last of them would take to train.
          if (part === parts[0])
            while (!existsSync(join(part.path, "figures.json"))) await new Promise(setImmediate);
        }
      },
    },
  });
  expect(new Set(asked)).toEqual(new Set([0, 1]));
  expect(states).toEqual(["0 trained", "0 measured", "1 trained", "1 measured"]);
  expect(untimed(results)).toEqual(untimed(whole));
}, 120_000);

test("the last runs of one length have the cores that would be idle beside them", () => {
  const part = (labelSeed: number, method: Method = "m2"): Part => ({
    ...{ path: `${method}-${labelSeed}`, method, labels: 100, labelSeed, index: 1, of: 1 },
  });
  const shares = (parts: readonly Part[], jobs: number) => parts.map((one) => coresOf(one, parts, jobs));
  const draws = [0, 1, 2, 3, 4].map((seed) => part(seed));
  expect(shares(draws, 1)).toEqual([1, 1, 1, 1, 1]);
  expect(shares(draws, 2)).toEqual([1, 1, 1, 1, 2]);
  expect(shares(draws, 3)).toEqual([1, 1, 1, 1, 1]);
  expect(shares(draws, 4)).toEqual([1, 1, 1, 1, 4]);
  expect(shares(draws, 5)).toEqual([1, 1, 1, 1, 1]);
  expect(shares(draws, 16)).toEqual([3, 3, 3, 3, 3]);
  // The last one may be done long before the others.
  expect(shares([...draws, part(0, "m1"), part(1, "m1m2")], 2)).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

test("a draw that another process is training is left to it", async () => {
  const busy = join(folder, "shared", "m2-20-0");
  mkdirSync(busy, { recursive: true });
  const lock = takeLock(busy);
  const states: string[] = [];
  const results = await reproduceKingma2014(options("shared"), {
    onPart: ({ labelSeed }, state) => states.push(`${labelSeed} ${state}`),
  });
  // It is asked for once more at the end.
  expect(states).toEqual(["0 busy", "1 done", "0 busy"]);
  expect(results.missing).toEqual([busy]);
  lock.release();
  expect(untimed(await reproduceKingma2014(options("shared")))).toEqual(untimed(whole));
}, 120_000);

test("a run of M1 from before there was a transductive machine is completed, and its figures with it", async () => {
  const ofM1 = { ...options("m1"), methods: ["m1"] as const, draws: 1 };
  const now = await reproduceKingma2014(ofM1);
  expect(now.table.map(({ by }) => by)).toEqual([...classifierNames]);
  const run = join(folder, "m1", "m1-20-0");
  const rows = join(run, "labelled.safetensors");
  const { active, known } = loadLabelled(rows, 10);
  saveLabelled(rows, { active, known });
  const figures = JSON.parse(readFileSync(join(run, "figures.json"), "utf8"));
  const { "transductive-svm": _, ...testErrors } = figures.testErrors;
  writeFileSync(join(run, "figures.json"), JSON.stringify({ ...figures, testErrors }));
  // The folder was moved, too.
  renameSync(join(folder, "m1"), join(folder, "m1-moved"));
  expect(await reproduceKingma2014({ ...ofM1, out: join(folder, "m1-moved") })).toEqual(now);
}, 120_000);

test("few labels and many have an M1 each, and the run above it is told which", async () => {
  const source = { spec: join(folder, "many") };
  mkdirSync(source.spec);
  writeDigits(source.spec, { train: 1200, test: 40 });
  const both = { ...options("both"), source, labels: [20, 1000], draws: 1, methods: ["m1m2"] as const };
  const results = await reproduceKingma2014(both);
  expect(results.m1.map(({ folder: name }) => name)).toEqual(["m1", "m1-many"]);
  expect(results.draws.map(({ labels }) => labels)).toEqual([20, 1000]);
  const beneath = (run: string) => JSON.parse(readFileSync(join(both.out, run, "config.json"), "utf8")).m1;
  expect([beneath("m1m2-20-0"), beneath("m1m2-1000-0")].map(({ train }) => train.beta)).toEqual([1, 0.5]);
  expect(results.settings["m1m2-1000-0"].model).toMatchObject({ hidden: [1000], dropout: 0.5 });
}, 120_000);

test("a folder of other settings is refused, by the first that differs", async () => {
  await expect(reproduceKingma2014({ ...options("whole"), length: 0.1 })).rejects.toThrow(
    new UsageError(
      `${join(folder, "whole", "m2-20-0")}: expected a run with the settings given now, found one that differs in ` +
        '"train.epochs". Give another --out, or move that folder away.',
    ),
  );
});

test.each([
  [{ draws: 0 }, "reproduce: draws must be a whole number of at least 1, found 0."],
  [{ length: 0 }, "reproduce: length must be a share above 0 and at most 1, found 0."],
  [{ labels: [] }, "reproduce: labels must be whole numbers of at least 1, found none."],
])("%o is refused", async (wrong, message) => {
  await expect(reproduceKingma2014({ ...options("none"), ...wrong })).rejects.toThrow(
    new UsageError(message),
  );
});
