/** Run in Node and in a page: `t` is the library. Each is sent to the page as its source, so it names nothing outside itself. */
type Door = typeof import("../../src/public/browser.ts");
type Ops = typeof import("../../src/public/tensor.ts");
type Tensor = import("../../src/public/tensor.ts").Tensor;

export async function digits(t: Door, threads?: number) {
  const rows = 256;
  const x = new Float32Array(rows * 64);
  for (let i = 0; i < x.length; i++)
    x[i] = (Math.imul(i + 1, 2654435761) >>> 28) % 3 === 0 || i % 8 === (i >> 6) % 8 ? 1 : 0;
  const data = t.createDataset({ name: "stripes", x, shape: [8, 8] });
  const vae = t.VAE({ shape: [8, 8], latent: 4, hidden: [32] });
  const { trainer } = await t.compileTraining(vae, data, {
    epochs: 10,
    batch: 64,
    lr: 1e-2,
    seed: 0,
    ...(threads && { threads }),
  });
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) losses.push((await trainer.next()).loss);
  return { losses };
}

/**
 * Products and functions natively in this page, against the host: the largest error, as a share of what roundings explain. Each of k sums rounds by half a unit
 * of at most k, and the functions together have a slope below 2.
 */
export async function float32(t: Ops) {
  let worst = 0;
  for (const [m, k, n] of [
    [4, 128, 8],
    [7, 1030, 9],
    [195, 40, 21],
    [12, 515, 400],
  ])
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) {
        const values = (rows: number, columns: number, seed: number) =>
          Array.from({ length: rows }, (_, i) =>
            Array.from({ length: columns }, (_, j) => Math.fround(Math.sin(seed + 1.7 * i + 0.3 * j * j))),
          );
        const x = transposeA ? values(k, m, 1) : values(m, k, 1);
        const y = transposeB ? values(n, k, 2) : values(k, n, 2);
        const fn = (a: Tensor, b: Tensor) => {
          const product = t.matmul(a, b, { transposeA, transposeB });
          return {
            product,
            functions: t.add(t.softplus(product), t.add(t.sigmoid(product), t.tanh(product))),
          };
        };
        const native = await t.compile(fn, { threads: 1 })(x, y);
        const host = await t.compile(fn, { executor: "host" })(x, y);
        for (const what of ["product", "functions"] as const)
          native[what].data.forEach((a, i) => {
            worst = Math.max(worst, Math.abs(Number(a) - Number(host[what].data[i])) / (k * k * 2 ** -23));
          });
      }
  return worst;
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
