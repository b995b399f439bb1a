/**
 * An autoencoder against a VAE with the same networks. The autoencoder reconstructs better, but nothing controls where its codes are, so a
 * random code does not decode to a digit. The second term of the VAE's objective keeps codes where the prior draws them.
 */
import { writeFileSync } from "node:fs";
import {
  Autoencoder,
  compile,
  type Dataset,
  loadData,
  Normal,
  type Trained,
  take,
  train,
  VAE,
} from "tightbound";
import { imageGrid } from "tightbound/report";
import { table } from "./table.ts";

export interface Settings {
  readonly train: number;
  readonly test: number;
  readonly epochs: number;
  /** Codes that are drawn from the prior N(0, I) and decoded. */
  readonly samples: number;
  readonly seed: number;
}

export interface Row {
  readonly model: "autoencoder" | "VAE";
  /** Mean log p(x | code) of held-out digits, nats. */
  readonly reconstruction: number;
  /** Mean squared length of a code, divided by the latent dimension; 1 if codes are distributed like the prior. */
  readonly spread: number;
  /** Similarity of a decoded draw to the most similar training digit: the cosine of the angle between them, averaged. */
  readonly likeness: number;
  /** [samples, 784]. */
  readonly samples: Float32Array;
}

const LATENT = 10;

/** Cosine of the angle between each row and the most similar row of the data, averaged: 1 for a digit itself, however faint. */
function likeness(rows: Float32Array, { x, rows: count }: Dataset): number {
  const width = 784;
  const dot = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number) => {
    let total = 0;
    for (let k = 0; k < width; k++) total += a[i + k] * b[j + k];
    return total;
  };
  const lengths = Float64Array.from({ length: count }, (_, r) => Math.sqrt(dot(x, r * width, x, r * width)));
  let total = 0;
  for (let i = 0; i < rows.length; i += width) {
    const cosines = lengths.map((length, r) => dot(rows, i, x, r * width) / length);
    total += Math.max(...cosines) / Math.sqrt(dot(rows, i, rows, i));
  }
  return total / (rows.length / width);
}

/** Trains both on the same digits, decodes the same draws from N(0, I), and measures how close these are to digits. */
export async function autoencoderVae(settings: Settings) {
  const { epochs, seed } = settings;
  const data = await loadData("mnist");
  const digits = take(data.train, settings.train);
  const heldOut = take(data.test, settings.test);
  const networks = { shape: digits.shape, latent: LATENT, hidden: [200] };
  const how = { epochs, batch: 100, seed, threads: 1 };
  const vae = await train(VAE(networks), digits, how);
  const autoencoder = await train(Autoencoder(networks), digits, how);

  const draw = compile(() => Normal(0, 1).sample("z", [settings.samples, LATENT]), {
    executor: "host",
    seed,
  });
  const z = (await draw()).data as Float32Array;
  const measure = async (model: Row["model"], trained: Trained): Promise<Row> => {
    const { reconstruction, means } = await trained.evaluate(heldOut);
    const samples = await trained.decode(z);
    return {
      model,
      reconstruction,
      spread: means.reduce((n, v) => n + v * v, 0) / means.length,
      likeness: likeness(samples, take(digits, Math.min(digits.rows, 10_000))),
      samples,
    };
  };
  return [await measure("autoencoder", autoencoder), await measure("VAE", vae)];
}

/** Both models' samples, ten in each row, side by side. */
export function picture(rows: readonly Row[]): Uint8Array {
  const columns = 10;
  const count = rows[0].samples.length / 784;
  // Leave one column empty between the two.
  const pixels = new Float32Array(((2 * columns + 1) * count * 784) / columns).fill(1);
  rows.forEach(({ samples }, side) => {
    for (let i = 0; i < count; i++) {
      const cell = Math.floor(i / columns) * (2 * columns + 1) + side * (columns + 1) + (i % columns);
      pixels.set(samples.subarray(i * 784, (i + 1) * 784), cell * 784);
    }
  });
  const grid = { pixels, count: pixels.length / 784, columns: 2 * columns + 1 };
  return imageGrid({ ...grid, height: 28, width: 28, channels: 1, gap: 1, background: 255 }).png;
}

/** `npm run example -- autoencoder-vae [picture.png]` */
export async function main([path = "autoencoder-vae.png"]: readonly string[]): Promise<void> {
  const rows = await autoencoderVae({ train: 20_000, test: 2000, epochs: 10, samples: 80, seed: 0 });
  console.log(
    table(
      ["model", "reconstruction, nats", "mean square of a code", "likeness to a digit"],
      rows.map((r) => [r.model, r.reconstruction.toFixed(1), r.spread.toFixed(2), r.likeness.toFixed(3)]),
    ),
  );
  writeFileSync(path, picture(rows));
  console.log(`\nwritten: ${path}`);
}
