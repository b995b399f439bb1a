import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { initialValues } from "../../../src/compile/leaves.ts";
import { binarize, createDataset, take } from "../../../src/data/index.ts";
import { ShapeError, UsageError } from "../../../src/errors.ts";
import {
  ACTIVE_UNIT_THRESHOLD,
  Trained,
  type TrainSettings,
  vaeEvaluator,
} from "../../../src/kinds/index.ts";
import { Autoencoder, type ParameterValues, VAE, type Vae } from "../../../src/models/index.ts";
import { fillNormal, fillUniform, stream } from "../../../src/random/index.ts";
import { train } from "../../../src/runs/index.ts";
import { isParameter } from "../../../src/tensor/leaf.ts";
import { bars, data, trainOf } from "../../runs/toys.ts";

/** p(x|z) = N(z·w + b, 1), q(z|x) = N(0.4 x₀, e⁻¹) …: a linear VAE with the numbers that we give it. */
const vae = VAE({ shape: [2], latent: 1, hidden: [], likelihood: "gaussian" });
const weights: Readonly<Record<string, readonly number[]>> = {
  "encoder.mean.weight": [0.4, -0.1],
  "encoder.mean.bias": [0.1],
  "encoder.logVariance.weight": [0, 0],
  "encoder.logVariance.bias": [-1],
  "decoder.layers.0.weight": [1, -0.5],
  "decoder.layers.0.bias": [0.2, 0],
  "likelihood.logScale": [0],
};
const parameters: ParameterValues = new Map(
  vae.parameters.map(({ name, tensor }) => [tensor, Float32Array.from(weights[name])]),
);
const ROWS = 1203;
const rows = (() => {
  const x = new Float32Array(2 * ROWS);
  fillNormal(x, stream(3, "rows"));
  return createDataset({ name: "rows", shape: [2], x });
})();

/** log N(x; b, wwᵀ + I), exact. */
function logEvidence(i: number): number {
  const [w0, w1] = weights["decoder.layers.0.weight"];
  const [d0, d1] = [rows.x[2 * i] - 0.2, rows.x[2 * i + 1]];
  const [a, b, c] = [w0 * w0 + 1, w0 * w1, w1 * w1 + 1];
  const det = a * c - b * b;
  return (
    -Math.log(2 * Math.PI) - 0.5 * Math.log(det) - (c * d0 * d0 - 2 * b * d0 * d1 + a * d1 * d1) / (2 * det)
  );
}
const mean = (f: (i: number) => number, n = ROWS) =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((s, v) => s + v, 0) / n;
const posteriorMean = (i: number) => 0.4 * rows.x[2 * i] - 0.1 * rows.x[2 * i + 1] + 0.1;
const S2 = Math.exp(-1);

describe("evaluating a VAE whose every term is known", () => {
  const evaluator = vaeEvaluator(vae, parameters, { threads: 1, seed: 2 });

  test("terms are means over all rows, the last, shorter chunk included", async () => {
    const found = await evaluator.evaluate(rows);
    const kl = mean((i) => 0.5 * (posteriorMean(i) ** 2 + S2 - 1 + 1));
    // E over q of the two squares: (x − b − w m)² + w² s².
    const reconstruction = mean((i) => {
      const m = posteriorMean(i);
      const [r0, r1] = [rows.x[2 * i] - 0.2 - m, rows.x[2 * i + 1] + 0.5 * m];
      return -Math.log(2 * Math.PI) - 0.5 * (r0 * r0 + r1 * r1 + 1.25 * S2);
    });
    expect(found.kl).toBeCloseTo(kl, 5);
    expect(found.klPerDimension).toEqual([expect.closeTo(kl, 5)]);
    // One draw a row: the quadratic's standard deviation is below 2, so 4 standard errors over 1203 rows are 0.23.
    expect(Math.abs(found.reconstruction - reconstruction)).toBeLessThan(0.23);
    expect(found.elbo).toBe(found.reconstruction - found.kl);
    found.means.forEach((m, i) => {
      expect(m).toBeCloseTo(posteriorMean(i), 5);
    });
    const centre = mean(posteriorMean);
    expect(found.activity[0]).toBeCloseTo(
      mean((i) => (posteriorMean(i) - centre) ** 2),
      5,
    );
    expect([found.activeUnits, found.activity[0] > ACTIVE_UNIT_THRESHOLD]).toEqual([1, true]);
  });

  test("twice gives the same numbers; another seed others", async () => {
    const first = await evaluator.evaluate(rows);
    expect(await evaluator.evaluate(rows)).toEqual(first);
    const other = await vaeEvaluator(vae, parameters, { threads: 1, seed: 3 }).evaluate(rows);
    expect(other.reconstruction).not.toBe(first.reconstruction);
    expect(other.kl).toBe(first.kl);
  });

  test("the log-likelihood is the exact one, with bounds below it in order", async () => {
    const count = 303;
    const done: [number, number][] = [];
    const found = await evaluator.logLikelihood(rows, {
      samples: 500,
      rows: count,
      bounds: [1, 5, 50],
      onRows: (n, of) => void done.push([n, of]),
    });
    expect([found.rows, found.importanceSamples]).toEqual([count, 500]);
    expect(done).toEqual([
      [100, 303],
      [200, 303],
      [300, 303],
      [303, 303],
    ]);
    const exact = mean(logEvidence, count);
    // The weights' relative variance v is below 1 here: bias −v/2K < 0.001, standard error √(v/(K · rows)) < 0.003.
    expect(Math.abs(found.logLikelihood - exact)).toBeLessThan(4 * 0.003 + 0.001);
    const spread = Math.sqrt(mean((i) => (logEvidence(i) - exact) ** 2, count) / (count - 1));
    expect(found.standardError / spread).toBeCloseTo(1, 1);
    expect(found.bounds[1]).toBeLessThan(found.bounds[5]);
    expect(found.bounds[5]).toBeLessThan(found.bounds[50]);
    expect(found.bounds[50]).toBeLessThanOrEqual(found.logLikelihood);
    const { elbo } = await evaluator.evaluate(take(rows, count));
    // k = 1 is the Monte Carlo ELBO of 500 draws a row, the other of one: 4 standard errors of 2/√303.
    expect(Math.abs(found.bounds[1] - elbo)).toBeLessThan(0.46);
  });

  test.each([
    [{ samples: 500, bounds: [7] }, "importance samples: 7 must be a whole number that divides 500."],
    [{ samples: 0 }, "importance samples: 0 must be a whole number that divides 0."],
    [{ samples: 10, bounds: [2.5] }, "importance samples: 2.5 must be a whole number that divides 10."],
    [{ samples: 10, rows: 0 }, "log-likelihood: rows must be a whole number of at least 1, found 0."],
  ])("%o is refused", async (options, message) => {
    await expect(evaluator.logLikelihood(rows, options)).rejects.toThrow(new UsageError(message));
  });
});

const initial = (model: { readonly parameters: Vae["parameters"] }): ParameterValues =>
  new Map(
    model.parameters.map(({ name, tensor }) => {
      if (!isParameter(tensor)) throw new Error(name);
      return [tensor, Float32Array.from(initialValues(tensor, name, 0))] as const;
    }),
  );

describe("Trained", () => {
  const options = { shape: [4, 3], latent: 2, hidden: [8] };
  const settings = trainOf<TrainSettings>("vae", { threads: 1, seed: 5 });
  const model = VAE(options);
  const trained = new Trained(model, initial(model), settings);
  const autoencoder = Autoencoder(options);
  const coder = new Trained(autoencoder, initial(autoencoder), settings);
  const pixels = (() => {
    const out = new Float32Array(36);
    fillUniform(out, stream(0, "pixels"));
    return out;
  })();

  test("held-out data are binarised once where training draws bits, and left alone where it does not", async () => {
    const drawn = binarize(data.test, 5, "binarize/test");
    for (const kind of ["dynamic", "fixed"] as const) {
      const it = new Trained(model, trained.parameters, { ...settings, binarize: kind });
      expect(it.prepare(data.test).x).toEqual(drawn.x);
      expect((await it.evaluate(data.test)).elbo).toBe((await it.evaluate(data.test)).elbo);
    }
    const plain = new Trained(model, trained.parameters, { ...settings, binarize: "none" });
    expect(plain.prepare(data.test)).toBe(data.test);
    expect((await plain.evaluate(drawn)).elbo).toBe((await trained.evaluate(data.test)).elbo);
  });

  test("encode and decode are the model's, for any number of rows", async () => {
    for (const [it, m] of [
      [trained, model],
      [coder, autoencoder],
    ] as const) {
      const f = compile((x) => (m.kind === "vae" ? m.encode(x).mean() : m.encode(x)), {
        parameters: it.parameters,
        threads: 1,
      });
      const nested = [0, 1, 2].map((i) => Array.from(pixels.subarray(12 * i, 12 * i + 12)));
      const z = await it.encode(pixels);
      expect(z).toEqual((await f(nested)).data);
      const one = await it.encode(pixels.slice(12, 24));
      one.forEach((v, j) => {
        expect(v).toBeCloseTo(z[2 + j], 5);
      });
      const p = await it.decode(z);
      expect([p.length, p.every((v) => v > 0 && v < 1)]).toEqual([36, true]);
    }
  });

  test("reconstruct pairs originals with their means", async () => {
    const { originals, reconstructions } = await trained.reconstruct(data.test, [3, 0]);
    const { x } = binarize(data.test, 5, "binarize/test");
    expect(Array.from(originals)).toEqual([...x.subarray(36, 48), ...x.subarray(0, 12)]);
    expect(reconstructions).toEqual(await trained.decode(await trained.encode(originals)));
  });

  test("sample decodes draws from the prior, by seed", async () => {
    const z = new Float32Array(10);
    fillNormal(z, stream(7, "prior/z"));
    expect(await trained.sample(5, 7)).toEqual(await trained.decode(z));
    expect(await trained.sample(5, 8)).not.toEqual(await trained.sample(5, 7));
  });

  test("traverse moves one dimension at a time", async () => {
    const walk = await trained.traverse([1, 0], [-2, 0, 2]);
    expect(walk).toMatchObject({ dimensions: [1, 0], values: [-2, 0, 2] });
    expect(walk.pixels).toEqual(await trained.decode(Float32Array.of(0, -2, 0, 0, 0, 2, -2, 0, 0, 0, 2, 0)));
    expect((await trained.traverse([0])).values.length).toBe(9);
    for (const d of [-1, 2, 0.5]) {
      await expect(trained.traverse([d])).rejects.toThrow(
        new UsageError(`traverse: dimension ${d} is outside 0 to 1.`),
      );
    }
  });

  test("an autoencoder's evaluation has no bound, and says so of what needs one", async () => {
    const found = await coder.evaluate(data.test);
    expect(found.elbo).toBeUndefined();
    expect(found.means.length).toBe(60);
    const f = compile((x) => autoencoder.reconstruction(x), { parameters: coder.parameters, threads: 1 });
    const { x } = coder.prepare(data.test);
    const each = await f(Array.from({ length: 30 }, (_, i) => Array.from(x.subarray(12 * i, 12 * i + 12))));
    expect(found.reconstruction).toBeCloseTo(
      Array.from(each.data, Number).reduce((a, b) => a + b, 0) / 30,
      5,
    );
    await expect(coder.sample(3)).rejects.toThrow(
      new UsageError("an autoencoder is deterministic: it has no prior to sample from. Train a vae instead."),
    );
    await expect(coder.logLikelihood(data.test)).rejects.toThrow(
      "it has no log-likelihood. Train a vae instead.",
    );
  });

  test("rows that are none are refused", async () => {
    await expect(trained.encode(new Float32Array(13))).rejects.toThrow(
      new UsageError("expected whole rows of 12 values, found 13 values."),
    );
    await expect(trained.decode(new Float32Array(0))).rejects.toThrow(UsageError);
  });

  test("data of another shape are refused", async () => {
    const wide = createDataset({ name: "wide", shape: [5], x: new Float32Array(10) });
    await expect(trained.evaluate(wide)).rejects.toThrow(ShapeError);
  });
});

test("the bounds are ordered on a trained model: ELBO ≤ IWAE-5 ≤ IWAE-50 ≤ log-likelihood", async () => {
  const test_ = bars(200, 3);
  const trained = await train(VAE({ shape: [4, 3], latent: 2, hidden: [16] }), bars(400, 2), {
    epochs: 30,
    batch: 50,
    lr: 0.01,
    threads: 1,
  });
  const { elbo } = await trained.evaluate(test_);
  const { bounds, logLikelihood } = await trained.logLikelihood(test_, { samples: 100, bounds: [5, 50] });
  const order = [elbo ?? Number.NaN, bounds[5], bounds[50], logLikelihood];
  expect([...order].sort((a, b) => a - b)).toEqual(order);
});
