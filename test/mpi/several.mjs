// One rank of several trainings, one after the other: a fit by `svi` with minibatches, with a latent variable of all rows and one of each, and
// the command lines that are given. Rank 0 prints the parameters of the fit.
const [, , dist, ...commands] = process.argv;
const { connectRanks } = await import(`${dist}/public/runs.js`);
const { input, mul } = await import(`${dist}/public/tensor.js`);
const { model, svi, initializers, Normal } = await import(`${dist}/public/tightbound.js`).then(
  async (all) => ({
    ...(await import(`${dist}/public/nn.js`)),
    ...(await import(`${dist}/public/distributions.js`)),
    ...all,
  }),
);
const { minibatches, createDataset } = await import(`${dist}/public/data.js`);
const { ranks, close } = await connectRanks(process.env);
const x = new Float32Array(240);
for (let i = 0; i < x.length; i++) x[i] = Math.sin(i) + 1.5;
const data = createDataset({ name: "x", kind: "features", shape: [3], rows: 80, x });
const program = model(({ sample, observe, plate }, rows) => {
  const centre = sample("centre", Normal(0, 3));
  plate(
    "row",
    80,
    () => {
      const own = sample("own", Normal(centre, 1));
      observe("x", Normal(mul(own.reshape([-1, 1]), [[1, 2, 0.5]]), 1).toEvent(1), rows);
    },
    { rows: rows.shape[0] },
  );
});
const guide = model(({ sample, param, plate }, rows) => {
  sample(
    "centre",
    Normal(param("mean", [], initializers.zeros), { logScale: param("log scale", [], initializers.zeros) }),
  );
  const slope = param("slope", [3, 1], initializers.zeros);
  plate("row", 80, () => sample("own", Normal(rows.matmul(slope).reshape([-1]), 0.7)), {
    rows: rows.shape[0],
  });
});
const batches = minibatches(data, { batch: 16, seed: 0, ranks });
const fit = await svi(program, guide).run([input("x", [16, 3])], {
  steps: 50,
  seed: 0,
  ranks,
  feed: (step, i) => batches.fill(i, step.input("x")),
});
if (ranks.rank === 0) console.log(JSON.stringify([...fit.values].map(([name, v]) => [name, [...v]])));
const { runProgram } = await import(`${dist}/cli/program.js`);
const silent = { write: () => true };
for (const command of commands) {
  const terminal = { out: silent, err: ranks.rank === 0 ? process.stderr : silent };
  process.exitCode = await runProgram(command.split(" "), terminal, ranks);
  if (process.exitCode !== 0) break;
}
close();
