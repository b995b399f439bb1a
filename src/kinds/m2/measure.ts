/** All figures of a trained M2 or M1+M2 on held-out rows. */
import { type Dataset, take } from "../../data/index.ts";
import type { Measured } from "../../report/index.ts";
import { byBayes, byGuide, errorFigures } from "../classification/errors.ts";
import type { MeasureOptions } from "../kind.ts";
import { levelsOf } from "../vae/measure.ts";
import { classWarnings } from "./carried.ts";
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
  const { likelihood, features } = trained.model;
  const told = { ...(await carriedFigures(trained, rows)), ...levelsOf(likelihood, features) };
  if (bayesSamples === 0) return { rows: rows.rows, bound: { elbo }, errors: [guide], ...told };
  const first = bayesRows < rows.rows ? take(rows, bayesRows) : rows;
  const found = await trained.classifyByBayes(first, bayesSamples);
  const bayes = errorFigures(byBayes(bayesSamples), first, found, classes);
  return { rows: rows.rows, bound: { elbo }, errors: [guide, bayes], ...told };
}

/** Rows of what class and style say, at most: their means are then known to some per cent. */
const MOST_CARRIED = 2000;

/** What class and style say of the first rows, and whether the class says enough. */
export async function carriedFigures(
  trained: TrainedClassifier,
  rows: Dataset,
): Promise<Pick<Measured, "carried" | "warnings">> {
  const first = rows.rows > MOST_CARRIED ? take(rows, MOST_CARRIED) : rows;
  const carried = await trained.carried(first);
  const warnings = classWarnings(carried);
  return { carried, ...(warnings.length > 0 && { warnings }) };
}
