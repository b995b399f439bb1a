/** What class and style say of x, where it is known. */
import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { createDataset } from "../../../src/data/index.ts";
import { type SemiSupervisedTrainSettings, TrainedClassifier } from "../../../src/kinds/index.ts";
import { classWarnings } from "../../../src/kinds/m2/carried.ts";
import { M2 } from "../../../src/models/index.ts";
import { tensor } from "../../../src/tensor/index.ts";
import { trainOf } from "../../runs/toys.ts";

const settings = trainOf<SemiSupervisedTrainSettings>("m2", { seed: 1, threads: 1, binarize: "none" });
const SHARES = [0.5, 0.3, 0.2];
const hot = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const rows = createDataset({
  name: "bits",
  shape: [2],
  x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1, 0, 1),
});

function of(idle: RegExp): TrainedClassifier {
  const m2 = M2({ features: 2, classes: 3, latent: 1, hidden: [4], classPrior: SHARES });
  const parameters = new Map(
    m2.parameters.map(({ name, tensor: leaf }, n) => [
      leaf,
      Float32Array.from({ length: leaf.size }, (_, i) => (idle.test(name) ? 0 : 2 * Math.sin(5 * n + i))),
    ]),
  );
  return new TrainedClassifier(m2, parameters, settings, ["a", "b", "c"]);
}

test("a style that the decoder does not see says nothing; what the class says is a sum over classes", async () => {
  const trained = of(/^decoder\.body\.joint\.first\.weight/);
  const { predicted } = await trained.classify(rows);
  const { model, parameters } = trained;
  if (model.kind !== "m2") return expect.unreachable();
  const decode = compile(() => model.decode(tensor(hot), tensor([[0], [0], [0]])).mean(), { parameters });
  const mean = Array.from((await decode()).data, Number);
  const log = (row: number, k: number) =>
    [0, 1].reduce(
      (sum, j) => sum + Math.log(rows.x[2 * row + j] === 1 ? mean[2 * k + j] : 1 - mean[2 * k + j]),
      0,
    );
  let [byClass, told] = [0, 0];
  for (let row = 0; row < 5; row++) {
    const own = log(row, predicted[row]);
    byClass += (own - SHARES.reduce((sum, share, k) => sum + share * log(row, k), 0)) / 5;
    told += (own - Math.log(SHARES.reduce((sum, share, k) => sum + share * Math.exp(log(row, k)), 0))) / 5;
  }
  const carried = await trained.carried(rows);
  expect(carried.style).toBe(0);
  expect(carried.class).toBeCloseTo(byClass, 5);
  expect(carried.told).toBeCloseTo(told, 5);
  expect(carried.entropy).toBeCloseTo(-SHARES.reduce((sum, p) => sum + p * Math.log(p), 0), 6);
});

test("a decoder that does not see the class is found out", async () => {
  const carried = await of(/^decoder\.body\.joint\.second/).carried(rows);
  expect(carried.class).toBeCloseTo(0, 5);
  expect(carried.told).toBeCloseTo(0, 5);
  expect(Math.abs(carried.style)).toBeGreaterThan(0.01);
  expect(classWarnings(carried)).toEqual([
    expect.stringMatching(
      /^The class says little of x: with another class the decoder gives a row -?0\.0 nats less/,
    ),
  ]);
  expect(classWarnings({ ...carried, told: carried.entropy })).toEqual([]);
});
