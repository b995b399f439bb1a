import { expect, test } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import { type LabelledFeatures, predictedClasses, svm, transductiveSvm } from "../../../src/models/index.ts";
import { fillNormal, fillUniform, stream } from "../../../src/random/index.ts";
import { errors, features } from "./digits.ts";

interface Moons extends LabelledFeatures {
  readonly truth: Int32Array;
}

/** Two half circles that reach into one another, `rows` points each with a little noise; `labelled` of each with a label. */
const twoMoons = (rows: number, labelled: number, seed: number): Moons => {
  const angles = new Float64Array(2 * rows);
  const noise = new Float64Array(4 * rows);
  fillUniform(angles, stream(seed, "angles"));
  fillNormal(noise, stream(seed, "noise"));
  const truth = Int32Array.from(angles, (_, i) => i % 2);
  const points = Array.from(angles, (u, i) => {
    const [x, y] = [Math.cos(Math.PI * u), Math.sin(Math.PI * u)];
    const [centreX, centreY] = i % 2 === 0 ? [x, y] : [1 - x, 0.5 - y];
    return [centreX + 0.08 * noise[2 * i], centreY + 0.08 * noise[2 * i + 1]];
  });
  return {
    ...features(
      points,
      Array.from(truth, (label, i) => (i < 2 * labelled ? label : -1)),
    ),
    truth,
  };
};

const wrong = async (data: Moons, classifier: ReturnType<typeof svm>): Promise<number> => {
  const fitted = await classifier.fit(data);
  return errors(predictedClasses(await fitted.scores(data.x), 2), data.truth);
};

// Seeds 0 to 9: 253 of 3,000 rows wrong by the plain machine, 3 by the transductive one. Over 400 seeds, in tens, they are 156 to
// 456 and 0 to 133, and the transductive one is the worse on 17 of the 400, where the labels lead it to cut a moon in two.
test("two moons with five labels each: unlabelled rows tell where the boundary may run", async () => {
  const gamma = 4;
  let [plain, transductive] = [0, 0];
  for (let seed = 0; seed < 10; seed++) {
    const data = twoMoons(150, 5, seed);
    plain += await wrong(data, svm({ gamma }));
    transductive += await wrong(data, transductiveSvm({ gamma }));
  }
  expect(plain).toBeGreaterThan(0.05 * 3000);
  expect(transductive).toBeLessThan(0.01 * 3000);
});

test("without unlabelled rows, two classes are told apart by the plain machine", async () => {
  const all = twoMoons(20, 20, 1);
  const grid = twoMoons(100, 0, 2).x;
  const [plain, transductive] = await Promise.all(
    [svm({ C: 3 }), transductiveSvm({ C: 3 })].map(async (kind) => (await kind.fit(all)).scores(grid)),
  );
  for (let row = 0; row < grid.length / 2; row++) {
    const decision = transductive[2 * row];
    expect(transductive[2 * row + 1]).toBeCloseTo(-decision, 2);
    // The plain machine's score is its vote and its decision, squeezed.
    expect(plain[2 * row]).toBeCloseTo(Number(decision > 0) + decision / (3 * (Math.abs(decision) + 1)), 2);
  }
});

test("classes keep the labels' shares, where the plain machine gives one class too much", async () => {
  // A line: labels at 0 (twice) and 4; 20 rows around 0, 10 around 1.5. The plain boundary, near 2, gives all to class 0.
  const line = [0, 0.1, 4, ...Array.from({ length: 30 }, (_, i) => (i < 20 ? i / 40 : 1.5 + (i - 20) / 40))];
  const data = features(
    line.map((value) => [value]),
    [0, 0, 1, ...new Array<number>(30).fill(-1)],
  );
  const predictions = async (kind: ReturnType<typeof svm>) =>
    predictedClasses((await (await kind.fit(data)).scores(data.x)).subarray(6), 2);
  const ones = (labels: Int32Array) => labels.filter((label) => label === 1).length;
  expect(ones(await predictions(svm({ kernel: "linear" })))).toBe(0);
  const predicted = await predictions(transductiveSvm({ kernel: "linear", C: 10 }));
  expect(ones(predicted)).toBe(10);
  expect(predicted.subarray(20)).toEqual(new Int32Array(10).fill(1));
});

test("of many unlabelled rows the seed draws some, and the same seed the same", async () => {
  const data = twoMoons(60, 4, 5);
  const scores = async (seed: number, unlabelled: number) =>
    (await transductiveSvm({ seed, unlabelled }).fit(data)).scores(data.x);
  const [one, again, other, all, allToo] = await Promise.all([
    scores(1, 40),
    scores(1, 40),
    scores(2, 40),
    scores(1, 112),
    scores(2, 500),
  ]);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
  expect(allToo).toEqual(all);
});

test("refuses what cannot be", async () => {
  for (const [options, message] of [
    [{ C: 0 }, "C must be a number above 0, found 0."],
    [{ unlabelledC: -1 }, "unlabelledC must be a number above 0, found -1."],
    [{ gamma: Number.NaN }, "gamma must be a number above 0, found NaN."],
    [{ unlabelled: 1.5 }, "unlabelled must be a whole number of at least 0, found 1.5."],
  ] as const) {
    expect(() => transductiveSvm(options)).toThrow(new UsageError(`transductiveSvm: ${message}`));
  }
  expect(() => transductiveSvm({ seed: -1 })).toThrow(UsageError);
  await expect(transductiveSvm().fit(features([[2], [2], [3]], [0, 1, -1]))).rejects.toThrow(
    new UsageError(
      "transductiveSvm: every feature of every labelled row is 2: nothing distinguishes the classes.",
    ),
  );
  await expect(transductiveSvm().fit(features([[1], [2]], [0, -1]))).rejects.toThrow(
    new UsageError("transductiveSvm: expected a labelled row of every class; class 1 has none."),
  );
  await expect(transductiveSvm().fit(features([[1], [2], [Number.NaN]], [0, 1, -1]))).rejects.toThrow(
    new UsageError(
      "transductiveSvm: expected finite features, found NaN at row 2, feature 0, counted from 0.",
    ),
  );
});
