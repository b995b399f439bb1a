/** p(y): rare classes, labels that were drawn by class, and shares that move between training and use. */
import { expect, test } from "vitest";
import { build, compile } from "../../../src/compile/index.ts";
import { createDataset, type Dataset } from "../../../src/data/index.ts";
import { TrainedClassifier } from "../../../src/kinds/index.ts";
import { withShares } from "../../../src/kinds/m2/class-prior.ts";
import { sharesOr } from "../../../src/kinds/settings/value.ts";
import { M2 } from "../../../src/models/index.ts";
import { fillNormal, fillUniform, stream } from "../../../src/random/index.ts";
import { train } from "../../../src/runs/index.ts";
import { isInput, tensor } from "../../../src/tensor/leaf.ts";

/** Two normal classes of four values, the rare one 4 standard deviations away in two of them; 20 labels of each. */
function rareRows(seed: number, share: number): { readonly few: Dataset; readonly truth: Dataset } {
  const rows = 2000;
  const draws = new Float32Array(rows);
  fillUniform(draws, stream(seed, "class"));
  const x = new Float32Array(4 * rows);
  fillNormal(x, stream(seed, "x"));
  const labels = Int32Array.from(draws, (u) => Number(u < share));
  labels.forEach((label, row) => {
    for (let j = 0; j < 4; j++) x[4 * row + j] = (x[4 * row + j] + (label === 1 && j < 2 ? 4 : 0)) / 2;
  });
  const left = [20, 20];
  const shown = labels.map((label) => (left[label]-- > 0 ? label : -1));
  const of = (known: Int32Array) =>
    createDataset({ name: "rare", shape: [4], x, labels: known, classes: ["common", "rare"] });
  return { few: of(shown), truth: of(labels) };
}

async function fitted(
  few: Dataset,
  options: Partial<Parameters<typeof M2>[0]> = {},
): Promise<TrainedClassifier> {
  const model = M2({ features: 4, classes: 2, latent: 4, hidden: [50], likelihood: "gaussian", ...options });
  const settings = {
    epochs: 60,
    batch: 100,
    binarize: "none",
    threads: 1,
    lr: 3e-3,
    schedule: "cosine",
    alpha: 1,
  };
  const trained = await train(model, few, settings as Parameters<typeof train>[2]);
  return trained instanceof TrainedClassifier ? trained : expect.unreachable();
}

// The right rule errs on 0.1 % here (two normal densities, 4√2 standard deviations apart, shares 0.95 and 0.05).
test.each([0, 1, 2, 3, 4])(
  "a class of 5 per cent with as many labels as the common one: seed %i",
  async (seed) => {
    const { few, truth } = rareRows(seed, 0.05);
    const rare = (truth.labels?.reduce((a, b) => a + b, 0) ?? 0) / truth.rows;
    const trained = await fitted(few);
    const error = await trained.error(truth);
    expect(error).toBeLessThan(0.02);
    expect(error).toBeLessThan(rare);
    const shares = await trained.classShares();
    expect(shares[0] + shares[1]).toBeCloseTo(1, 5);
    expect(Math.abs(shares[1] - rare)).toBeLessThan(0.02);
  },
  60_000,
);

test("shares that are given stay, and count in Bayes' rule", async () => {
  const { few } = rareRows(0, 0.05);
  const given = M2({ features: 4, classes: 2, latent: 1, hidden: [4], classPrior: [0.9, 0.1] });
  const same = M2({ features: 4, classes: 2, latent: 1, hidden: [4], classPrior: "uniform" });
  const values = (model: M2) =>
    new Map(
      model.parameters.map(({ tensor: leaf }, n) => [
        leaf,
        Float32Array.from({ length: leaf.size }, (_, i) => Math.sin(5 * n + i)),
      ]),
    );
  const joint = async (model: M2) => {
    const f = compile(() => model.logJoint(tensor([[0, 1, 1, 0]]), 3), {
      parameters: values(model),
      seed: 1,
    });
    return Array.from((await f()).data, Number);
  };
  expect(given.parameters.map(({ name }) => name)).toEqual(same.parameters.map(({ name }) => name));
  const [a, b] = [await joint(given), await joint(same)];
  expect(a[0] - b[0]).toBeCloseTo(Math.log(0.9 / 0.5), 5);
  expect(a[1] - b[1]).toBeCloseTo(Math.log(0.1 / 0.5), 5);
  expect(few.rows).toBe(2000);
});

test("shares that are no distribution over the classes are refused", () => {
  for (const classPrior of [
    [0.5, 0.4],
    [1, 0],
    [0.2, 0.3, 0.5],
    [Number.NaN, 1],
  ]) {
    expect(() => M2({ features: 4, classes: 2, classPrior })).toThrow(
      /^m2: expected 2 shares of classes above 0 that sum to 1, found /,
    );
  }
});

test("labels drawn by class move the classification term by the logarithm of their shares over p(y)", async () => {
  const model = M2({ features: 2, classes: 2, latent: 1, hidden: [3], classPrior: [0.8, 0.2] });
  const parameters = new Map(
    model.parameters.map(({ tensor: leaf }, n) => [
      leaf,
      Float32Array.from({ length: leaf.size }, (_, i) => Math.sin(3 * n + i)),
    ]),
  );
  const x = [[0, 1]];
  const term = async (options: { readonly shares?: readonly number[]; readonly random?: boolean }) => {
    const { metrics } = model.objective({
      labelled: { size: 1, rows: 1, ...(options.shares && { shares: options.shares }) },
      unlabelled: { size: 0, rows: 0 },
      labelsAtRandom: options.random ?? false,
    });
    const feeds: Readonly<Record<string, Float32Array>> = {
      xLabelled: Float32Array.of(0, 1),
      y: Float32Array.of(0, 1),
    };
    const built = await build([metrics.classification], { executor: "host" });
    const leaves = built.leaves.map((leaf) =>
      isInput(leaf) ? feeds[leaf.attributes.name] : (parameters.get(leaf) ?? new Float32Array(leaf.size)),
    );
    const out = new Float64Array(1);
    await built.bind(
      leaves.map((values) => Float64Array.from(values)),
      [out],
    )();
    return out[0];
  };
  const q = (await compile(() => model.classify(tensor(x)), { parameters })()).data;
  const [common, rare] = [Number(q[0]) + Math.log(0.5 / 0.8), Number(q[1]) + Math.log(0.5 / 0.2)];
  const expected = rare - Math.log(Math.exp(common) + Math.exp(rare));
  expect(await term({ shares: [0.5, 0.5] })).toBeCloseTo(expected, 5);
  expect(await term({ shares: [0.5, 0.5], random: true })).toBeCloseTo(Number(q[1]), 5);
  expect(await term({})).toBeCloseTo(Number(q[1]), 5);
});

test("probabilities under other shares, by hand", () => {
  const moved = withShares(Float32Array.of(0.6, 0.4, 0.1, 0.9), [0.5, 0.5], [0.9, 0.1], ["a", "b"]);
  // 0.6 · 0.9 / (0.6 · 0.9 + 0.4 · 0.1) and 0.1 · 0.9 / (0.1 · 0.9 + 0.9 · 0.1).
  expect(moved[0]).toBeCloseTo(0.54 / 0.58, 6);
  expect(moved[2]).toBeCloseTo(0.5, 6);
  expect(() => withShares(moved, [0.5, 0.5], [0.2, 0.3, 0.5], ["a", "b"])).toThrow(
    "`classShares`: expected 2 shares, of the classes a, b; found 3.",
  );
});

test("shares are estimated from the rows", () => {
  // Two unit normals 2 apart with equal shares in training; p(y|x) is the logistic function of 2 (x − 1).
  const rows = 20_000;
  const share = 0.03;
  const u = new Float32Array(rows);
  fillUniform(u, stream(1, "class"));
  const x = new Float32Array(rows);
  fillNormal(x, stream(1, "x"));
  let rare = 0;
  const probabilities = new Float32Array(2 * rows);
  for (let i = 0; i < rows; i++) {
    const label = Number(u[i] < share);
    rare += label / rows;
    const p = 1 / (1 + Math.exp(-2 * (x[i] + 2 * label - 1)));
    probabilities.set([1 - p, p], 2 * i);
  }
  const moved = withShares(probabilities, [0.5, 0.5], "estimated", ["common", "rare"]);
  const found = moved.reduce((sum, p, i) => sum + (i % 2) * p, 0) / rows;
  // The estimate's standard error is at most 2.5 times that of the share of the drawn classes, √(0.03 · 0.97 / 20,000) = 0.0012, for
  // these densities; 4 of them.
  expect(Math.abs(found - rare)).toBeLessThan(4 * 2.5 * 0.0012);
});

test("shares are counts, percent or fractions; fractions that do not sum to 1 are refused", () => {
  const { parse } = sharesOr(["uniform"]);
  expect(parse("95,5")).toEqual([0.95, 0.05]);
  expect(parse("1,1,2")).toEqual([0.25, 0.25, 0.5]);
  // Rounded thirds are meant to be thirds.
  for (const share of parse("0.33,0.33,0.33")) expect(share).toBeCloseTo(1 / 3, 12);
  for (const text of ["0.5,0.3,0.3", "0.5,0.3", "0.1,0.1"])
    expect(() => parse(text)).toThrow(/^Expected fractions that sum to 1, found 0\.\d/);
  expect(() => parse("0.5,0.3,0.3")).toThrow("which sum to 1.1.");
});
