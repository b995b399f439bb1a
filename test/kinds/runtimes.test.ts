/** Exported models give what the library gives, in every ONNX runtime, on 10,000 rows. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as native from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Dataset,
  drawLabels,
  encodeTable,
  featureLayout,
  fitTable,
  hideLabels,
  loadMnist,
  readTable,
  rowsOf,
  take,
} from "../../src/data/index.ts";
import { type Exported, stackOn, TrainedClassifier } from "../../src/kinds/index.ts";
import { exportClassifier } from "../../src/kinds/m2/export.ts";
import { M2, VAE } from "../../src/models/index.ts";
import { train } from "../../src/runs/index.ts";

const ROWS = 10_000;
/** Rows of a call: the last is a smaller one. */
const CALL = 3000;
/** Largest difference from the library that is left to the order of float32 sums. */
const TOLERANCE = 1e-5;

const folder = mkdtempSync(join(tmpdir(), "tightbound-runtimes-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Runtime = (graph: Exported, x: Float32Array) => Promise<Float32Array>;

/** Runs a classifier by a runtime with the interface of ONNX Runtime in JavaScript. */
const inJavaScript =
  (runtime: () => Promise<typeof native>): Runtime =>
  async (graph, x) => {
    const { InferenceSession, Tensor } = await runtime();
    const session = await InferenceSession.create(graph.bytes);
    const [{ name, shape }] = graph.inputs;
    const [{ name: output, shape: result }] = graph.outputs;
    const [width, classes] = [shape[1], Number(result[1])];
    const rows = x.length / width;
    const all = new Float32Array(rows * classes);
    for (let start = 0; start < rows; start += CALL) {
      const count = Math.min(CALL, rows - start);
      const part = x.slice(start * width, (start + count) * width);
      const found = await session.run({ [name]: new Tensor("float32", part, [count, width]) });
      expect(found[output].dims).toEqual([count, classes]);
      all.set(found[output].data as Float32Array, start * classes);
    }
    await session.release();
    return all;
  };

/** The runtime of browsers: WebAssembly, which Node has too. Its types come with the package, which may not be there. */
const web = async (): Promise<typeof native> => {
  const name = "onnxruntime-web";
  return (await import(/* @vite-ignore */ name)) as typeof native;
};
const isInstalled = await web().then(
  () => true,
  () => false,
);

const PYTHON = `
import sys, numpy, onnxruntime
x = numpy.fromfile(sys.argv[2], dtype="float32").reshape(-1, int(sys.argv[3]))
session = onnxruntime.InferenceSession(sys.argv[1])
parts = [session.run(None, {"x": x[i:i + ${CALL}]})[0] for i in range(0, len(x), ${CALL})]
numpy.concatenate(parts).astype("float32").tofile(sys.argv[4])
`;
const hasPython = (() => {
  try {
    execFileSync("python3", ["-c", "import numpy, onnxruntime"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
const inPython: Runtime = async (graph, x) => {
  const [model, rows, out] = ["model.onnx", "x.bin", "out.bin"].map((name) => join(folder, name));
  writeFileSync(model, graph.bytes);
  writeFileSync(rows, new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  execFileSync("python3", ["-c", PYTHON, model, rows, String(graph.inputs[0].shape[1]), out]);
  return new Float32Array(new Uint8Array(readFileSync(out)).buffer);
};

/** Name, how it runs, and why it is skipped, where it is. */
const runtimes: readonly (readonly [string, Runtime, boolean])[] = [
  ["ONNX Runtime for Node", inJavaScript(async () => native), true],
  ["onnxruntime-web", inJavaScript(web), isInstalled],
  [
    `ONNX Runtime for Python${hasPython ? "" : " (skipped: python3 has no onnxruntime)"}`,
    inPython,
    hasPython,
  ],
];

interface Case {
  readonly trained: TrainedClassifier;
  readonly rows: Dataset;
}
const cases: Record<string, Case> = {};

beforeAll(async () => {
  const digits = take(loadMnist("train"), 600);
  const few = hideLabels(digits, drawLabels(digits, { labels: 50 }).labelled);
  const test = loadMnist("test");
  const settings = { epochs: 2, threads: 1, batch: 50, lr: 3e-3 } as const;
  const m2 = await train(M2({ features: 784, classes: 10, latent: 10, hidden: [40] }), few, settings);
  const vae = await train(VAE({ shape: [28, 28], latent: 10, hidden: [40] }), digits, settings);
  const m1m2 = await train(
    await stackOn(vae, digits, { classes: 10, latent: 4, hidden: [20] }),
    few,
    settings,
  );
  // 10,000 rows of a table with gaps, words and numbers.
  const csv = join(folder, "t.csv");
  const lines = Array.from({ length: ROWS }, (_, i) => {
    const [a, b] = [Math.sin(i) + (i % 2), i % 7 === 0 ? "" : Math.cos(3 * i) * 5];
    const label = i < 60 ? ["left", "right"][i % 2] : "";
    return `${a},${b},${i % 5 === 0 ? "" : ["red", "green", "blue"][i % 3]},${label}`;
  });
  writeFileSync(csv, ["a,b,colour,side", ...lines].join("\n"));
  const read = await readTable(csv);
  const { preprocessing } = fitTable(read, { labelColumn: "side" });
  const table = encodeTable(read, preprocessing).dataset;
  const layout = featureLayout(preprocessing);
  const model = M2({
    features: layout.features,
    classes: 2,
    latent: 3,
    hidden: [20],
    likelihood: "table",
    layout,
  });
  const onTable = await train(model, table, { ...settings, epochs: 1, binarize: "none" });
  for (const [name, trained, rows] of [
    ["M2", m2, test],
    ["M1+M2", m1m2, test],
    ["M2 on a table", onTable, table],
  ] as const) {
    if (!(trained instanceof TrainedClassifier)) throw new Error("expected a classifier");
    cases[name] = { trained, rows };
  }
}, 60_000);

describe.each(runtimes)("%s", (_, run, there) => {
  test.skipIf(!there).each(["M2", "M1+M2", "M2 on a table"])(
    "%s: probabilities of 10,000 rows as `classify` gives them",
    async (name) => {
      const { trained, rows } = cases[name];
      const [graph] = exportClassifier(trained);
      expect(graph.inputs[0].shape[0]).toBe("batch");
      const width = graph.inputs[0].shape[1];
      const x = rowsOf(rows, [...Array(ROWS).keys()], new Float32Array(ROWS * width));
      const { probabilities } = await trained.classify(rows);
      const found = await run(graph, x);
      expect(found).toHaveLength(probabilities.length);
      let largest = 0;
      found.forEach((p, i) => {
        largest = Math.max(largest, Math.abs(p - probabilities[i]));
      });
      // A model that says the same of every row would agree with any other.
      expect(new Set(trained.classes.map((_, k) => Math.round(10 * probabilities[k]))).size).toBeGreaterThan(
        1,
      );
      expect(Math.max(...probabilities) - Math.min(...probabilities)).toBeGreaterThan(0.3);
      expect(largest).toBeLessThan(TOLERANCE);
    },
    60_000,
  );
});
