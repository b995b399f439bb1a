import { expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { VAE } from "../../src/models/index.ts";
import { adam, compileStep, schedules } from "../../src/optim/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { mean } from "../../src/tensor/index.ts";
import { eigenvalues } from "./eigenvalues.ts";

const ROWS = 2000;
const FEATURES = 10;
const LATENT = 3;

/** x = W z + μ + ε with three factors of different strength. */
const data = (() => {
  const draw = (count: number, site: string) => {
    const out = new Float64Array(count);
    fillNormal(out, stream(1, site));
    return out;
  };
  const w = draw(FEATURES * LATENT, "w").map((v, i) => v * [1.5, 1, 0.6][i % LATENT]);
  const z = draw(ROWS * LATENT, "z");
  const noise = draw(ROWS * FEATURES, "noise");
  return Float32Array.from({ length: ROWS * FEATURES }, (_, n) => {
    const [i, j] = [Math.floor(n / FEATURES), n % FEATURES];
    let v = 0.5 * noise[n] + (j - 4) / 4;
    for (let k = 0; k < LATENT; k++) v += w[j * LATENT + k] * z[i * LATENT + k];
    return v;
  });
})();

/**
 * The largest log likelihood that probabilistic PCA can have, nats per datum (Tipping and Bishop 1999, eqs. 4, 7, 8): with
 * eigenvalues λ of the sample covariance, σ² the mean of those left out, −½ (d ln 2π + Σ ln λ + (d − q) ln σ² + d).
 */
function bestLogLikelihood(): number {
  const centre = Array.from({ length: FEATURES }, (_, j) => {
    let total = 0;
    for (let i = 0; i < ROWS; i++) total += data[i * FEATURES + j];
    return total / ROWS;
  });
  const covariance = centre.map((mj, j) =>
    centre.map((mk, k) => {
      let total = 0;
      for (let i = 0; i < ROWS; i++) total += (data[i * FEATURES + j] - mj) * (data[i * FEATURES + k] - mk);
      return total / ROWS;
    }),
  );
  const values = eigenvalues(covariance);
  const rest = values.slice(LATENT);
  const variance = rest.reduce((a, b) => a + b, 0) / rest.length;
  const logDet =
    values.slice(0, LATENT).reduce((t, v) => t + Math.log(v), 0) + rest.length * Math.log(variance);
  return -0.5 * (FEATURES * Math.log(2 * Math.PI) + logDet + FEATURES);
}

test("a linear-Gaussian VAE reaches the exact maximum likelihood of probabilistic PCA within 0.05 nats", async () => {
  const vae = VAE({ shape: [FEATURES], latent: LATENT, hidden: [], likelihood: "gaussian" });
  expect(vae.parameters.map(({ name, tensor }) => [name, tensor.shape])).toEqual([
    ["encoder.mean.weight", [FEATURES, LATENT]],
    ["encoder.mean.bias", [LATENT]],
    ["encoder.logVariance.weight", [FEATURES, LATENT]],
    ["encoder.logVariance.bias", [LATENT]],
    ["decoder.layers.0.weight", [LATENT, FEATURES]],
    ["decoder.layers.0.bias", [FEATURES]],
    ["likelihood.logScale", [1]],
  ]);
  const steps = 3000;
  const step = await compileStep(
    vae.objective({ batch: ROWS }),
    vae.parameters,
    adam({ learningRate: schedules.cosine({ peak: 0.1, steps }) }),
    { seed: 0, threads: 1 },
  );
  step.input("x").set(data);
  for (let i = 0; i < steps; i++) await step.run(i);

  // The ELBO at the end, over 100 draws of z for each row.
  const parameters = new Map(vae.parameters.map(({ name, tensor }) => [tensor, step.value(name)]));
  const f = compile((x) => mean(vae.elbo(x, { samples: 20 }).elbo), { parameters, threads: 1, seed: 9 });
  const x = new ArrayValue([ROWS, FEATURES], "float32", data);
  const draws: number[] = [];
  for (let i = 0; i < 5; i++) draws.push((await f(x)).item());
  const elbo = draws.reduce((a, b) => a + b, 0) / draws.length;

  const best = bestLogLikelihood();
  // A draw of ‖ε‖²/2σ² has a standard deviation of about 2 nats for a datum: 0.005 over 2000 · 100 of them.
  expect(elbo).toBeLessThan(best + 0.02);
  expect(elbo).toBeGreaterThan(best - 0.05);
});
