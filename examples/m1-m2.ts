/**
 * Learning from few labels: M1, a support vector machine on a VAE's features; M2, a generative model of class and style, in which the
 * class is summed out if it is not known; and M1+M2, which puts M2 on top of M1 (Kingma, Mohamed, Rezende and Welling 2014). All three see
 * every digit and some of the labels; a support vector machine on pixels sees only the labelled digits.
 */
import { writeFileSync } from "node:fs";
import { drawLabels, hideLabels, loadData, M2, rowsOf, stackOn, take, train, VAE } from "tightbound";
import { predictedClasses, svm } from "tightbound/models";
import {
  type ClassifierSettings,
  type ClassifyingModel,
  labelledByM1,
  type SemiSupervisedTrainInput,
  TrainedM1,
} from "tightbound/runs";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

export const methods = ["labelled digits alone", "M1", "M2", "M1+M2"] as const;
export type MethodName = (typeof methods)[number];

export interface Settings {
  /** Digits to learn from, labelled or not, and to test on. */
  readonly rows: number;
  readonly test: number;
  readonly labels: readonly number[];
  /** Passes over all digits: for the VAE, for M2, and for M2 on top of the VAE. */
  readonly epochs: { readonly m1: number; readonly m2: number; readonly stacked: number };
  /** Digits in each step. */
  readonly batch: number;
  readonly seed: number;
  readonly threads?: number;
}

export interface Row {
  readonly labels: number;
  /** Share of test digits that are assigned a wrong class. */
  readonly errors: Readonly<Record<MethodName, number>>;
}

/** Trains the VAE once, then every method for each number of labels. */
export async function labelsGrow(settings: Settings, log: (line: string) => void = () => undefined) {
  const { epochs, seed } = settings;
  const threads = settings.threads === undefined ? {} : { threads: settings.threads };
  const data = await loadData("mnist");
  const digits = take(data.train, settings.rows);
  const test = take(data.test, settings.test);
  const classes = 10;
  const vae = VAE({ shape: digits.shape, latent: 30, hidden: [300], activation: "softplus" });
  const common = { seed, batch: settings.batch, schedule: "cosine", ...threads } as const;
  const m1 = await train(vae, digits, { epochs: epochs.m1, lr: 2e-3, ...common });
  const rows: Row[] = [];
  for (const labels of settings.labels) {
    const few = hideLabels(digits, drawLabels(digits, { labels, seed }).labelled);
    const m2 = M2({ features: 784, classes, latent: 20, hidden: [200], activation: "relu" });
    const stacked = await stackOn(m1, digits, { classes, latent: 7, hidden: [200], activation: "relu" });
    const errorOf = async (model: ClassifyingModel, how: SemiSupervisedTrainInput) =>
      (await train(model, few, { ...common, warmup: 3, ...how })).error(test);
    const onMeans: ClassifierSettings = {
      chosen: "svm",
      draws: 0,
      neighbours: 5,
      cost: 1,
      unlabelled: 2000,
      priorScale: 1,
    };
    const known = await labelledByM1(m1, few, { ...onMeans, classes });
    const names = Array.from({ length: classes }, (_, k) => String(k));
    const errors: Record<MethodName, number> = {
      "labelled digits alone": await onPixels(),
      M1: await new TrainedM1(m1, known, onMeans, names).error(test, "svm"),
      M2: await errorOf(m2, { epochs: epochs.m2, alpha: 10, lr: 1e-3 }),
      "M1+M2": await errorOf(stacked, { epochs: epochs.stacked, alpha: 1, lr: 3e-3 }),
    };
    log(`${labels} labels: ${methods.map((m) => `${m} ${(100 * errors[m]).toFixed(1)} %`).join(", ")}`);
    rows.push({ labels, errors });

    async function onPixels(): Promise<number> {
      const pixels = ({ rows: count, ...rest }: typeof few) =>
        rowsOf({ rows: count, ...rest }, [...Array(count).keys()], new Float32Array(count * 784));
      const fitted = await svm().fit({
        x: pixels(few),
        features: 784,
        labels: few.labels ?? new Int32Array(0),
        classes,
      });
      const predicted = predictedClasses(await fitted.scores(pixels(test)), classes);
      return predicted.filter((k, i) => k !== test.labels?.[i]).length / test.rows;
    }
  }
  return rows;
}

/** `npm run example -- m1-m2 [figure.svg]` */
export async function main([path = "m1-m2.svg"]: readonly string[]): Promise<void> {
  const rows = await labelsGrow(
    {
      rows: 10_000,
      test: 5000,
      labels: [50, 100, 200, 500, 1000, 3000],
      epochs: { m1: 30, m2: 10, stacked: 20 },
      batch: 100,
      seed: 0,
    },
    console.log,
  );
  console.log(
    `\n${table(
      ["labels", ...methods.map((m) => `${m}, %`)],
      rows.map(({ labels, errors }) => [String(labels), ...methods.map((m) => (100 * errors[m]).toFixed(1))]),
    )}`,
  );
  const figure = await drawCurves({
    title: "Learning from few labels",
    xLabel: "labels, of 10,000 digits",
    yLabel: "test error, %",
    xScale: "log",
    yScale: "log",
    curves: methods.map((name) => ({
      name,
      x: rows.map((r) => r.labels),
      y: rows.map((r) => 100 * r.errors[name]),
      mark: "line and dots",
    })),
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
