// One rank of several that train a model with batch normalisation, a VAE with free bits too, in float64, so that what remains of the number of ranks is the order of
// float64 sums. Rank 0 prints the parameters and running statistics after 50 steps of Adam (Kingma and Ba 2015, algorithm 1).
const [, , dist, kind] = process.argv;
const from = (floor) => import(`${dist}/${floor}/index.js`);
const { build, initialValues, noiseFiller } = await from("compile");
const { loadMnist, minibatches, take } = await from("data");
const { VAE, Autoencoder } = await from("models");
const { connectRanks } = await from("mpi");
const { togetherOf } = await from("optim");
const { grad, isInput, isNoise } = await from("tensor");
const { buildStaged } = await import(`${dist}/optim/staged.js`);

const BATCH = 20;
const { ranks, close } = await connectRanks(process.env);
const options = { shape: [28, 28], hidden: [16], latent: 3, batchNorm: true };
const model = kind === "vae" ? VAE(options) : Autoencoder(options);
const objective = (batch, size = 1) =>
  model.objective({ batch, ranks: size, ...(kind === "vae" && { freeBits: 0.1 }) });
const own = objective(BATCH / ranks.size, ranks.size);
const together = togetherOf(ranks, own, () => objective(BATCH));
const trained = model.parameters.filter(({ tensor }) => tensor.attributes.trainable).map((p) => p.tensor);
const outputs = [...grad(own.loss, trained), ...own.updates.values()];
const program = await (together
  ? buildStaged(outputs, { executor: "host" }, ranks)
  : build(outputs, { executor: "host" }));

const values = new Map(
  model.parameters.map(({ name, tensor }) => [tensor, Float64Array.from(initialValues(tensor, name, 0))]),
);
const fed = new Map(
  program.leaves.filter((leaf) => !values.has(leaf)).map((leaf) => [leaf, new Float32Array(leaf.size)]),
);
const arrayOf = (leaf) => values.get(leaf) ?? fed.get(leaf);
const noise = noiseFiller(
  program.leaves.filter(isNoise),
  arrayOf,
  together && { axes: together.axes, rank: ranks.rank, size: ranks.size },
);
const x = fed.get([...fed.keys()].find(isInput));
const batches = minibatches(take(loadMnist("train"), 500), {
  ...{ batch: BATCH, seed: 0, binarize: "dynamic", ranks },
});
const gradients = trained.map(({ size }) => new Float64Array(size));
const next = [...own.updates.keys()].map(({ size }) => new Float64Array(size));
const first = gradients.map((g) => g.slice());
const second = gradients.map((g) => g.slice());
const run = program.bind(program.leaves.map(arrayOf), [...gradients, ...next]);
for (let step = 0; step < 50; step++) {
  batches.fill(step, x);
  noise(0, step);
  await run();
  for (const [i, buffer] of [...own.updates.keys()].entries()) values.get(buffer).set(next[i]);
  const [c1, c2] = [1 - 0.9 ** (step + 1), 1 - 0.999 ** (step + 1)];
  trained.forEach((tensor, t) => {
    const [v, g, m, s] = [values.get(tensor), gradients[t], first[t], second[t]];
    ranks.sum(g);
    for (let i = 0; i < v.length; i++) {
      g[i] /= ranks.size;
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      s[i] = 0.999 * s[i] + 0.001 * g[i] * g[i];
      v[i] -= (1e-3 * (m[i] / c1)) / (Math.sqrt(s[i] / c2) + 1e-8);
    }
  });
}
if (ranks.rank === 0)
  console.log(JSON.stringify(model.parameters.map(({ name, tensor }) => [name, [...values.get(tensor)]])));
close();
