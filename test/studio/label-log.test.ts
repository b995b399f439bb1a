import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { type LabelEvent, openLabelLog, stateOf } from "../../src/studio/label-log.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

const label = (row: number, k: number): LabelEvent => ({ type: "label", rows: [row], class: k, by: "queue" });
const none = { labels: new Int32Array(10).fill(-1), classes: [] };

test("events come back from the file; one cut short at any byte was never answered for, and is dropped", () => {
  const path = join(folder, "labels.jsonl");
  const events: LabelEvent[] = [
    { type: "class", name: "grün, \n<b>" },
    label(3, 0),
    { type: "undo" },
    label(4, 0),
  ];
  const log = openLabelLog(path);
  for (const event of events) log.append(event);
  log.close();
  const whole = readFileSync(path);
  const last = whole.lastIndexOf(10, whole.length - 2) + 1;
  for (let length = last; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const opened = openLabelLog(path);
    expect(opened.events).toEqual(length === whole.length ? events : events.slice(0, 3));
    // What follows is readable.
    opened.append(label(5, 0));
    opened.close();
    const again = openLabelLog(path);
    expect(again.events.at(-1)).toEqual(label(5, 0));
    again.close();
  }
});

test("a damaged line is refused with its number", () => {
  const path = join(folder, "damaged.jsonl");
  writeFileSync(path, "");
  appendFileSync(path, '{"type":"class","name":"a"}\n{"type":"label","rows":[-1],"class":0,"by":"queue"}\n');
  expect(() => openLabelLog(path)).toThrow(CheckpointError);
  expect(() => openLabelLog(path)).toThrow(/line 2/);
});

test("undo takes back labels and rows put aside, one by one, and never a class", () => {
  const events: LabelEvent[] = [
    { type: "class", name: "a" },
    label(1, 0),
    { type: "label", rows: [2, 3], class: 0, by: "bulk" },
    { type: "class", name: "b" },
    label(1, 1),
    { type: "aside", row: 4, why: "skip" },
  ];
  const after = (undos: number) => stateOf([...events, ...Array(undos).fill({ type: "undo" })], none);
  expect([...after(0).aside.keys()]).toEqual([4]);
  expect(after(1).aside.size).toBe(0);
  expect(after(1).labels.get(1)?.class).toBe(1);
  expect(after(2).labels.get(1)?.class).toBe(0);
  expect([...after(3).labels.keys()]).toEqual([1]);
  expect(after(4).labels.size).toBe(0);
  expect(after(4).classes).toEqual(["a", "b"]);
  expect(after(4).undoable).toEqual([]);
});

test("labels of the data come first, and a person's replace them", () => {
  const given = { labels: Int32Array.of(0, -1, 1), classes: ["a", "b"] };
  const { labels } = stateOf([label(0, 1)], given);
  expect(labels.get(0)).toEqual({ class: 1, by: "queue" });
  expect(labels.get(2)).toEqual({ class: 1, by: "data" });
  expect(stateOf([label(0, 1), { type: "undo" }], given).labels.get(0)).toEqual({ class: 0, by: "data" });
});
