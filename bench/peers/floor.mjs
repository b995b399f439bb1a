// The floor: the matrix products of one train step and nothing else, as one ONNX graph on the runtime that
// Tightbound uses. The benchmark's VAE has 14. Arguments: hidden, latent and batch of another one.
import { serve } from "../lib/serve.mjs";
import { BATCH } from "../lib/vae.mjs";
import { vaeProducts } from "../lib/vae-products.mjs";
import { versionOf } from "../lib/version.mjs";

const THREADS = 2;
const [hidden = "400", latent = "20", batch = String(BATCH)] = process.argv.slice(2);
const { count, run } = await vaeProducts(
  { hidden: hidden.split(",").map(Number), latent: Number(latent), batch: Number(batch) },
  THREADS,
);

await serve({
  name: `its ${count} matrix products alone`,
  version: versionOf("onnxruntime-node"),
  threads: THREADS,
  step: async () => {
    await run();
    return null;
  },
});
