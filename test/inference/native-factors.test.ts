/** Programs with Cholesky factors and triangular systems, trained natively. */
import { expect, test } from "vitest";

import { HalfNormal, LKJCholesky, LogNormal, MultivariateNormal } from "../../src/distributions/index.ts";
import { autoNormal, svi } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { cholesky, eye, tensor } from "../../src/tensor/index.ts";

const rows = [
  [0.3, 1.1],
  [-0.4, 0.2],
  [1.9, 2.2],
  [-1.2, -0.7],
];

const correlated = model(({ sample, observe, plate }) => {
  const scales = sample("scales", HalfNormal(2).expand([2]).toEvent(1));
  const factor = sample("factor", LKJCholesky(2, 2));
  plate("row", 4, () => {
    observe("y", MultivariateNormal([0, 0], { scaleTril: scales.unsqueeze(-1).mul(factor) }), rows);
  });
});

const places = [0, 0.3, 1, 1.4, 2.2, 3];
const curve = model(({ sample, observe }) => {
  const length = sample("length", LogNormal(0, 0.5));
  const noise = sample("noise", HalfNormal(1));
  const x = tensor(places).unsqueeze(-1);
  const gaps = x.sub(x.transpose()).div(length).square();
  const covariance = gaps
    .mul(-0.5)
    .exp()
    .add(eye(6).mul(noise.square().add(0.05)));
  observe(
    "y",
    MultivariateNormal([0, 0, 0, 0, 0, 0], { scaleTril: cholesky(covariance) }),
    [0.1, 0.4, 0.9, 1.1, 0.7, 0.2],
  );
});

test.each([
  ["a multivariate normal with an LKJ factor", correlated],
  ["a Gaussian process", curve],
] as const)("%s is fitted natively, to the host's bound", async (_, program) => {
  const bounds = await Promise.all(
    (["host", "native"] as const).map(async (executor) => {
      const elbo: number[] = [];
      await svi(program, autoNormal(program)).run([], {
        steps: 40,
        seed: 3,
        executor,
        threads: 1,
        onStep: (info) => elbo.push(info.elbo),
      });
      return elbo;
    }),
  );
  const [host, native] = bounds;
  expect(host).toHaveLength(40);
  // The same noise; float32 against float64, whose differences 40 steps may enlarge.
  host.forEach((v, i) => {
    expect(Math.abs(native[i] - v) / Math.max(1, Math.abs(v)), `step ${i}`).toBeLessThan(2e-3);
  });
});
