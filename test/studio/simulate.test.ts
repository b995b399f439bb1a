import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { DataError, UsageError } from "../../src/errors.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { loadRows, simulateLabelling } from "../../src/studio/index.ts";
import { Learner } from "../../src/studio/learner.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-studio-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Three far classes of 40, 40 and 10 rows; three rows have no class. */
const blobs = join(folder, "blobs.csv");
const noise = new Float32Array(186);
fillNormal(noise, stream(3, "blobs"));
writeFileSync(
  blobs,
  [
    "a,b,kind",
    ...Array.from({ length: 93 }, (_, i) => {
      const kind = i < 40 ? 0 : i < 80 ? 1 : 2;
      const name = i < 90 ? ["red", "green", "blue"][kind] : "";
      return `${(noise[2 * i] + 8 * kind).toFixed(3)},${(noise[2 * i + 1] - 8 * (kind % 2)).toFixed(3)},${name}`;
    }),
  ].join("\n"),
);

test("the loop asks in batches up to the number of labels, never for a row whose class nobody knows", async () => {
  const rows = await loadRows({ spec: blobs, labelColumn: "kind", testFraction: 0.3 });
  const given = { train: { epochs: 40, threads: 1 } };
  const told: number[] = [];
  const lessons = await simulateLabelling(rows, {
    labels: 14,
    batch: 6,
    given,
    seed: 1,
    finalEpochs: 50,
    onLesson: ({ labels }) => told.push(labels),
  });
  // The last lesson is the one from scratch.
  expect(lessons.map(({ labels }) => labels)).toEqual([6, 12, 14, 14]);
  expect(told).toEqual([6, 12, 14, 14]);
  // Clusters eight standard deviations apart: a first batch that covers them leaves nothing to get wrong.
  expect(lessons[0].classes).toBe(3);
  expect(lessons[2].error).toBe(0);
  expect(lessons[3].error).toBe(0);
  // One check row for every three labels.
  expect(lessons.map(({ checks }) => checks)).toEqual([2, 4, 4, 4]);
  expect(lessons[2].calibrationError).toBeLessThan(0.2);
  await expect(simulateLabelling(rows, { labels: 80 })).rejects.toThrow(DataError);
  await expect(simulateLabelling(rows, { batch: 0 })).rejects.toThrow(UsageError);
});

test("every strategy learns the classes; rows that the model is certain of are calibrated too", async () => {
  const rows = await loadRows({ spec: blobs, labelColumn: "kind", testFraction: 0.3 });
  const given = { train: { epochs: 40, threads: 1 } };
  for (const strategy of ["informative", "random"] as const) {
    const lessons = await simulateLabelling(rows, { labels: 18, batch: 9, given, strategy });
    const { error, classes, temperature, calibrationError = 1 } = lessons[1];
    expect(classes).toBe(3);
    expect(error).toBe(0);
    expect(temperature).toBeLessThanOrEqual(1);
    // With no error it is one minus the mean confidence.
    expect(calibrationError).toBeLessThan(0.2);
  }
});

test("without test rows there is nothing to measure", async () => {
  const rows = await loadRows({ spec: blobs, labelColumn: "kind" });
  await expect(simulateLabelling(rows, { labels: 10 })).rejects.toThrow(/expected test rows/);
});

test("a lesson that goes on from the last one goes over as many rows as a person waits for, and predicts all", async () => {
  const large = join(folder, "large.csv");
  const rows = 20_500;
  const drawn = new Float32Array(rows);
  fillNormal(drawn, stream(4, "large"));
  writeFileSync(
    large,
    [
      "a,kind",
      ...Array.from(drawn, (v, i) => `${(v + 9 * (i % 2)).toFixed(3)},${i % 2 === 0 ? "low" : "high"}`),
    ].join("\n"),
  );
  const loaded = await loadRows({ spec: large, labelColumn: "kind" });
  const learner = new Learner(loaded);
  const all = loaded.rows.rows;
  const lesson = (count: number) => ({
    labels: loaded.given.map((label, i) => (i < count ? label : -1)),
    classes: loaded.classes,
  });
  const first = await learner.learn(lesson(10));
  const second = await learner.learn(lesson(20));
  // 240,000 rows in all, where a table's default is 100 passes.
  expect(first).toMatchObject({ studied: all, epochs: Math.floor(240_000 / all) });
  expect(second?.epochs).toBe(1);
  expect(second?.studied).toBe(20_000);
  expect(second?.probabilities.length).toBe(2 * all);
  const names = second?.classes ?? [];
  const wrong = loaded.given.filter((label, i) => {
    const predicted = (second?.probabilities[2 * i] ?? 0) > 0.5 ? 0 : 1;
    return names[predicted] !== loaded.classes[label];
  });
  // Halfway between them is 4.5 standard deviations from both.
  expect(wrong.length / all).toBeLessThan(0.001);
});
