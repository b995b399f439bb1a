/** Run in Node and in a page: `t` is the library. Each is sent to the page as its source, so it names nothing outside itself. */
type Door = typeof import("../../src/public/browser.ts");

export async function digits(t: Door) {
  const rows = 256;
  const x = new Float32Array(rows * 64);
  for (let i = 0; i < x.length; i++)
    x[i] = (Math.imul(i + 1, 2654435761) >>> 28) % 3 === 0 || i % 8 === (i >> 6) % 8 ? 1 : 0;
  const data = t.createDataset({ name: "stripes", x, shape: [8, 8] });
  const vae = t.VAE({ shape: [8, 8], latent: 4, hidden: [32] });
  const { trainer } = await t.compileTraining(vae, data, { epochs: 10, batch: 64, lr: 1e-2, seed: 0 });
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) losses.push((await trainer.next()).loss);
  return { losses };
}

export async function eightSchools(t: Door, workers: number) {
  const effects = [28, 8, -3, 7, -1, 1, 18, 12];
  const errors = [15, 10, 16, 11, 9, 11, 10, 18];
  const schools = t.model(({ sample, observe }) => {
    const mu = sample("mu", t.Normal(0, 5));
    const tau = sample("tau", t.HalfCauchy(5));
    const z = sample("z", t.Normal(t.tensor(new Array(8).fill(0)), 1).toEvent(1));
    observe("y", t.Normal(mu.add(z.mul(tau)), t.tensor(errors)).toEvent(1), effects);
  });
  const run = await t.nuts(schools).run([], { chains: 4, draws: 500, seed: 0, workers });
  const table = t.summary(run);
  return { mean: table.rows[0].mean, sd: table.rows[0].sd };
}
