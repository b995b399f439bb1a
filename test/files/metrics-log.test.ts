import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CheckpointError, UsageError } from "../../src/errors.ts";
import { openMetricsLog, readMetricsLog } from "../../src/files/metrics-log.ts";
import { tempFolder } from "../data/temp.ts";

const folder = tempFolder();
let files = 0;
const newPath = () => join(folder.path, `${files++}.jsonl`);
const text = (path: string) => readFileSync(path, "utf8");

test("one line an epoch", () => {
  const path = newPath();
  const log = openMetricsLog(path, { completedEpochs: 0 });
  expect(existsSync(path)).toBe(false);
  log.append({ epoch: 1, train: { elbo: -140.5 }, klPerDimension: [0.1, 2] });
  log.append({ epoch: 2, train: { elbo: -120 }, klPerDimension: [0.2, 3] });
  expect(text(path)).toBe(
    '{"epoch":1,"train":{"elbo":-140.5},"klPerDimension":[0.1,2]}\n' +
      '{"epoch":2,"train":{"elbo":-120},"klPerDimension":[0.2,3]}\n',
  );
  expect(readMetricsLog(path)).toEqual([
    { epoch: 1, train: { elbo: -140.5 }, klPerDimension: [0.1, 2] },
    { epoch: 2, train: { elbo: -120 }, klPerDimension: [0.2, 3] },
  ]);
  expect(log.lines).toEqual(readMetricsLog(path));
});

test("numbers that are not finite are null in the file and NaN when read", () => {
  const path = newPath();
  const { NaN: nan, NEGATIVE_INFINITY: infinite } = Number;
  openMetricsLog(path, { completedEpochs: 0 }).append({ epoch: 1, elbo: nan, kl: [infinite, 1] });
  expect(text(path)).toBe('{"epoch":1,"elbo":null,"kl":[null,1]}\n');
  expect(readMetricsLog(path)).toEqual([{ epoch: 1, elbo: nan, kl: [nan, 1] }]);
});

test("a resumed run's file is that of one never interrupted", () => {
  const whole = newPath();
  const log = openMetricsLog(whole, { completedEpochs: 0 });
  for (let epoch = 1; epoch <= 4; epoch++) log.append({ epoch, elbo: -100 + epoch });
  // The checkpoint is of epoch 2; the line of epoch 3 was written and that of epoch 4 cut short.
  const path = newPath();
  appendFileSync(path, text(whole).slice(0, -5));
  const resumed = openMetricsLog(path, { completedEpochs: 2 });
  expect(resumed.lines).toEqual([
    { epoch: 1, elbo: -99 },
    { epoch: 2, elbo: -98 },
  ]);
  for (let epoch = 3; epoch <= 4; epoch++) resumed.append({ epoch, elbo: -100 + epoch });
  expect(text(path)).toBe(text(whole));
});

test("a run that starts at 0 empties the file", () => {
  const path = newPath();
  appendFileSync(path, '{"epoch":1}\n');
  expect(openMetricsLog(path, { completedEpochs: 0 }).lines).toEqual([]);
  expect(text(path)).toBe("");
});

test("a last line cut anywhere is left out by readers, and removed when the log is opened", () => {
  const first = '{"epoch":1,"note":"ü"}\n';
  const second = Buffer.from('{"epoch":2,"note":"ü"}');
  for (let length = 1; length < second.length; length++) {
    const path = newPath();
    appendFileSync(path, first);
    appendFileSync(path, second.subarray(0, length));
    expect(readMetricsLog(path)).toEqual([{ epoch: 1, note: "ü" }]);
    const log = openMetricsLog(path, { completedEpochs: 5 });
    expect(text(path)).toBe(first);
    log.append({ epoch: 2 });
    expect(text(path)).toBe(`${first}{"epoch":2}\n`);
  }
});

test("a last line that lacks nothing but its newline is kept", () => {
  const path = newPath();
  appendFileSync(path, '{"epoch":1}\n{"epoch":2}');
  expect(readMetricsLog(path)).toEqual([{ epoch: 1 }, { epoch: 2 }]);
  openMetricsLog(path, { completedEpochs: 2 }).append({ epoch: 3 });
  expect(text(path)).toBe('{"epoch":1}\n{"epoch":2}\n{"epoch":3}\n');
});

test.each([
  ['{"epoch":1}\n{"epo\n{"epoch":3}\n', 2, 'an epoch after 1, found "{\\"epo"'],
  ['\n{"epoch":1}\n', 1, 'an epoch after 0, found ""'],
  ['{"epoch":1}\n{"epoch":1}\n', 2, "an epoch after 1, found epoch 1"],
  ['{"epoch":1.5}\n', 1, 'an epoch after 0, found "{\\"epoch\\":1.5}"'],
  ['[1]\n{"epoch":1}\n', 1, 'an epoch after 0, found "[1]"'],
])("a damaged line is named: %j", (contents, line, what) => {
  const path = newPath();
  appendFileSync(path, contents);
  const error = new CheckpointError(
    `${path}, line ${line}: expected a JSON object with ${what}. Repair or remove the line`,
  );
  expect(() => readMetricsLog(path)).toThrow(error);
  expect(() => openMetricsLog(path, { completedEpochs: 9 })).toThrow(error);
  expect(text(path)).toBe(contents);
});

test("epochs must grow, and a missing file is an error for readers", () => {
  const path = newPath();
  const log = openMetricsLog(path, { completedEpochs: 0 });
  expect(() => readMetricsLog(path)).toThrow(
    new CheckpointError(`${path}: expected the metrics of a run: no such file`),
  );
  log.append({ epoch: 2 });
  expect(() => log.append({ epoch: 2 })).toThrow(
    new UsageError(`${path}: expected an epoch after 2, found 2`),
  );
});

test("a folder that is gone", () => {
  const path = join(folder.path, "gone", "metrics.jsonl");
  expect(() => openMetricsLog(path, { completedEpochs: 0 }).append({ epoch: 1 })).toThrow(
    new CheckpointError(
      `cannot write ${path}: its folder does not exist. Create it first. The earlier contents of the file are untouched`,
    ),
  );
});
