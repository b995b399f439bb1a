// Ours, with its update on all cores, or on one as where koffi is not installed. Arguments: hidden, latent, batch, `all` or `one`.
import { createRequire, register } from "node:module";
import { loadMnist } from "../../dist/public/data.js";
import { compileTraining } from "../../dist/public/runs.js";
import { VAE } from "../../dist/public/tightbound.js";
import { serve } from "../lib/serve.mjs";

const [hidden, latent, batch, way] = process.argv.slice(2);
const WITHOUT = `export const resolve = (name, context, next) => {
  if (name === "koffi") throw new Error("left out");
  return next(name, context);
};`;
if (way === "one") register(`data:text/javascript,${encodeURIComponent(WITHOUT)}`);

const { version } = createRequire(import.meta.url)("../../package.json");
const THREADS = 2;
const vae = VAE({ shape: [28, 28], latent: Number(latent), hidden: hidden.split(",").map(Number) });
const { trainer } = await compileTraining(vae, loadMnist("train"), {
  binarize: "dynamic",
  batch: Number(batch),
  lr: 1e-3,
  threads: THREADS,
});

await serve({
  name: way === "one" ? "update on one core" : "Tightbound",
  version,
  threads: THREADS,
  step: async () => (await trainer.next()).loss,
});
