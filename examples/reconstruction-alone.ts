/**
 * A VAE trained only on its reconstruction term. The divergence from the prior keeps the code of a digit from becoming an
 * address. Without it (β = 0) training digits are told apart more and more finely, held-out digits are not, and the bound, which is not
 * the objective any more, keeps falling.
 */
import { writeFileSync } from "node:fs";
import { binarize, type Dataset, loadData, take, VAE } from "tightbound";
import { compileTraining, vaeEvaluator } from "tightbound/runs";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

export interface Settings {
  readonly train: number;
  readonly test: number;
  readonly epochs: number;
  /** Epochs from one evaluation to the next. */
  readonly every: number;
  readonly seed: number;
}

/** Nats per digit. */
export interface Epoch {
  readonly epoch: number;
  readonly train: Terms;
  readonly test: Terms;
}
type Terms = { readonly elbo: number; readonly reconstruction: number; readonly kl: number };

export const objectives = { ELBO: 1, "reconstruction alone": 0 } as const;
export type ObjectiveName = keyof typeof objectives;

/** Trains twice from the same start, with β = 1 and β = 0, and evaluates both terms along the way. */
export async function reconstructionAlone({ train, test, epochs, every, seed }: Settings) {
  const data = await loadData("mnist");
  // Binarise the pixels once: there are few digits, and they should stay the same.
  const digits = binarize(take(data.train, train), seed);
  const heldOut = binarize(take(data.test, test), seed, "binarize/test");
  const run = async (beta: number): Promise<Epoch[]> => {
    const vae = VAE({ shape: digits.shape, latent: 20, hidden: [200] });
    const settings = { epochs, batch: 50, seed, beta, binarize: "none", threads: 1 } as const;
    const { trainer } = await compileTraining(vae, digits, settings);
    const evaluator = vaeEvaluator(vae, trainer.values(), { seed, threads: 1 });
    const terms = async (rows: Dataset): Promise<Terms> => {
      const { elbo, reconstruction, kl } = await evaluator.evaluate(rows);
      return { elbo, reconstruction, kl };
    };
    const history: Epoch[] = [];
    await trainer.run({
      async onEpoch({ epoch }) {
        if (epoch % every === 0)
          history.push({ epoch, train: await terms(digits), test: await terms(heldOut) });
      },
    });
    return history;
  };
  return {
    ELBO: await run(objectives.ELBO),
    "reconstruction alone": await run(objectives["reconstruction alone"]),
  };
}

/** `npm run example -- reconstruction-alone [figure.svg]` */
export async function main([path = "reconstruction-alone.svg"]: readonly string[]): Promise<void> {
  const histories = await reconstructionAlone({ train: 2000, test: 2000, epochs: 100, every: 2, seed: 0 });
  const names = Object.keys(objectives) as ObjectiveName[];
  console.log(
    table(
      ["trained on", "epoch", "reconstruction, training", "held out", "KL, held out", "ELBO, held out"],
      names.flatMap((name) =>
        [2, 10, 30, 100].map((at) => {
          const { epoch, train, test } = histories[name][at / 2 - 1];
          const numbers = [train.reconstruction, test.reconstruction, test.kl, test.elbo];
          return [name, String(epoch), ...numbers.map((v) => v.toFixed(1))];
        }),
      ),
    ),
  );
  const curve = (name: string, of: ObjectiveName, cost: (epoch: Epoch) => number) => ({
    name,
    x: histories[of].map((e) => e.epoch),
    y: histories[of].map((e) => -cost(e)),
  });
  const figure = await drawCurves({
    title: "Trained on its reconstruction term alone (β = 0)",
    xLabel: "epoch",
    yLabel: "nats lost per digit: less is better",
    yScale: "log",
    curves: [
      curve("−ELBO, held out, β = 1", "ELBO", (e) => e.test.elbo),
      curve("−ELBO, held out, β = 0", "reconstruction alone", (e) => e.test.elbo),
      curve("reconstruction, held out", "reconstruction alone", (e) => e.test.reconstruction),
      { ...curve("and in training", "reconstruction alone", (e) => e.train.reconstruction), mark: "dashed" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
