/** The error of a way to classify on held-out rows. */
import type { Dataset } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import { calibration, confusionMatrix, errorRate } from "../../models/index.ts";
import type { ErrorFigures } from "../../report/index.ts";
import type { Classified } from "../kind.ts";

/** A way to classify: its key in results, and its name to follow "by". */
export interface Way {
  readonly by: string;
  readonly text: string;
  /** Importance samples used. */
  readonly samples?: number;
}

/** By the guide of M2 and M1+M2. */
export const byGuide: Way = { by: "q(y|x)", text: "q(y\u00a0|\u00a0x)" };

/** By Bayes' rule, with this number of importance samples for p(x, y). */
export const byBayes = (samples: number): Way => ({
  by: "Bayes",
  text: `Bayes\u2019 rule with ${samples} sample${samples === 1 ? "" : "s"}`,
  samples,
});

/** @throws UsageError when the rows have no labels. */
export function errorFigures(
  way: Way,
  rows: Dataset,
  { predicted, probabilities }: Classified,
  classes: number,
  validation?: number,
): ErrorFigures {
  if (rows.labels === undefined) {
    throw new UsageError(`${rows.name}: expected labels to compare with, found none.`);
  }
  const confusion = confusionMatrix(rows.labels, predicted, classes);
  const labelled = confusion.flat().reduce((a, b) => a + b, 0);
  const value = errorRate(confusion);
  return {
    ...way,
    error: { value, rows: labelled, standardError: Math.sqrt((value * (1 - value)) / labelled) },
    ...(validation !== undefined && { validation }),
    confusion,
    ...(probabilities && { calibration: calibration(probabilities, rows.labels, { classes }) }),
  };
}
