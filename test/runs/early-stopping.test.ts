/** Training stops when rows held out to validate no longer gain, and keeps the epoch that was best on them. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { EpochFigures } from "../../src/kinds/index.ts";
import { VAE } from "../../src/models/index.ts";
import { resumeRun, startRun, train } from "../../src/runs/index.ts";
import { bestEpoch, isOver } from "../../src/train/early-stopping.ts";
import { data as labelled, m2Run } from "./labelled-toys.ts";
import { openClassifier, openTrained } from "./opened.ts";
import { bars, data, newPath, settingsOf } from "./toys.ts";

test("the best epoch is the first with the smallest error, or the largest bound", () => {
  const errors = [0.3, 0.2, 0.2, 0.25].map((error, i) => ({ epoch: i + 1, validation: { error } }));
  expect(bestEpoch(errors)).toBe(2);
  expect([1, 2, 3].map((patience) => isOver(errors, patience))).toEqual([true, true, false]);
  const bounds = [-9, Number.NaN, -8].map((elbo, i) => ({
    epoch: i + 1,
    validation: { elbo, reconstruction: 0 },
  }));
  expect(bestEpoch(bounds)).toBe(3);
  expect(bestEpoch([{ epoch: 1 }])).toBeUndefined();
  expect(isOver([{ epoch: 1 }, { epoch: 9 }], 1)).toBe(false);
});

/** Five rows, which a network of 64 units knows by heart at once. */
const overfit = { epochs: 400, batch: 5, lr: 0.05, threads: 1, seed: 0, patience: 8 } as const;

test("in memory: it stops long before its last epoch, and holds the best epoch's parameters", async () => {
  const vae = VAE({ shape: [4, 3], latent: 2, hidden: [64] });
  const seen: { epoch: number; figures: EpochFigures | undefined }[] = [];
  const trained = await train(vae, bars(5), overfit, {
    validation: data.test,
    onEpoch: ({ epoch }, { figures, trained: live }) => {
      expect(live.model).toBe(vae);
      seen.push({ epoch, figures });
    },
  });
  expect(seen.length).toBeLessThan(200);
  const bounds = seen.map(({ figures }) => figures?.validation?.elbo ?? Number.NaN);
  const best = Math.max(...bounds);
  expect(seen.length - 1 - bounds.indexOf(best)).toBe(8);
  expect((await trained.evaluate(data.test)).elbo).toBeCloseTo(best, 5);
  await expect(train(vae, bars(5), overfit)).rejects.toThrow(/patience 8: expected validation rows/);
});

describe("in a folder", () => {
  const parts = { train: bars(5), test: data.test, validation: bars(40, 3) };
  const settings = () => settingsOf({ hidden: [64] }, overfit, parts.train);

  test("it is complete when it has stopped, opens as its best epoch, and goes on no further", async () => {
    const path = newPath();
    const result = await startRun(path, settings(), parts);
    expect(result.completed).toBe(true);
    const epochs = result.history.length;
    expect(epochs).toBeLessThan(200);
    const best = bestEpoch(result.history);
    const { trained, epoch } = await openTrained(path);
    expect(epoch).toBe(best);
    expect(epochs - Number(best)).toBe(8);
    expect((await trained.evaluate(parts.validation)).elbo).toBeCloseTo(
      result.history[epoch - 1].validation?.elbo ?? Number.NaN,
      5,
    );
    const again = await resumeRun(path, parts, { onStep: () => expect.unreachable() });
    expect([again.completed, again.history.length]).toEqual([true, epochs]);
  });

  test("interrupted and resumed it stops where an uninterrupted run stops", async () => {
    const [whole, path] = [newPath(), newPath()];
    const { history } = await startRun(whole, settings(), parts);
    const stop = new AbortController();
    await startRun(path, settings(), parts, {
      signal: stop.signal,
      onStep: ({ step }) => void (step === 4 && stop.abort()),
    });
    const resumed = await resumeRun(path, parts);
    const figures = (lines: typeof history) => lines.map(({ seconds: _, ...rest }) => rest);
    expect(figures(resumed.history)).toEqual(figures(history));
    expect((await openTrained(path)).epoch).toBe((await openTrained(whole)).epoch);
  });

  test("by the error of a model that learns from labels; without rows to validate it is refused", async () => {
    const path = newPath();
    const few = m2Run({ train: { patience: 2, epochs: 60 } });
    const { history, completed } = await startRun(path, few, labelled);
    expect(completed).toBe(true);
    const { epoch, trained } = await openClassifier(path);
    expect(epoch).toBe(bestEpoch(history));
    expect(await trained.error(labelled.validation)).toBe(
      Math.min(...history.map((line) => Number(line.validation?.error))),
    );
    const { validation: _, ...rest } = labelled;
    const none = newPath();
    await expect(startRun(none, few, rest)).rejects.toThrow(
      /^`patience: 2`: expected rows held out to validate/,
    );
    expect(existsSync(none)).toBe(false);
  });
});
