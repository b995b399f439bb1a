/** A row as every class: log p(x|y) against integrals over the latent variables, and what is drawn. */
import { expect, test } from "vitest";
import { createDataset } from "../../../src/data/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { type SemiSupervisedTrainSettings, TrainedClassifier } from "../../../src/kinds/index.ts";
import { M2, Stacked, VAE } from "../../../src/models/index.ts";
import { concat, reshape } from "../../../src/tensor/index.ts";
import { trainOf } from "../../runs/toys.ts";
import { gaussian, ofRows, valuesOf } from "./known.ts";

const settings = trainOf<SemiSupervisedTrainSettings>("m2", { seed: 3, threads: 1, binarize: "none" });
const CLASSES = ["a", "b", "c"];
const SHARES = [0.5, 0.3, 0.2];
const hot = CLASSES.map((_, k) => CLASSES.map((__, j) => Number(j === k)));
const row = [1, 0];
const one = createDataset({ name: "bits", shape: [2], x: Float32Array.from(row) });
/** Estimates with seeds of their own, and importance samples of each. */
const [ESTIMATES, SAMPLES] = [8, 1500];

/** What the decoder makes of the class: strong, so that the classes differ. */
const byClass = /^decoder.*joint\.second\.weight/;

/** log p(x|y) of M2 by an integral over z, and of M1+M2 over z2 and z1. */
const cases = {
  m2() {
    const model = M2({ features: 2, classes: 3, latent: 1, hidden: [4], classPrior: SHARES });
    const trained = new TrainedClassifier(model, valuesOf(model.parameters, 1, byClass), settings, CLASSES);
    const density = ofRows(trained, (x, y, z) => reshape(model.decode(y, z).logProb(x), [-1, 1]));
    const points = gaussian(0, 1);
    return {
      trained,
      async logLikelihood(k: number): Promise<number> {
        const found = await density(
          points.map(() => row),
          points.map(() => hot[k]),
          points.map(({ z }) => [z]),
        );
        return Math.log(points.reduce((sum, { weight }, i) => sum + weight * Math.exp(found[i][0]), 0));
      },
    };
  },
  m1m2() {
    const m1 = VAE({ shape: [2], latent: 1, hidden: [3], activation: "softplus", likelihood: "bernoulli" });
    const model = Stacked({
      m1,
      frozen: valuesOf(m1.parameters, 0.5, /^decoder/),
      classes: 3,
      latent: 1,
      hidden: [4],
      classPrior: SHARES,
    });
    const trained = new TrainedClassifier(
      model,
      valuesOf(model.parameters, 0.35, byClass),
      settings,
      CLASSES,
    );
    const upper = ofRows(trained, (y, z2) => {
      const z1 = model.m2.decode(y, z2);
      return concat([z1.mean(), z1.variance()], 1);
    });
    const lower = ofRows(trained, (x, z1) => reshape(m1.decode(z1).logProb(x), [-1, 1]));
    const points = gaussian(0, 1);
    return {
      trained,
      async logLikelihood(k: number): Promise<number> {
        const given = await upper(
          points.map(() => hot[k]),
          points.map(({ z }) => [z]),
        );
        const inner = points.flatMap(({ weight }, i) =>
          gaussian(given[i][0], Math.sqrt(given[i][1])).map((point) => ({
            z: point.z,
            weight: weight * point.weight,
          })),
        );
        const found = await lower(
          inner.map(() => row),
          inner.map(({ z }) => [z]),
        );
        return Math.log(inner.reduce((sum, { weight }, i) => sum + weight * Math.exp(found[i][0]), 0));
      },
    };
  },
};

test.each(["m2", "m1m2"] as const)(
  "%s: log p(x|y) is the integral, and log p(x) sums over classes",
  async (name) => {
    const { trained, logLikelihood } = cases[name]();
    const { model, parameters } = trained;
    const found: number[][] = [];
    for (let seed = 0; seed < ESTIMATES; seed++) {
      const again = new TrainedClassifier(model, parameters, { ...settings, seed }, CLASSES);
      found.push((await again.byClass(one, SAMPLES)).logLikelihoods.map(Math.exp));
    }
    const expected: number[] = [];
    for (const k of CLASSES.keys()) {
      expected.push(Math.exp(await logLikelihood(k)));
      const mean = found.reduce((sum, each) => sum + each[k], 0) / ESTIMATES;
      const spread = found.reduce((sum, each) => sum + (each[k] - mean) ** 2, 0) / (ESTIMATES - 1);
      const error = Math.sqrt(spread / ESTIMATES);
      // t with seven degrees of freedom, beyond 6: 5 · 10⁻⁴, three classes, two models, one fixed seed.
      expect(Math.abs(mean - expected[k]), `class ${k}: ${mean} for ${expected[k]}`).toBeLessThan(6 * error);
      expect(error / mean).toBeLessThan(0.03);
    }
    // A mix-up of classes would be seen in M2; both models share what adds up.
    if (name === "m2") expect(Math.max(...expected) / Math.min(...expected)).toBeGreaterThan(1.06);
    const { logLikelihoods, logEvidence, drawn } = await trained.byClass(one, SAMPLES);
    const total = Math.log(SHARES.reduce((sum, share, k) => sum + share * Math.exp(logLikelihoods[k]), 0));
    expect(logEvidence).toBeCloseTo(total, 5);

    const { predicted } = await trained.classify(one);
    const [style] = await ofRows(trained, (x, y) => trained.styleOf(x, y).mean())([row], [hot[predicted[0]]]);
    const means = await ofRows(trained, (y, z) => model.decode(y, z).mean())(
      hot,
      hot.map(() => style),
    );
    for (const [i, value] of means.flat().entries()) expect(drawn[i]).toBeCloseTo(value, 5);
  },
);

test("bounds of rows have the bound as their mean; more than one row has no answer by class", async () => {
  const { trained } = cases.m2();
  const rows = createDataset({ name: "bits", shape: [2], x: Float32Array.of(0, 0, 0, 1, 1, 0) });
  const bounds = await trained.bounds(rows);
  expect(bounds.reduce((a, b) => a + b, 0) / 3).toBeCloseTo(await trained.bound(rows), 6);
  await expect(trained.byClass(rows)).rejects.toThrow(UsageError);
  await expect(trained.byClass(one, 0)).rejects.toThrow(UsageError);
  const { logEvidence } = await trained.byClass(one, SAMPLES);
  // The bound is below log p(x) on average; one draw of it is not far above.
  expect((await trained.bounds(one))[0]).toBeLessThan(logEvidence + 1);
});
