/** Trains a VAE on digits and tells the page of it. */
import { createDataset, train, VAE } from "tightbound/browser";

/** What the page asks for. */
export interface TrainRequest {
  /** Where the digits are. */
  readonly digits: string;
  readonly device: "cpu" | "webgpu";
  /** Units of each hidden layer. */
  readonly hidden: number;
}

/** What the page is told. */
export type TrainMessage =
  | { readonly kind: "step"; readonly step: number; readonly steps: number }
  | {
      readonly kind: "epoch";
      readonly epoch: number;
      readonly seconds: number;
      /** Bounds in nats per image. */
      readonly elbo: { readonly train: number; readonly test: number };
      /** [10, 10, 28, 28] means of pixels, decoded from a grid of latent points. */
      readonly pictures: Float32Array;
      /** [TEST, 2] posterior means of the held-out digits, and their classes. */
      readonly latents: Float32Array;
      readonly labels: Int32Array;
    }
  | { readonly kind: "failed"; readonly message: string };

const PIXELS = 784;
/** The last digits of the picture are held out: see `docs/scripts/digits.mjs`. */
const TEST = 500;
/** Points of the grid along each latent coordinate: quantiles of the prior. */
const GRID = [-1.9, -1.3, -0.9, -0.5, -0.2, 0.2, 0.5, 0.9, 1.3, 1.9];
const tell = (message: TrainMessage): void => self.postMessage(message);

async function readDigits(address: string) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: expected the digits, found ${response.status}.`);
  const picture = await createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
  const { width, height } = picture;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("This browser has no canvas in a worker.");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const part = (name: string, first: number, rows: number) => {
    const x = new Uint8Array(rows * PIXELS);
    const labels = new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      const row = 4 * (first + i) * width;
      labels[i] = data[row];
      for (let j = 0; j < PIXELS; j++) x[i * PIXELS + j] = data[row + 4 * (j + 1)];
    }
    return createDataset({ name, x, labels, scale: 1 / 255, shape: [28, 28] });
  };
  return { digits: part("digits", 0, height - TEST), test: part("held-out digits", height - TEST, TEST) };
}

async function run({ digits: address, device, hidden }: TrainRequest): Promise<void> {
  const { digits, test } = await readDigits(address);
  const vae = VAE({ shape: [28, 28], latent: 2, hidden: [hidden, hidden], likelihood: "bernoulli" });
  const grid = new Float32Array(GRID.flatMap((y) => GRID.flatMap((x) => [x, -y])));
  let began = performance.now();
  await train(
    vae,
    digits,
    { epochs: 100_000, batch: 50, lr: 1e-3, binarize: "dynamic", threads: 1, device },
    {
      onStep({ stepOfEpoch: step, stepsPerEpoch: steps }) {
        if (step % 5 === 0) tell({ kind: "step", step, steps });
      },
      async onEpoch({ epoch, means }, { trained }) {
        const seconds = (performance.now() - began) / 1000;
        const { elbo = Number.NaN, means: latents } = await trained.evaluate(test);
        tell({
          kind: "epoch",
          epoch,
          seconds,
          elbo: { train: -means.loss, test: elbo },
          pictures: await trained.decode(grid),
          latents,
          labels: test.labels ?? new Int32Array(TEST),
        });
        began = performance.now();
      },
    },
  );
}

self.onmessage = ({ data }: MessageEvent<TrainRequest>) => {
  run(data).catch((error: unknown) =>
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) }),
  );
};
