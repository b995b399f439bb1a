// One rank of several, which does one thing after the other, because processes take long to start: a fit by `svi` with minibatches, with a latent
// variable of all rows and one of each; parts; chains; and the command lines that are given. Rank 0 prints what was found.
import { chainsOf } from "./chains.mjs";
import { partsOf } from "./parts.mjs";

const [, , dist, ...commands] = process.argv;
const { connectRanks } = await import(`${dist}/public/runs.js`);
const { input, mul, zeros } = await import(`${dist}/public/tensor.js`);
const { model, svi, mlp, initializers, Normal } = await import(`${dist}/public/tightbound.js`).then(
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
// A network whose layer normalises over the minibatch, and dimensions whose divergence is held up.
const network = mlp({ inputs: 3, hidden: [8], outputs: 2, activation: "relu", batchNorm: true });
const deep = model(({ sample, observe, plate, param }, rows) => {
  const weights = param("weights", [2, 3], initializers.heNormal);
  plate(
    "row",
    80,
    () => {
      const own = sample("own", Normal(zeros([rows.shape[0], 2]), 1).toEvent(1));
      observe("x", Normal(own.matmul(weights), 1).toEvent(1), rows);
    },
    { rows: rows.shape[0] },
  );
});
const amortised = model(({ sample, plate, module, layers }, rows) => {
  module("network", network);
  plate("row", 80, () => sample("own", Normal(network.apply(rows, layers), 0.7).toEvent(1)), {
    rows: rows.shape[0],
  });
});
const deepFit = await svi(deep, amortised).run([input("x", [16, 3])], {
  ...{ steps: 50, seed: 0, ranks, freeBits: 0.3 },
  feed: (step, i) => batches.fill(i, step.input("x")),
});
const parts = ranks.size === 1 ? [] : ranks.gather(JSON.stringify(await partsOf(dist, ranks)));
const chains = ranks.gather(JSON.stringify(await chainsOf(dist, ranks)));
const { runProgram } = await import(`${dist}/cli/program.js`);
const silent = { write: () => true };
const ended = [];
for (const command of commands) {
  let err = "";
  const code = await runProgram(
    command.split(" "),
    {
      out: silent,
      err: {
        write(text) {
          err += text;
        },
      },
    },
    ranks,
  );
  // Every rank ends alike.
  ended.push({ codes: ranks.gather(String(code)), err });
}
if (ranks.rank === 0)
  console.log(
    JSON.stringify({
      fit: [...fit.values].map(([name, v]) => [name, [...v]]),
      normalised: [...deepFit.values].map(([name, v]) => [name, [...v]]),
      parts: parts.map((text) => JSON.parse(text)),
      chains,
      ended,
    }),
  );
close();
