/** `train --tensorboard`: the event file has the figures of `metrics.jsonl`, also of a run that was resumed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventFile, readMetricsLog } from "../../src/files/index.ts";
import { readEvents } from "../files/events.ts";
import { ok, temporary, writeDigits } from "./harness.ts";

const folder = temporary();
const digits = join(folder, "digits");
mkdirSync(digits);
writeDigits(digits, { train: 200, test: 40 });
const small = ["--hidden", "8", "--latent", "2", "--batch", "50", "--threads", "1"];

const events = (run: string) => readEvents(readFileSync(eventFile(run))).slice(1);

/** What the metrics say, as scalars of float32. */
const told = (run: string) =>
  readMetricsLog(join(run, "metrics.jsonl")).map(({ step, train, test }) => ({
    step,
    train: Math.fround((train as { elbo: number }).elbo),
    test: Math.fround((test as { elbo: number }).elbo),
  }));
const shown = (run: string) =>
  events(run).map(({ step, scalars }) => ({
    step,
    train: scalars["elbo/train"],
    test: scalars["elbo/test"],
  }));

test("an event for each epoch; a resumed run replaces what it repeats and goes on", async () => {
  const run = join(folder, "a");
  await ok(
    "train",
    "vae",
    "--data",
    digits,
    ...small,
    "--epochs",
    "2",
    "--out",
    run,
    "--tensorboard",
    "--quiet",
  );
  expect(shown(run)).toEqual(told(run));
  expect(shown(run)).toHaveLength(2);
  // Without the flag: the file is there, so it goes on.
  await ok("train", "--resume", run, "--epochs", "3", "--quiet");
  expect(shown(run)).toEqual(told(run));
  expect(shown(run).map(({ step }) => step)).toEqual([4, 8, 12]);
});

test("a run that is done gets its file by resuming it with the flag, and none without", async () => {
  const run = join(folder, "b");
  await ok("train", "vae", "--data", digits, ...small, "--epochs", "2", "--out", run, "--quiet");
  expect(existsSync(eventFile(run))).toBe(false);
  await ok("train", "--resume", run, "--tensorboard", "--quiet");
  expect(shown(run)).toEqual(told(run));
  // A file of its own, which a new run in the folder may replace.
  writeFileSync(eventFile(run), "old");
  await ok(
    "train",
    "vae",
    "--data",
    digits,
    ...small,
    "--epochs",
    "1",
    "--out",
    run,
    "--overwrite",
    "--quiet",
  );
  expect(existsSync(eventFile(run))).toBe(false);
});
