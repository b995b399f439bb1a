/** The verbs of a VAE, for every kind that has one. */
import { type Dataset, rowSize, rowsOf } from "../../data/index.ts";
import type { Kind, TrainedModel } from "../kind.ts";
import type { RunSettings } from "../run-settings.ts";
import { exportOnnx } from "./export.ts";
import { mostActive } from "./report.ts";
import type { Trained } from "./trained.ts";

/** Rows encoded in one call. */
const CHUNK = 1000;

/** Codes of all rows, in the dataset's order: [rows, latent]. */
async function encodeRows(trained: Trained, rows: Dataset): Promise<Float32Array> {
  const { latent } = trained.model;
  const seen = trained.prepare(rows);
  const codes = new Float32Array(rows.rows * latent);
  for (let start = 0; start < rows.rows; start += CHUNK) {
    const indices = Array.from({ length: Math.min(CHUNK, rows.rows - start) }, (_, i) => start + i);
    const x = rowsOf(seen, indices, new Float32Array(indices.length * rowSize(seen.shape)));
    codes.set(await trained.encode(x), start * latent);
  }
  return codes;
}

type Verbs<T extends TrainedModel> = Required<
  Pick<Kind<RunSettings, never, T>, "sample" | "reconstruct" | "traverse" | "encode" | "impute" | "export">
>;

/** The verbs of a trained model that has a VAE or an autoencoder. */
export const autoencodingVerbs = <T extends TrainedModel>(of: (trained: T) => Trained): Verbs<T> => ({
  async sample(trained, { count = 64, seed }) {
    return { values: await of(trained).sample(count, seed), count, noun: "samples" };
  },
  reconstruct: (trained, rows, indices) => of(trained).reconstruct(rows, indices),
  async traverse(trained, rows, dimensions) {
    const vae = of(trained);
    return vae.traverse(dimensions ?? mostActive(await vae.evaluate(await rows())));
  },
  async encode(trained, rows) {
    const vae = of(trained);
    return { codes: await encodeRows(vae, rows), width: vae.model.latent };
  },
  impute: (trained, rows, options) => of(trained).impute(rows, options),
  export: (trained, rows) => exportOnnx(of(trained), rows),
});
