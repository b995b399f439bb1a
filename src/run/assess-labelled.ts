/** All figures of a model that learnt from few labels, at once: what `evaluate` prints and a report opens with. */
import { type Dataset, take } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { type Calibration, calibration, confusionMatrix, errorRate } from "../models/index.ts";
import type { ClassifierName } from "./settings.ts";
import type { Classification, TrainedClassifier } from "./trained-classifier.ts";
import type { TrainedM1 } from "./trained-m1.ts";

/** Options of an assessment of a model that learnt from labels. */
export interface LabelledAssessOptions {
  /** Rows held out to validate, whose error is told beside the test's. */
  readonly validation?: Dataset;
  /** Importance samples of Bayes' rule; 0 leaves it out. Default 20. */
  readonly bayesSamples?: number;
  /** Bayes' rule is asked of the first rows only. Default all. */
  readonly bayesRows?: number;
}

/** How a way to classify did on held-out rows. */
export interface ClassificationFigures {
  /** Share of the labelled rows that are given another class. */
  readonly error: number;
  readonly validationError?: number;
  /** Rows by true class (first index) and predicted class. */
  readonly confusion: readonly (readonly number[])[];
  /** Where it gives probabilities. */
  readonly calibration?: Calibration;
}

/** How a model that learnt from labels did on held-out rows. */
export interface LabelledAssessment {
  readonly rows: number;
  /** The lower bound of log p(x), nats, mean over the rows. */
  readonly elbo: number;
  /** By q(y|x); of M1 by the classifier that was chosen. */
  readonly by: ClassificationFigures;
  /** By Bayes' rule, of models with a density of data and class. */
  readonly bayes?: ClassificationFigures & { readonly samples: number; readonly rows: number };
  /** Each classifier of M1 that its run can fit. */
  readonly classifiers?: Readonly<Partial<Record<ClassifierName, ClassificationFigures>>>;
}

function figures(
  classes: number,
  data: Dataset,
  { predicted, probabilities }: Classification,
  validationError?: number,
): ClassificationFigures {
  if (data.labels === undefined) {
    throw new UsageError(`${data.name}: expected labels to compare with, found none.`);
  }
  const confusion = confusionMatrix(data.labels, predicted, classes);
  return {
    error: errorRate(confusion),
    ...(validationError !== undefined && { validationError }),
    confusion,
    ...(probabilities && { calibration: calibration(probabilities, data.labels, { classes }) }),
  };
}

/**
 * Evaluates a model that learnt from few labels on held-out rows: errors, calibration, the bound.
 * @throws UsageError when the rows have no labels.
 */
export async function assessLabelled(
  trained: TrainedClassifier | TrainedM1,
  test: Dataset,
  options: LabelledAssessOptions = {},
): Promise<LabelledAssessment> {
  const { validation } = options;
  const classes = trained.classes.length;
  const elbo = await trained.bound(test);
  if (trained.kind === "m1") {
    const figuresBy = async (name: ClassifierName): Promise<ClassificationFigures> => {
      const held = validation && (await trained.error(validation, name));
      return figures(classes, test, await trained.classify(test, name), held);
    };
    const { chosen } = trained.settings;
    const by = await figuresBy(chosen);
    const entries: [ClassifierName, ClassificationFigures][] = [];
    for (const name of trained.classifiers)
      entries.push([name, name === chosen ? by : await figuresBy(name)]);
    return { rows: test.rows, elbo, by, classifiers: Object.fromEntries(entries) };
  }
  const held = validation && (await trained.error(validation));
  const by = figures(classes, test, await trained.classify(test), held);
  const { bayesSamples = 20, bayesRows = test.rows } = options;
  if (bayesSamples === 0) return { rows: test.rows, elbo, by };
  const first = bayesRows < test.rows ? take(test, bayesRows) : test;
  const bayes = figures(classes, first, await trained.classifyByBayes(first, bayesSamples));
  return { rows: test.rows, elbo, by, bayes: { ...bayes, samples: bayesSamples, rows: first.rows } };
}
