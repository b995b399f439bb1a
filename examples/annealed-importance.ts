/**
 * How likely are digits under a VAE? Importance sampling with the encoder approaches log p(x) slowly from below, and cannot tell how close it
 * is. Annealed importance sampling gets there in steps of temperature (Wu et al. 2017), from the prior, which needs no encoder, or from the
 * encoder's posterior. On digits that the VAE generated it also gives a bound from above (Grosse et al. 2015).
 */
import { writeFileSync } from "node:fs";
import { constant, loadData, rowsOf, type Tensor, take, train, VAE } from "tightbound";
import {
  type AnnealingOptions,
  annealedImportanceSampling,
  bidirectionalMonteCarlo,
} from "tightbound/inference";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

export interface Settings {
  readonly train: number;
  readonly epochs: number;
  /** Held-out digits. */
  readonly digits: number;
  readonly chains: number;
  readonly temperatures: readonly number[];
  /** Numbers of importance samples; each is a divisor of the one before. */
  readonly samples: readonly number[];
  readonly seed: number;
}

export interface Estimate {
  readonly method: "importance sampling" | "annealed, from the prior" | "annealed, from the encoder";
  /** How often the decoder runs for one digit. */
  readonly cost: number;
  /** Mean log p(x), nats. */
  readonly logLikelihood: number;
}

const LEAPFROGS = 8;

/** Trains a VAE and estimates log p(x) of the same held-out digits in each way, and of simulated ones from both sides. */
export async function annealedImportance(settings: Settings) {
  const { digits, chains, seed, samples } = settings;
  const data = await loadData("mnist");
  const vae = VAE({ shape: data.train.shape, latent: 10, hidden: [200] });
  const how = { epochs: settings.epochs, batch: 100, seed };
  const trained = await train(vae, take(data.train, settings.train), how);
  const heldOut = take(data.test, digits);

  const estimates: Estimate[] = [];
  const most = samples[samples.length - 1];
  const { bounds } = await trained.logLikelihood(heldOut, { samples: most, bounds: samples });
  for (const k of samples)
    estimates.push({ method: "importance sampling", cost: k, logLikelihood: bounds[k] });

  const indices = Array.from({ length: digits }, (_, i) => i);
  const pixels = rowsOf(trained.prepare(heldOut), indices, new Float32Array(digits * vae.features));
  const x = constant(pixels, [digits, vae.features]);
  const optionsAt = (temperatures: number): AnnealingOptions<[Tensor]> => {
    const native = { executor: "native", precision: "float32" } as const;
    return { temperatures, chains, leapfrogs: LEAPFROGS, parameters: trained.parameters, seed, ...native };
  };
  for (const temperatures of settings.temperatures) {
    const cost = temperatures * (LEAPFROGS + 1) * chains;
    const prior = await annealedImportanceSampling(vae.model, [x], optionsAt(temperatures));
    const encoder = await annealedImportanceSampling(vae.model, [x], {
      ...optionsAt(temperatures),
      guide: vae.guide,
    });
    const mean = ({ logEvidence }: { readonly logEvidence: number }) => logEvidence / digits;
    estimates.push({ method: "annealed, from the prior", cost, logLikelihood: mean(prior) });
    estimates.push({ method: "annealed, from the encoder", cost, logLikelihood: mean(encoder) });
  }
  const slowest = optionsAt(settings.temperatures[settings.temperatures.length - 1]);
  const { lower, upper } = await bidirectionalMonteCarlo(vae.model, [x], slowest);
  return { estimates, simulated: { lower: lower.logEvidence / digits, upper: upper.logEvidence / digits } };
}

/** `npm run example -- annealed-importance [figure.svg]` */
export async function main([path = "annealed-importance.svg"]: readonly string[]): Promise<void> {
  const settings = { train: 60_000, epochs: 5, digits: 40, chains: 10, seed: 0 };
  const { estimates, simulated } = await annealedImportance({
    ...settings,
    temperatures: [10, 30, 100, 200],
    samples: [1, 10, 100, 1000, 10_000],
  });
  const rows = estimates.map((e) => [e.method, e.cost.toLocaleString("en-US"), e.logLikelihood.toFixed(2)]);
  console.log(table(["estimate", "decoder runs a digit", "log p(x), nats"], rows));
  console.log(
    `\nsimulated digits, ${settings.digits}: log p(x) between ${simulated.lower.toFixed(2)} and ${simulated.upper.toFixed(2)} nats`,
  );
  const methods = [...new Set(estimates.map((e) => e.method))];
  const figure = await drawCurves({
    title: "Log-likelihood of held-out digits under a VAE",
    xLabel: "decoder runs a digit",
    yLabel: "log p(x), nats: each estimate is a lower bound",
    xScale: "log",
    curves: methods.map((method) => {
      const own = estimates.filter((e) => e.method === method);
      return {
        name: method,
        x: own.map((e) => e.cost),
        y: own.map((e) => e.logLikelihood),
        mark: "line and dots",
      } as const;
    }),
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
