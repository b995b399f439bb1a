// Ours, built, through its public API: the step that `tightbound train vae` runs.
import { createRequire } from "node:module";
import { loadMnist } from "../../dist/public/data.js";
import { compileTraining } from "../../dist/public/runs.js";
import { VAE } from "../../dist/public/tightbound.js";
import { serve } from "../lib/serve.mjs";
import { BATCH, LEARNING_RATE } from "../lib/vae.mjs";

const { version } = createRequire(import.meta.url)("../../package.json");
const THREADS = 2;
const digits = loadMnist("train");
const vae = VAE({ shape: digits.shape, latent: 20, hidden: [400] });
const { trainer } = await compileTraining(vae, digits, {
  binarize: "dynamic",
  batch: BATCH,
  lr: LEARNING_RATE,
  threads: THREADS,
});

await serve({
  name: "Tightbound",
  version,
  threads: THREADS,
  step: async () => (await trainer.next()).loss,
});
