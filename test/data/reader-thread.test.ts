/** A reader that does not end is ended, by what it computes and not by the clock. */
import { expect, test } from "vitest";
import { readInThread } from "../../src/data/reader-thread.ts";
import { DataError } from "../../src/errors.ts";

const read = (reader: string, patience: number) =>
  readInThread(`const { parentPort } = require("node:worker_threads");\n${reader}`, {
    package: "hucre/xlsx",
    bytes: new Uint8Array(8),
    patience,
    damaged: (why) => new DataError(`damaged (${why})`),
    receive: () => undefined,
  });
const done = "parentPort.postMessage({ done: true });";

test("a thread that gets no processor for longer than a damaged file gets is waited for", async () => {
  // As on a busy machine, it neither computes nor is idle.
  await read(`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);\n${done}`, 0.5);
});

test.each([
  ["computes forever", "for (;;) {}", 0.5],
  ["waits for nothing", "parentPort.on('message', () => undefined);", 0.5],
  ["is held forever", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);", 0.02],
])("a thread that %s is ended", async (_, reader, patience) => {
  await expect(read(reader, patience)).rejects.toThrow("damaged (reading it did not end)");
});
