/** The verbs of M2 and M1+M2. */
import { predictedClasses } from "../../models/index.ts";
import type { Kind, RunData } from "../kind.ts";
import type { RunSettings } from "../run-settings.ts";
import { withShares } from "./class-prior.ts";
import { exportClassifier } from "./export.ts";
import { carriedFigures } from "./measure.ts";
import type { TrainedClassifier } from "./trained.ts";

/** What `--json` says of a trained model: p(y). */
export const classifierFacts = async (trained: TrainedClassifier) => ({
  classShares: await trained.classShares(),
});

/** Whether the class says enough of x. */
export const classifierCautions = async (
  trained: TrainedClassifier,
  { train, test = train }: RunData,
): Promise<readonly string[]> => (await carriedFigures(trained, test)).warnings ?? [];

/** Draws of every class with the same styles; the class of rows by q(y|x), and their style. */
export const classifierVerbs: Required<
  Pick<
    Kind<RunSettings, never, TrainedClassifier>,
    "sample" | "classify" | "encode" | "reconstruct" | "export"
  >
> = {
  async sample(trained, { count = 10, seed }) {
    const { classes } = trained;
    return {
      values: await trained.sample(count, seed),
      count,
      columns: count,
      heads: { names: ["class"], cells: (row) => [classes[Math.floor(row / count)]] },
      noun: `samples of each of ${classes.length} classes`,
      json: { classes },
    };
  },
  async classify(trained, rows, { classShares }) {
    const classified = await trained.classify(rows);
    if (classShares === undefined) return classified;
    const probabilities = withShares(
      classified.probabilities,
      await trained.classShares(),
      classShares as "estimated" | readonly number[],
      trained.classes,
    );
    return { probabilities, predicted: predictedClasses(probabilities, trained.classes.length) };
  },
  encode: async (trained, rows) => ({ codes: await trained.encode(rows), width: trained.model.latent }),
  reconstruct: (trained, rows, indices) => trained.reconstruct(rows, indices),
  export: exportClassifier,
};
