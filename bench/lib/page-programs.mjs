/** Run in Node and in a page: `t` is the library. Each is sent to the page as its source, so it names nothing outside itself. */

/** A VAE of 784-400-20 on made-up images: resolves to a function that takes steps and resolves to the last loss. */
export const vaeSteps = async (t) => {
  const rows = 2560;
  const x = new Uint8Array(rows * 784);
  for (let i = 0; i < x.length; i++) x[i] = (Math.imul(i + 1, 2654435761) >>> 24) & (i % 3 === 0 ? 255 : 0);
  const data = t.createDataset({ name: "made up", x, scale: 1 / 255, shape: [28, 28] });
  const vae = t.VAE({ shape: [28, 28], latent: 20, hidden: [400] });
  const settings = { epochs: 1000, batch: 128, lr: 1e-3, seed: 0, threads: 1 };
  const { trainer } = await t.compileTraining(vae, data, settings);
  return async () => {
    let loss = Number.NaN;
    for (let i = 0; i < 20; i++) ({ loss } = await trainer.next());
    return loss;
  };
};

const schools = (t) =>
  t.model(({ sample, observe }) => {
    const effects = [28, 8, -3, 7, -1, 1, 18, 12];
    const errors = [15, 10, 16, 11, 9, 11, 10, 18];
    const mu = sample("mu", t.Normal(0, 5));
    const tau = sample("tau", t.HalfCauchy(5));
    const z = sample("z", t.Normal(t.tensor(new Array(8).fill(0)), 1).toEvent(1));
    observe("y", t.Normal(mu.add(z.mul(tau)), t.tensor(errors)).toEvent(1), effects);
  });

/** Eight schools by NUTS in one thread: 4 chains of 1,000 draws after 1,000 of warm-up. Resolves to the mean of mu. */
export const nutsRun = (t, program) => async () => {
  const run = await t.nuts(program).run([], { chains: 4, draws: 1000, seed: 0, workers: 1 });
  return t.summary(run).rows[0].mean;
};

/** Eight schools by SVI: 5,000 steps with a normal guide. Resolves to the last bound. */
export const sviRun = (t, program) => async () => {
  const { elbo } = await t.svi(program, t.autoNormal(program)).run([], { steps: 5000, seed: 0 });
  return elbo[elbo.length - 1];
};

/** The tasks by name, each a function that resolves to a figure that Node and the page must agree on. */
export const tasksOf = async (t) => ({
  vae: await vaeSteps(t),
  nuts: nutsRun(t, schools(t)),
  svi: sviRun(t, schools(t)),
});

/** The source of {@link tasksOf} and of what it needs, for a page. */
export const source = () =>
  [
    `const vaeSteps = ${vaeSteps};`,
    `const schools = ${schools};`,
    `const nutsRun = ${nutsRun};`,
    `const sviRun = ${sviRun};`,
    `const tasksOf = ${tasksOf};`,
  ].join("\n");
