// One rank of a training that several share: images per second, and the part of a step that goes into sums over ranks. Rank 0 prints them.
import { loadMnist } from "../../dist/public/data.js";
import { compileTraining, connectRanks } from "../../dist/public/runs.js";
import { VAE } from "../../dist/public/tightbound.js";

const [hidden, latent, batch, steps, apart] = process.argv.slice(2);
const WARM = 10;
const { ranks: all, close } = await connectRanks(process.env);
// `apart`: the processes run at the same time and share nothing, each with a minibatch of its own.
const ranks = apart ? { ...all, size: 1, rank: 0, sum: () => undefined, gather: (text) => [text] } : all;
let summing = 0;
const timed = {
  ...ranks,
  ...Object.fromEntries(
    ["sum", "exchange", "allGather"].map((name) => [
      name,
      (...args) => {
        const since = performance.now();
        ranks[name](...args);
        summing += performance.now() - since;
      },
    ]),
  ),
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
all.barrier();
summing = 0;
const since = performance.now();
let loss;
for (let i = 0; i < Number(steps); i++) ({ loss } = await trainer.next());
const took = performance.now() - since;
const floats = trainer.trainStep.arena.flat.gradients.length;
// Sums and shares alone, when nobody waits for anybody.
const gradients = new Float32Array(floats);
const part = Math.ceil(floats / ranks.size);
const counts = Int32Array.from({ length: ranks.size }, (_, i) => Math.min(part, floats - i * part));
const received = new Float32Array((ranks.size - 1) * counts[ranks.rank]);
const alone = [];
for (let i = 0; i < 20; i++) {
  if (apart) break;
  ranks.barrier();
  const from = performance.now();
  ranks.exchange(gradients, received, counts);
  ranks.allGather(gradients, counts);
  alone.push(performance.now() - from);
}
const perSecond = Float64Array.of((1000 * rows * Number(steps)) / took);
if (apart) all.sum(perSecond);
if (all.rank === 0)
  console.log(
    JSON.stringify({
      perSecond: perSecond[0],
      step: took / Number(steps),
      summing: summing / Number(steps),
      sumAlone: alone.sort((a, b) => a - b)[10] ?? 0,
      floats,
      loss,
    }),
  );
close();
