import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createDataset, fingerprint } from "../../src/data/index.ts";

const base = { name: "d", shape: [2], x: Float32Array.of(1, 2, 3, 4), labels: Int32Array.of(0, 1) };

test("is SHA-256 of a header line, the values and the labels", () => {
  const header = '{"rows":2,"shape":[2],"kind":"table","scale":1,"type":"f32","labelled":true}\n';
  const bytes = Buffer.concat([
    Buffer.from(header),
    Buffer.from(base.x.buffer),
    Buffer.from(base.labels.buffer),
  ]);
  expect(fingerprint(createDataset(base))).toBe(createHash("sha256").update(bytes).digest("hex"));
});

test("does not depend on the name, nor on where in memory the values lie", () => {
  const moved = { ...base, name: "other", x: Float32Array.of(9, 1, 2, 3, 4).subarray(1) };
  expect(fingerprint(createDataset(moved))).toBe(fingerprint(createDataset(base)));
});

test.each([
  ["a value", { x: Float32Array.of(1, 2, 3, 5) }],
  ["a label", { labels: Int32Array.of(0, 2) }],
  ["the shape", { shape: [1, 2] }],
  ["the scale", { scale: 0.5 }],
  ["what is missing", { observed: Uint8Array.of(1, 1, 1, 0) }],
])("changes with %s", (_, change) => {
  expect(fingerprint(createDataset({ ...base, ...change }))).not.toBe(fingerprint(createDataset(base)));
});
