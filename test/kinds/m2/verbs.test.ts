/** Codes, reconstructions and exported models of M2 and M1+M2: one passage, three ways. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concatRows, type Dataset, readNpy, rowsOf, take } from "../../../src/data/index.ts";
import type { TrainedClassifier } from "../../../src/kinds/index.ts";
import { exportClassifier } from "../../../src/kinds/m2/export.ts";
import { startRun } from "../../../src/runs/index.ts";
import { ok } from "../../cli/harness.ts";
import { data, m2Run, stackedRun } from "../../runs/labelled-toys.ts";
import { openClassifier } from "../../runs/opened.ts";
import { newPath } from "../../runs/toys.ts";

const runs = {
  m2: { path: newPath(), settings: m2Run() },
  m1m2: { path: newPath(), settings: stackedRun({ model: { keepInactive: true } }) },
} as const;
beforeAll(async () => {
  for (const { path, settings } of Object.values(runs)) await startRun(path, settings, data);
});
const folder = mkdtempSync(join(tmpdir(), "tightbound-m2-verbs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const oneHot = (labels: Int32Array, classes: number): Float32Array => {
  const y = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    y[row * classes + label] = 1;
  });
  return y;
};

/** An exported model's outputs by ONNX Runtime alone. */
async function byRuntime(
  trained: TrainedClassifier,
  name: string,
  feeds: Readonly<Record<string, Float32Array>>,
): Promise<Readonly<Record<string, Float32Array>>> {
  const graph = exportClassifier(trained).find((one) => one.name === name);
  if (graph === undefined) return expect.unreachable(`no ${name}`);
  const session = await InferenceSession.create(graph.bytes, { intraOpNumThreads: 1 });
  const found = await session.run(
    Object.fromEntries(
      graph.inputs.map(({ name: key, shape }) => [
        key,
        new Tensor("float32", feeds[key], [feeds[key].length / shape[1], shape[1]]),
      ]),
    ),
  );
  return Object.fromEntries(Object.entries(found).map(([key, one]) => [key, one.data as Float32Array]));
}

const close = (found: Float32Array, expected: Float32Array): void => {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i])));
  });
};

describe.each(["m2", "m1m2"] as const)("%s", (kind) => {
  const rows: Dataset = (() => {
    // More than one chunk of rows.
    let all: Dataset = data.train;
    for (let i = 0; i < 4; i++) all = concatRows(all, data.train, "bars");
    return all;
  })();

  test("styles and reconstructions are what the exported encoder and decoder give at the predicted class", async () => {
    const { trained } = await openClassifier(runs[kind].path);
    const classes = trained.classes.length;
    const seen = trained.prepare(rows);
    const x = rowsOf(seen, [...Array(rows.rows).keys()], new Float32Array(rows.rows * 12));
    const { predicted } = await trained.classify(rows);
    const y = oneHot(predicted, classes);
    const styles = await trained.encode(rows);
    expect(styles).toHaveLength(rows.rows * trained.model.latent);
    const { mean } = await byRuntime(trained, "encoder", { x, y });
    close(styles, mean);
    const indices = [3, 0, 119, 577];
    const picked = take(rows, rows.rows);
    const { originals, reconstructions } = await trained.reconstruct(picked, indices);
    const z = Float32Array.from(indices.flatMap((row) => [...styles.subarray(2 * row, 2 * row + 2)]));
    const of = Int32Array.from(indices, (row) => predicted[row]);
    const drawn = await byRuntime(trained, "decoder", { y: oneHot(of, classes), z });
    expect([originals.length, reconstructions.length]).toEqual([48, 48]);
    close(reconstructions, drawn.mean);
  });

  test("the command line encodes, reconstructs and exports", async () => {
    const { path } = runs[kind];
    const { settings } = await openClassifier(path).then(({ run }) => run);
    expect(settings.data.spec).toBe("bars");
    const file = join(folder, `${kind}.npy`);
    const { writeFileSync } = await import("node:fs");
    const { toNpy } = await import("../../../src/cli/table.ts");
    const x = rowsOf(data.test, [...Array(40).keys()], new Float32Array(480));
    writeFileSync(file, toNpy(x, [40, 4, 3]));
    const codes = join(folder, `${kind}-codes.npy`);
    await ok("encode", path, "--data", file, "--out", codes);
    const { trained } = await openClassifier(path);
    expect(readNpy(codes)).toMatchObject({ shape: [40, 2], data: await trained.encode(data.test) });
    const pairs = join(folder, `${kind}.png`);
    await ok("reconstruct", path, "--data", file, "--out", pairs);
    expect(existsSync(pairs)).toBe(true);
    const out = join(folder, `${kind}-onnx`);
    const { json } = await ok("export", path, "--out", out, "--json");
    expect(json()).toMatchObject({
      batch: null,
      classifier: { inputs: [{ name: "x", shape: ["batch", 12] }], outputs: [{ shape: ["batch", 4] }] },
      encoder: { inputs: [{ name: "x" }, { name: "y", shape: ["batch", 4] }] },
      decoder: { inputs: [{ name: "y" }, { name: "z", shape: ["batch", 2] }] },
    });
    expect(json().maxDifference).toBeLessThan(1e-5);
    expect(JSON.parse(readFileSync(join(out, "input.json"), "utf8"))).toEqual({
      format: "tightbound input",
      version: 1,
      shape: [4, 3],
      scale: 1 / 255,
      classes: ["first", "second", "third", "fourth"],
    });
  });
});
