/** The information of a row's class about what is drawn, against sums and integrals. */
import { describe, expect, test } from "vitest";
import { createDataset } from "../../../src/data/index.ts";
import type { Distribution } from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { type SemiSupervisedTrainSettings, TrainedClassifier } from "../../../src/kinds/index.ts";
import type { ClassifyingModel } from "../../../src/kinds/m2/trained.ts";
import { M2, Stacked, VAE } from "../../../src/models/index.ts";
import { concat, exp, reshape, type Tensor } from "../../../src/tensor/index.ts";
import { trainOf } from "../../runs/toys.ts";
import { gaussian, ofRows, valuesOf } from "./known.ts";

const settings = trainOf<SemiSupervisedTrainSettings>("m2", { seed: 3, threads: 1, binarize: "none" });
const CLASSES = ["a", "b", "c"];
const x = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1);
const rows = createDataset({ name: "bits", shape: [2], x });
const DRAWS = 1500;

const entropy = (p: readonly number[]) =>
  -p.reduce((sum, one) => sum + (one > 0 ? one * Math.log(one) : 0), 0);

/**
 * The information of weighted cases of p(y), and the standard error of its estimate from `DRAWS` draws of a case. To first order the
 * estimate is the mean of −Σ p log p̄ − H(p) over draws, with p̄ the true mean.
 */
function exact(cases: readonly { readonly weight: number; readonly p: readonly number[] }[]) {
  const mean = CLASSES.map((_, k) => cases.reduce((sum, { weight, p }) => sum + weight * p[k], 0));
  const of = ({ p }: { readonly p: readonly number[] }) =>
    -p.reduce((sum, one, k) => sum + one * Math.log(mean[k] + 1e-300), 0) - entropy(p);
  const value = cases.reduce((sum, one) => sum + one.weight * of(one), 0);
  const variance = cases.reduce((sum, one) => sum + one.weight * (of(one) - value) ** 2, 0);
  return { value, error: Math.sqrt(variance / DRAWS) };
}

const trainedOf = (model: ClassifyingModel, size?: number) =>
  new TrainedClassifier(model, valuesOf(model.parameters, size), settings, CLASSES);

const row = (i: number) => [x[2 * i], x[2 * i + 1]];

/** p(y) in every case of what is drawn for a row, with the weight of the case. */
type Cases = (i: number) => Promise<readonly { weight: number; p: readonly number[] }[]>;

const moments = (q: Distribution): Tensor => concat([q.mean(), q.variance()], 1);

function ofCodes(): { trained: TrainedClassifier; cases: Cases } {
  const m1 = VAE({ shape: [2], latent: 2, hidden: [3], activation: "softplus", likelihood: "bernoulli" });
  const model = Stacked({
    m1,
    frozen: valuesOf(m1.parameters, 0.3),
    active: [1],
    classes: 3,
    latent: 1,
    hidden: [4],
  });
  const trained = trainedOf(model, 2);
  const posterior = ofRows(trained, (seen) => moments(m1.encode(seen)));
  const classify = ofRows(trained, (z1) => exp(model.m2.classify(z1)));
  return {
    trained,
    async cases(i) {
      const [[, mean, , variance]] = await posterior([row(i)]);
      const points = gaussian(mean, Math.sqrt(variance));
      const ps = await classify(points.map(({ z }) => [z]));
      return points.map(({ weight }, j) => ({ weight, p: ps[j] }));
    },
  };
}

function ofDropout(): { trained: TrainedClassifier; cases: Cases } {
  const [hidden, rate] = [3, 0.4];
  const model = M2({
    features: 2,
    classes: 3,
    latent: 1,
    hidden: [hidden],
    dropout: rate,
    inputDropout: 0.2,
  });
  const trained = trainedOf(model);
  const named = (name: string): Float32Array => {
    const found = model.parameters.find((one) => one.name === name);
    if (found === undefined) throw new Error(model.parameters.map((one) => one.name).join());
    return trained.parameters.get(found.tensor) ?? new Float32Array();
  };
  const [w1, b1, w2, b2] = ["0.weight", "0.bias", "2.weight", "2.bias"].map((name) =>
    named(`discriminator.layers.${name}`),
  );
  return {
    trained,
    async cases(i) {
      const all: { weight: number; p: readonly number[] }[] = [];
      // Every choice of dropped inputs and units, by hand.
      for (let mask = 0; mask < 2 ** (2 + hidden); mask++) {
        const kept = (unit: number) => (mask >> unit) & 1;
        const inputs = row(i).map((value, j) => (value * kept(j)) / 0.8);
        const units = Array.from({ length: hidden }, (_, u) => {
          const sum = inputs.reduce((total, value, j) => total + value * w1[j * hidden + u], b1[u]);
          return (Math.log1p(Math.exp(sum)) * kept(2 + u)) / (1 - rate);
        });
        const scores = CLASSES.map((_, k) =>
          units.reduce((total, value, u) => total + value * w2[u * 3 + k], b2[k]),
        );
        const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
        const weight = Array.from({ length: 2 + hidden }, (_, unit) => {
          const drop = unit < 2 ? 0.2 : rate;
          return kept(unit) ? 1 - drop : drop;
        }).reduce((a, b) => a * b, 1);
        all.push({ weight, p: scores.map((score) => Math.exp(score) / total) });
      }
      return all;
    },
  };
}

function ofStyle(): { trained: TrainedClassifier; cases: Cases } {
  const shares = [0.5, 0.3, 0.2];
  const model = M2({ features: 2, classes: 3, latent: 1, hidden: [4], classPrior: shares });
  const trained = trainedOf(model);
  const hot = CLASSES.map((_, k) => CLASSES.map((__, j) => Number(j === k)));
  const classify = ofRows(trained, (seen) => exp(model.classify(seen)));
  const posterior = ofRows(trained, (seen, y) => moments(model.encode(seen, y)));
  const density = ofRows(trained, (seen, y, z) => reshape(model.decode(y, z).logProb(seen), [-1, 1]));
  return {
    trained,
    async cases(i) {
      const all: { weight: number; p: readonly number[] }[] = [];
      const [q] = await classify([row(i)]);
      for (const [k, y] of hot.entries()) {
        const [[mean, variance]] = await posterior([row(i)], [y]);
        const points = gaussian(mean, Math.sqrt(variance));
        const z = points.map((point) => [point.z]);
        const densities: number[][][] = [];
        for (const given of hot)
          densities.push(
            await density(
              z.map(() => row(i)),
              z.map(() => given),
              z,
            ),
          );
        points.forEach(({ weight }, j) => {
          const logs = shares.map((share, c) => Math.log(share) + densities[c][j][0]);
          const joint = logs.map((one) => Math.exp(one - Math.max(...logs)));
          const total = joint.reduce((a, b) => a + b, 0);
          all.push({ weight: weight * q[k], p: joint.map((one) => one / total) });
        });
      }
      return all;
    },
  };
}

describe.each([
  ["draws of M1's latent variable", ofCodes],
  ["dropped units", ofDropout],
  ["draws of the style, by Bayes' rule", ofStyle],
])("%s", (_, make) => {
  test("the information is that of all cases, within five standard errors", async () => {
    const { trained, cases } = make();
    const found = await trained.information(rows, DRAWS);
    expect(found).toHaveLength(rows.rows);
    let most = 0;
    for (let i = 0; i < rows.rows; i++) {
      const { value, error } = exact(await cases(i));
      // Four rows and three models: a false alarm in 10⁵ runs. The term of second order is below classes / draws.
      expect(Math.abs(found[i] - value), `row ${i}: ${found[i]} for ${value}`).toBeLessThan(
        5 * error + CLASSES.length / DRAWS,
      );
      most = Math.max(most, value);
    }
    // The case tells something: without draws it would be 0.
    expect(most).toBeGreaterThan(0.03);
  });
});

test("where nothing is drawn that matters it is 0; too few draws are refused", async () => {
  const model = M2({ features: 2, classes: 3, latent: 1, hidden: [4] });
  const still = new TrainedClassifier(
    model,
    new Map(model.parameters.map(({ tensor: leaf }) => [leaf, new Float32Array(leaf.size)])),
    settings,
    CLASSES,
  );
  for (const value of await still.information(rows, 4)) expect(Math.abs(value)).toBeLessThan(1e-6);
  await expect(still.information(rows, 1)).rejects.toThrow(UsageError);
});
