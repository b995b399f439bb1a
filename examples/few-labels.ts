/**
 * What unlabelled rows are worth: a table in which only a few rows have a class. M2 learns from all rows; logistic regression and a support
 * vector machine learn from the labelled ones, the only ones that they can use. Each predicts the classes of all other rows, over
 * several draws of the labels; then again after cells are removed from the table, which M2 marginalises and the others must fill in.
 */

import { type Dataset, drawLabels, hideLabels, M2, rowsOf, train } from "tightbound";
import {
  encodeTable,
  featureLayout,
  fitTable,
  permutation,
  readTable,
  select,
  type TableOptions,
  type TablePreprocessing,
} from "tightbound/data";
import {
  type Classifier,
  confusionMatrix,
  errorRate,
  logistic,
  predictedClasses,
  svm,
} from "tightbound/models";
import { table } from "./table.ts";

export interface Case {
  /** A CSV file, and the roles of its columns. */
  readonly path: string;
  readonly options: TableOptions & { readonly labelColumn: string };
  readonly labels: number;
  /** Share of the cells that are removed. */
  readonly missing: number;
}

const penguins = {
  path: "examples/data/penguins.csv",
  options: { labelColumn: "species", ignore: ["year"] },
} as const;
const tumours = { path: "examples/data/wdbc.csv", options: { labelColumn: "diagnosis" } } as const;

export const cases: readonly Case[] = [
  { ...penguins, labels: 6, missing: 0 },
  { ...penguins, labels: 15, missing: 0 },
  { ...penguins, labels: 30, missing: 0 },
  { ...penguins, labels: 15, missing: 0.3 },
  { ...tumours, labels: 20, missing: 0 },
  { ...tumours, labels: 20, missing: 0.3 },
];

/** How long M2 is trained, and the weight of its classification term. */
export interface Training {
  readonly epochs: number;
  readonly alpha: number;
}

export const methods = ["m2", "m2Bayes", "logistic", "svm"] as const;
export type Method = (typeof methods)[number];

export interface Row extends Case {
  /** Errors of each draw of labels, on the rows whose label was hidden. */
  readonly errors: Readonly<Record<Method, readonly number[]>>;
}

/** The table as text, with some of its cells blank: whole columns of a row are kept or removed, even if they become several features. */
export async function readWithGaps({ path, options, missing }: Case, seed: number) {
  const text = await readTable(path);
  const { labelColumn, ignore = [] } = options;
  const features = text.columns.flatMap((name, c) =>
    name === labelColumn || ignore.includes(name) ? [] : [c],
  );
  const cells = text.rows.length * features.length;
  const gone = new Set(permutation(cells, seed, 0, "gaps").subarray(0, Math.round(missing * cells)));
  const rows = text.rows.map((row, r) =>
    row.map((cell, c) => {
      const at = features.indexOf(c);
      return at >= 0 && gone.has(r * features.length + at) ? "" : cell;
    }),
  );
  const gappy = { ...text, rows };
  const { preprocessing } = fitTable(gappy, options);
  return { preprocessing, data: encodeTable(gappy, preprocessing).dataset };
}

/** Rows as vectors, for methods that cannot handle missing values: a missing number becomes the column's mean, a missing category none. */
const filled = (data: Dataset): Float32Array =>
  rowsOf(data, [...Array(data.rows).keys()], new Float32Array(data.x.length)).map((v) =>
    Number.isNaN(v) ? 0 : v,
  );

const errorOf = ({ labels = new Int32Array() }: Dataset, predicted: Int32Array, classes: number): number =>
  errorRate(confusionMatrix(labels, predicted, classes));

/** M2 as `tightbound train m2` trains it on a small table. */
async function fitM2(
  preprocessing: TablePreprocessing,
  few: Dataset,
  { epochs, alpha }: Training,
  seed: number,
) {
  const layout = featureLayout(preprocessing);
  const classes = preprocessing.labels?.classes.length ?? 0;
  const m2 = M2({
    features: layout.features,
    classes,
    latent: 10,
    hidden: [50],
    likelihood: "table",
    layout,
  });
  return train(m2, few, {
    epochs,
    alpha,
    batch: Math.min(100, Math.max(10, Math.floor(few.rows / 20))),
    lr: 3e-3,
    schedule: "cosine",
    binarize: "none",
    threads: 1,
    seed,
  });
}

async function draw(setting: Case, training: Training, seed: number): Promise<Record<Method, number>> {
  const { preprocessing, data } = await readWithGaps(setting, seed);
  const { labelled, unlabelled } = drawLabels(data, { labels: setting.labels, seed });
  const [known, asked] = [select(data, labelled), select(data, unlabelled)];
  const classes = data.classes?.length ?? 0;
  const trained = await fitM2(preprocessing, hideLabels(data, labelled), training, seed);
  const supervised = async (recipe: Classifier): Promise<number> => {
    const { labels = new Int32Array() } = known;
    const features = featureLayout(preprocessing).features;
    const fitted = await recipe.fit({ x: filled(known), features, labels, classes });
    return errorOf(asked, predictedClasses(await fitted.scores(filled(asked)), classes), classes);
  };
  return {
    m2: await trained.error(asked),
    m2Bayes: errorOf(asked, (await trained.classifyByBayes(asked, 20)).predicted, classes),
    logistic: await supervised(logistic({ threads: 1 })),
    svm: await supervised(svm({ C: 10 })),
  };
}

/** The errors of each method in each case, over draws of the labels. */
export async function fewLabels(
  {
    cases: settings,
    draws,
    ...training
  }: Training & { readonly cases: readonly Case[]; readonly draws: number },
  log: (line: string) => void = () => undefined,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const setting of settings) {
    const found: Record<Method, number>[] = [];
    for (let seed = 0; seed < draws; seed++) {
      found.push(await draw(setting, training, seed));
      const { m2, svm: supervised } = found[seed];
      log(
        `${setting.path}, ${setting.labels} labels, draw ${seed}: M2 ${percent(m2)}, support vectors ${percent(supervised)}`,
      );
    }
    const of = (method: Method) => found.map((errors) => errors[method]);
    const errors = { m2: of("m2"), m2Bayes: of("m2Bayes"), logistic: of("logistic"), svm: of("svm") };
    rows.push({ ...setting, errors });
  }
  return rows;
}

const percent = (v: number): string => (100 * v).toFixed(1);

/** Mean and standard error over the draws. */
export function summary(errors: readonly number[]): { readonly mean: number; readonly error: number } {
  const n = errors.length;
  const mean = errors.reduce((a, b) => a + b, 0) / n;
  const variance = errors.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}

export const asTable = (rows: readonly Row[]): string =>
  table(
    [
      "table",
      "labels",
      "cells missing",
      "M2, q(y|x)",
      "M2, Bayes' rule",
      "logistic regression",
      "support vectors",
    ],
    rows.map(({ path, labels, missing, errors }) => [
      path.replace(/^.*\/|\.csv$/g, ""),
      String(labels),
      missing === 0 ? "its own" : `${percent(missing)} %`,
      ...methods.map((m) => {
        const { mean, error } = summary(errors[m]);
        return `${percent(mean)} ± ${percent(error)}`;
      }),
    ]),
  );

/** `npm run example -- few-labels [draws] [alpha]` */
export async function main([draws = "10", alpha = "1"]: readonly string[]): Promise<void> {
  const training = { epochs: 100, alpha: Number(alpha) };
  const rows = await fewLabels({ cases, draws: Number(draws), ...training }, console.log);
  console.log(
    `\nErrors in percent of the rows whose label was hidden, mean and standard error of ${draws} draws:`,
  );
  console.log(asTable(rows));
}
