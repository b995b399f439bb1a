// One rank of a training that several share: images per second, and the part of a step that goes into sums over ranks. Rank 0 prints them.
import { loadMnist } from "../../dist/public/data.js";
import { compileTraining, connectRanks } from "../../dist/public/runs.js";
import { VAE } from "../../dist/public/tightbound.js";

const [hidden, latent, batch, steps] = process.argv.slice(2);
const WARM = 10;
const { ranks, close } = await connectRanks(process.env);
let summing = 0;
const timed = {
  ...ranks,
  sum(values) {
    const since = performance.now();
    ranks.sum(values);
    summing += performance.now() - since;
  },
};
const widths = hidden.split(",").map(Number);
const vae = VAE({ shape: [28, 28], latent: Number(latent), hidden: widths });
const rows = Number(batch) * ranks.size;
const { trainer } = await compileTraining(
  vae,
  loadMnist("train"),
  { batch: rows, epochs: 1000, binarize: "dynamic", lr: 1e-3, seed: 0, threads: 1 },
  { ranks: timed },
);
for (let i = 0; i < WARM; i++) await trainer.next();
ranks.barrier();
summing = 0;
const since = performance.now();
let loss;
for (let i = 0; i < Number(steps); i++) ({ loss } = await trainer.next());
const took = performance.now() - since;
const floats = trainer.trainStep.arena.flat.gradients.length;
// The sum alone, when nobody waits for anybody.
const gradients = new Float32Array(floats);
const alone = [];
for (let i = 0; i < 20; i++) {
  ranks.barrier();
  const from = performance.now();
  ranks.sum(gradients);
  alone.push(performance.now() - from);
}
if (ranks.rank === 0)
  console.log(
    JSON.stringify({
      perSecond: (1000 * rows * Number(steps)) / took,
      step: took / Number(steps),
      summing: summing / Number(steps),
      sumAlone: alone.sort((a, b) => a - b)[10],
      floats,
      loss,
    }),
  );
close();
