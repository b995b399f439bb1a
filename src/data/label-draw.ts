import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import { permutation } from "../random/index.ts";
import type { Dataset } from "./dataset.ts";
import { rowsByClass, withClasses } from "./labelled.ts";

/** Options of {@link drawLabels}. */
export interface LabelDrawOptions {
  /** Number of labels to keep, the same for every class. Default: all. */
  readonly labels?: number;
  /** Seed of the draw. Default 0. */
  readonly seed?: number;
  /** Number of labelled rows to hold out before the draw, whatever their class. Default 0. */
  readonly validation?: number;
  /** Seed of the draw of validation rows. It is separate, so that these rows stay the same for different draws of labels. Default 0. */
  readonly validationSeed?: number;
}

const rules: OptionRules<LabelDrawOptions> = {
  labels: anything,
  seed: anything,
  validation: anything,
  validationSeed: anything,
};

/** Row numbers in three parts, each ascending; every row is in one of them. */
export interface LabelDraw {
  readonly labelled: Uint32Array;
  /** Rows whose label is hidden, and rows without one. */
  readonly unlabelled: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Draws the rows whose labels a model may see, the same number from each class (Kingma, Mohamed, Rezende and Welling 2014, section 4: "all
 * classes are balanced"). If the number is not a multiple of the number of classes, the seed decides which classes get one more. Draws with
 * the same seed are nested: its 100 labels are among its 600.
 *
 * Validation rows are drawn uniformly from all labelled rows, without stratification, so that their error estimates the error on data with
 * the same proportions of classes. MNIST's training part, for example, is often split into 50,000 and 10,000.
 *
 * ```ts
 * const { labelled, unlabelled, validation } = drawLabels(loadMnist("train"), { labels: 100, seed: 3, validation: 10_000 });
 * ```
 *
 * @throws UsageError for fewer labels than classes, for more labels than a class has (the message names it), when there are not enough rows
 * for validation, or for an invalid seed.
 * @throws DataError when the data have no labels.
 */
export const drawLabels = (dataset: Dataset, options: LabelDrawOptions = {}): LabelDraw => {
  checkOptions("drawLabels", options, rules);
  const { labels, seed = 0, validation: held = 0, validationSeed = 0 } = options;
  const data = withClasses(dataset);
  const validation = new Set(drawValidation(data, held, validationSeed));
  const perClass = rowsByClass(data).map((rows) => rows.filter((row) => !validation.has(row)));
  const quotas =
    labels === undefined
      ? perClass.map((rows) => rows.length)
      : classQuotas(data, perClass, labels, seed, held);
  const labelled = new Set(
    perClass.flatMap((rows, label) => {
      const order = permutation(rows.length, seed, label, "labels");
      return Array.from(order.subarray(0, quotas[label]), (i) => rows[i]);
    }),
  );
  const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
  return {
    labelled: all.filter((row) => labelled.has(row)),
    unlabelled: all.filter((row) => !labelled.has(row) && !validation.has(row)),
    validation: all.filter((row) => validation.has(row)),
  };
};

/** Hides the labels of all rows except these. */
export const hideLabels = (dataset: Dataset, labelled: Iterable<number>): Dataset => {
  const { labels, ...data } = withClasses(dataset);
  const shown = new Int32Array(data.rows).fill(-1);
  for (const row of labelled) shown[row] = labels[row];
  return { ...data, labels: shown };
};

const drawValidation = (
  { name, labels }: { readonly name: string; readonly labels: Int32Array },
  count: number,
  seed: number,
): readonly number[] => {
  if (count === 0) return [];
  const rows = Array.from(labels.keys()).filter((row) => labels[row] >= 0);
  if (rows.length === 0)
    throw new DataError(`${name}: no row is labelled, so none can be held out for validation.`);
  if (!(Number.isInteger(count) && count > 0 && count < rows.length)) {
    throw new UsageError(
      `validation: expected a whole number from 0 to ${rows.length - 1}, fewer than the ${rows.length} labelled rows of ` +
        `${name}; found ${count}.`,
    );
  }
  return Array.from(permutation(rows.length, seed, 0, "validation").subarray(0, count), (i) => rows[i]);
};

/** How many labels are drawn from each class. */
const classQuotas = (
  { name, classes }: { readonly name: string; readonly classes: readonly string[] },
  perClass: readonly (readonly number[])[],
  labels: number,
  seed: number,
  held: number,
): readonly number[] => {
  if (!Number.isInteger(labels) || labels < classes.length) {
    throw new UsageError(
      `labels: expected a whole number of at least ${classes.length}, one for each class of ${name}; found ${labels}.`,
    );
  }
  const share = Math.floor(labels / classes.length);
  const remainder = labels % classes.length;
  const quotas = classes.map(() => share);
  for (const label of permutation(classes.length, seed, 0, "labels/remainder").subarray(0, remainder)) {
    quotas[label]++;
  }
  const short = quotas.findIndex((quota, label) => quota > perClass[label].length);
  if (short >= 0) {
    const least = Math.min(...perClass.map((rows) => rows.length));
    throw new UsageError(
      `labels: ${labels} labels divided equally over ${classes.length} ` +
        `classes need ${quotas[short]} of class "${classes[short]}", which has ${perClass[short].length} labelled rows in ${name}` +
        `${held > 0 ? ` besides the ${held} held out for validation` : ""}. ` +
        (least > 0
          ? `Ask for at most ${least * classes.length} labels, or use all of them.`
          : "Label some, or leave the class out."),
    );
  }
  return quotas;
};
