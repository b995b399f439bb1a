/** Event files of TensorBoard, read back by a reader that shares nothing with the writer. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { crc32c } from "../../src/files/event-log.ts";
import { appendEvent, eventFile, writeEvents } from "../../src/files/index.ts";
import { readEvents } from "./events.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-events-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MADE = "2026-03-02T14:05:11.500Z";
const seconds = Date.parse(MADE) / 1000;

describe("CRC-32C", () => {
  // The check value of the CRC catalogue, and RFC 3720, B.4.
  test.each([
    ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
    ["32 zeros", new Uint8Array(32), 0x8a9136aa],
    ["32 times 255", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["0 to 31", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["nothing", new Uint8Array(0), 0],
  ])("%s", (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

test("begins as every event file does", () => {
  writeEvents(folder, [], MADE);
  // 24 bytes, the masked checksum of that, field 1 as a double: the first bytes of the files that TensorFlow writes.
  const bytes = readFileSync(eventFile(folder));
  expect(bytes.subarray(0, 13).toString("hex")).toBe("1800000000000000a37f4b2209");
  expect(readEvents(bytes)).toEqual([{ wallTime: seconds, version: "brain.Event:2", scalars: {} }]);
});

test("an epoch is an event: its step, its time, a scalar for each figure", () => {
  writeEvents(
    folder,
    [
      {
        epoch: 1,
        step: 300,
        seconds: 2.25,
        train: { elbo: -120.5, kl: 20 },
        test: { elbo: -119 },
        activeUnits: 7,
      },
    ],
    MADE,
  );
  appendEvent(
    folder,
    { epoch: 2, step: 2 ** 33, seconds: 4, train: { elbo: Number.NaN }, test: {}, learningRate: 1e-3 },
    MADE,
  );
  const [, first, second, ...more] = readEvents(readFileSync(eventFile(folder)));
  expect(more).toEqual([]);
  expect(first).toEqual({
    wallTime: seconds + 2.25,
    step: 300,
    scalars: { "elbo/train": -120.5, "kl/train": 20, "elbo/test": -119, activeUnits: 7 },
  });
  expect(second).toEqual({
    wallTime: seconds + 4,
    step: 2 ** 33,
    scalars: { "elbo/train": Number.NaN, learningRate: Math.fround(1e-3) },
  });
});

test("a damaged byte is found by the reader", () => {
  writeEvents(folder, [{ epoch: 1, train: { elbo: -1 } }], MADE);
  const bytes = readFileSync(eventFile(folder));
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] ^= 1;
    expect(() => readEvents(damaged), `byte ${at}`).toThrow();
  }
});
