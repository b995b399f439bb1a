/** All figures of a trained M2 or M1+M2 on held-out rows. */
import { type Dataset, take } from "../../data/index.ts";
import type { Measured } from "../../report/index.ts";
import { byBayes, byGuide, errorFigures } from "../classification/errors.ts";
import type { MeasureOptions } from "../kind.ts";
import type { TrainedClassifier } from "./trained.ts";

/**
 * The bound with y summed out; the error and calibration of q(y|x), and of Bayes' rule.
 * @throws UsageError when the rows have no labels.
 */
export async function measureClassifier(
  trained: TrainedClassifier,
  rows: Dataset,
  { validation, bayesSamples = 20, bayesRows = rows.rows }: MeasureOptions = {},
): Promise<Measured> {
  const classes = trained.classes.length;
  const elbo = { value: await trained.bound(rows), rows: rows.rows };
  const held = validation && (await trained.error(validation));
  const guide = errorFigures(byGuide, rows, await trained.classify(rows), classes, held);
  if (bayesSamples === 0) return { rows: rows.rows, bound: { elbo }, errors: [guide] };
  const first = bayesRows < rows.rows ? take(rows, bayesRows) : rows;
  const found = await trained.classifyByBayes(first, bayesSamples);
  const bayes = errorFigures(byBayes(bayesSamples), first, found, classes);
  return { rows: rows.rows, bound: { elbo }, errors: [guide, bayes] };
}
