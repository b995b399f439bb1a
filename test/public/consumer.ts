/** A project that uses the package: compiled and run against the packed package by `tarball.test.ts`. It uses every door. */
import {
  compile,
  createDataset,
  model,
  Normal,
  nuts,
  summary,
  svi,
  train,
  UsageError,
  VAE,
} from "tightbound";
import { stream } from "tightbound/data";
import { constraints, type Distribution, StudentT, transforms } from "tightbound/distributions";
import { autoFullRankNormal, type SviOptions } from "tightbound/inference";
import { essBulk, type NutsOptions } from "tightbound/mcmc";
import { knn } from "tightbound/models";
import { initializers } from "tightbound/nn";
import { type Schedule, schedules } from "tightbound/optim";
import { imageGrid } from "tightbound/report";
import type { TrainInput } from "tightbound/runs";
import { ArrayValue, type Shape, type Tensor } from "tightbound/tensor";

const y = [1.2, 0.3, 2.1, -0.4, 1.5];
const mean = model(({ sample, observe, plate }) => {
  const mu = sample("mu", Normal(0, 1));
  plate("data", y.length, () => observe("y", Normal(mu, 1), y));
});

const options: SviOptions = { bound: "elbo", seed: 0 };
const fit = await svi(mean, autoFullRankNormal(mean)).run([], { ...options, steps: 200 });
const chains: NutsOptions = { maxTreeDepth: 8 };
const posterior = await nuts(mean, chains).run([], { chains: 2, draws: 100, seed: 0 });
const { rows: table } = summary(posterior);

// The native executor, which is what the installation may have broken.
const norm = compile((x: Tensor) => x.mul(x).sum(), { executor: "native" });
const shape: Shape = [3];
const squares = await norm(new ArrayValue(shape, "float32", new Float32Array([1, 2, 3])));

const rows = 40;
const pixels = createDataset({ name: "grey", x: new Float32Array(rows * 16).fill(0.5), rows, shape: [4, 4] });
const input: TrainInput = { epochs: 1, batch: 20, seed: 0, binarize: "dynamic" };
const vae = VAE({ shape: pixels.shape, latent: 2, hidden: [8] });
const trained = await train(vae, pixels, input);
const { elbo } = await trained.evaluate(pixels);

const rate: Schedule = schedules.constant(0.1);
const heavy: Distribution = StudentT(3, 0, 1);
let refused = "";
try {
  Normal(0, -1);
} catch (error) {
  if (error instanceof UsageError) refused = error.name;
}

export const result = {
  values: [...fit.values.keys()].length,
  draws: table.map(({ name }) => name),
  squares: Number(squares.data[0]),
  elbo: Number.isFinite(elbo),
  names: [constraints.real.name, transforms.exp.name, heavy.constructor.name, initializers.zeros.name],
  functions: [essBulk, knn, imageGrid, stream].map((f) => typeof f),
  rate: rate(0),
  refused,
};
