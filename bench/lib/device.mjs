// The train step of three VAEs on a device beside the processor: milliseconds and nodes of the graph.
import { loadMnist } from "../../dist/public/data.js";
import { compileTraining } from "../../dist/public/runs.js";
import { VAE } from "../../dist/public/tightbound.js";
import { summary } from "./stats.mjs";

const MODELS = [
  { name: "784-400-20, batch 128", hidden: [400], latent: 20, batch: 128, atMost: 2.4 },
  { name: "2 × 600 hidden, latent 50, batch 256", hidden: [600, 600], latent: 50, batch: 256 },
  {
    name: "2 × 2000 hidden, latent 50, batch 4096",
    hidden: [2000, 2000],
    latent: 50,
    batch: 4096,
    atMost: 13,
  },
];
const WARM = 3;
/** At least this many steps, and then until this many seconds are over. */
const FEWEST = 3;
const SECONDS = 20;

const steps = async ({ hidden, latent, batch }, device, most) => {
  const vae = VAE({ shape: [28, 28], latent, hidden });
  const settings = { batch, epochs: 1000, binarize: "dynamic", lr: 1e-3, seed: 0, device };
  const { trainer } = await compileTraining(vae, loadMnist("train"), settings);
  const times = [];
  const until = performance.now() + 1000 * SECONDS;
  for (let i = 0; i < WARM + most; i++) {
    const since = performance.now();
    await trainer.next();
    if (i >= WARM) times.push(performance.now() - since);
    if (times.length >= FEWEST && performance.now() > until) break;
  }
  return { nodes: trainer.trainStep.nodes, step: summary(times), counted: times.length };
};

/** For each model: a step on the device and on the processor. */
export const measureDevice = async ({ device, most, progress }) => {
  const entries = [];
  for (const model of MODELS) {
    progress(`${device}: ${model.name}`);
    const there = await steps(model, device, most);
    progress(`cpu: ${model.name}`);
    entries.push({ name: model.name, atMost: model.atMost, there, here: await steps(model, "cpu", most) });
  }
  progress("");
  return entries;
};
