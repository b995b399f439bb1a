/**
 * Amortised against per-datum inference: one VAE, whose decoder is fixed after training, and test images whose posteriors are fitted
 * again, each with its own variational parameters. The encoder answers at once, and what it loses is the amortisation gap (Cremer, Li and
 * Duvenaud 2018). The others pay in time and memory, which grow with the data. Writes a figure of bound against time.
 */
import { writeFileSync } from "node:fs";
import {
  adam,
  binarize,
  elbo,
  input,
  loadData,
  model,
  Normal,
  rowsOf,
  type Tensor,
  take,
  train,
  VAE,
} from "tightbound";
import * as nn from "tightbound/nn";
import { compileStep } from "tightbound/optim";
import { stopGradient, substitute } from "tightbound/tensor";
import { drawFigure, loadPlot } from "../src/report/figure.ts";
import { table } from "./table.ts";

export interface Settings {
  /** Rows and epochs of the VAE's training. */
  readonly train: number;
  readonly epochs: number;
  /** Test images that are fitted one by one. */
  readonly images: number;
  /** Steps of Adam for each image. */
  readonly steps: number;
  readonly seed: number;
}

export interface Result {
  /** Mean ELBO of the test images under the encoder, nats. */
  readonly amortised: number;
  /** The same with separate parameters for each image, after some steps. */
  readonly local: readonly { readonly step: number; readonly seconds: number; readonly elbo: number }[];
  /** local − amortised after the last step, nats. */
  readonly gap: number;
  /** Seconds for one pass over 60,000 images. */
  readonly secondsPerEpoch: { readonly amortised: number; readonly local: number };
  /** MiB of variational parameters with Adam's two moments and the gradient, for 60,000 images. */
  readonly memory: { readonly amortised: number; readonly local: number };
}

const ALL = 60_000;
const MiB = 2 ** 20;

export async function amortisation(settings: Settings): Promise<Result> {
  const { images, steps, seed, epochs } = settings;
  const data = await loadData("mnist");
  const digits = take(data.train, settings.train);
  const vae = VAE({ shape: digits.shape, latent: 20, hidden: [200] });
  const started = performance.now();
  const trained = await train(vae, digits, { epochs, batch: 100, seed });
  const amortisedSeconds = (((performance.now() - started) / 1000 / epochs) * ALL) / digits.rows;
  const test = binarize(take(data.test, images), seed, "binarize/test");
  const pixels = rowsOf(
    test,
    Array.from({ length: images }, (_, i) => i),
    new Float32Array(images * vae.features),
  );

  // q(z) = N(loc, scale²) for each image, starting at the prior.
  const { zeros } = nn.initializers;
  const own = model(({ plate, sample, param }, x: Tensor) => {
    const loc = param("loc", [images, vae.latent], zeros);
    const logScale = param("logScale", [images, vae.latent], zeros);
    plate("row", x.shape[0], () => sample("z", Normal(loc, { logScale }).toEvent(1)));
  });
  const x = input("x", [images, vae.features]);
  const bound = elbo(vae.model, own, [x], { analyticKl: true, scale: 1 / images });
  const held = new Map(vae.parameters.map(({ tensor }) => [tensor, stopGradient(tensor)]));
  const compiled = await compileStep(
    { loss: substitute(bound.surrogate, held).neg(), metrics: { elbo: substitute(bound.value, held) } },
    [...own.parameters(), ...vae.parameters],
    adam({ learningRate: 0.03 }),
    { seed },
  );
  for (const { name, tensor } of vae.parameters) {
    const value = trained.parameters.get(tensor);
    if (value !== undefined) compiled.arena.parameter(name).set(value);
  }
  compiled.input("x").set(pixels);
  const local: { step: number; seconds: number; elbo: number }[] = [];
  let seconds = 0;
  let window: number[] = [];
  for (let i = 0; i < steps; i++) {
    const begin = performance.now();
    const report = await compiled.run(i);
    seconds += (performance.now() - begin) / 1000;
    window.push(report.elbo);
    // Average the single draws over a tenth of the steps so far.
    if (window.length > Math.max(1, i / 10)) window = window.slice(-Math.max(1, Math.floor(i / 10)));
    if ([1, 2, 5].some((m) => Number.isInteger(Math.log10((i + 1) / m))) || i === steps - 1)
      local.push({ step: i + 1, seconds, elbo: window.reduce((a, b) => a + b, 0) / window.length });
  }

  // The encoder's bound on the same images, with the same number of draws.
  const encoder = await compileStep(
    {
      loss: bound.value.mul(0),
      metrics: {
        elbo: elbo(vae.model, vae.guide, [x], { analyticKl: true, scale: 1 / images, stream: "encoder/" })
          .value,
      },
    },
    [...own.parameters(), ...vae.parameters],
    adam({ learningRate: 0 }),
    { seed },
  );
  for (const { name, tensor } of vae.parameters) {
    const value = trained.parameters.get(tensor);
    if (value !== undefined) encoder.arena.parameter(name).set(value);
  }
  encoder.input("x").set(pixels);
  let amortised = 0;
  for (let i = 0; i < 50; i++) amortised += (await encoder.run(i)).elbo / 50;

  const encoderSize = vae.guide.parameters().reduce((n, { tensor }) => n + tensor.size, 0);
  const last = local[local.length - 1];
  return {
    amortised,
    local,
    gap: last.elbo - amortised,
    secondsPerEpoch: { amortised: amortisedSeconds, local: (last.seconds * ALL) / images },
    memory: { amortised: (encoderSize * 16) / MiB, local: (ALL * 2 * vae.latent * 16) / MiB },
  };
}

/** The bound of the images against the time for their own parameters, beside the encoder's bound. */
export async function figure({ amortised, local }: Result, images: number): Promise<string> {
  const Plot = await loadPlot();
  const points = local.map((p) => ({ x: (1000 * p.seconds) / images, y: p.elbo }));
  const top = Math.max(amortised, ...local.map((p) => p.elbo));
  return drawFigure(
    "The amortisation gap",
    {
      width: 640,
      height: 300,
      yLabel: "ELBO, nats per image (earlier steps lie below)",
      x: { type: "log", label: "milliseconds per image", tickFormat: "~g", tickSize: 4 },
      y: { domain: [top - 40, top + 3], grid: true, ticks: 5, tickSize: 0 },
    },
    [
      Plot.line(points, { x: "x", y: "y", stroke: "var(--train)", strokeWidth: 1.8, clip: true }),
      Plot.dot(points, { x: "x", y: "y", fill: "var(--train)", r: 2.5, clip: true }),
      Plot.ruleY([amortised], { stroke: "var(--test)", strokeWidth: 1.8 }),
    ],
    [
      { name: "parameters of each image", colour: "var(--train)" },
      { name: "encoder", colour: "var(--test)" },
    ],
  );
}

/** `npm run example -- amortisation [figure.svg]` */
export async function main([path = "amortisation.svg"]: readonly string[]): Promise<void> {
  const settings = { train: 60_000, epochs: 5, images: 500, steps: 1000, seed: 0 };
  const result = await amortisation(settings);
  const { secondsPerEpoch, memory } = result;
  console.log(
    table(
      ["inference", "ELBO, 500 test images", "s a pass over 60,000", "MiB of its parameters"],
      [
        [
          "encoder, trained with the decoder",
          result.amortised.toFixed(2),
          secondsPerEpoch.amortised.toFixed(1),
          memory.amortised.toFixed(1),
        ],
        [
          `own parameters, ${settings.steps} steps`,
          (result.amortised + result.gap).toFixed(2),
          secondsPerEpoch.local.toFixed(1),
          memory.local.toFixed(1),
        ],
      ],
    ),
  );
  console.log(`\namortisation gap: ${result.gap.toFixed(2)} nats`);
  console.log(
    `\n${table(
      ["steps", "ms an image", "ELBO"],
      result.local.map((p) => [
        String(p.step),
        ((1000 * p.seconds) / settings.images).toFixed(2),
        p.elbo.toFixed(2),
      ]),
    )}`,
  );
  writeFileSync(path, await figure(result, settings.images));
  console.log(`\nwritten: ${path}`);
}
