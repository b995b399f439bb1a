import { ArrayValue, compile } from "../../compile/index.ts";
import { Normal, OneHotCategorical } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import { map } from "../../inference/index.ts";
import { anything, checkOptions, type OptionRules, whole } from "../../options.ts";
import { model } from "../../program/index.ts";
import { add, constant, exp, logsumexp, matmul, type Tensor } from "../../tensor/index.ts";
import {
  type Classifier,
  checkRows,
  type FittedClassifier,
  type LabelledFeatures,
  labelledRows,
} from "./classifier.ts";

/** Options of {@link logistic}. */
export interface LogisticOptions {
  /** Standard deviation of the normal prior on each weight; intercepts have none. Default 1. */
  readonly priorScale?: number;
  /** Threads within an operation. Default: one a core. */
  readonly threads?: number;
}

const rules: OptionRules<LogisticOptions> = {
  priorScale: anything,
  threads: whole(1),
};

/** Scale of the intercepts' prior: practically flat, but still a density. */
const FLAT = 1e4;
/** The density is concave, so the search ends; wide priors and correlated features take it hundreds of steps. */
const STEPS = 10_000;

/**
 * Multinomial logistic regression: y ~ Categorical(softmax(x W + b)) with W ~ N(0, priorScale²), at its maximum a posteriori, which is
 * unique because the log posterior is concave. Scores are probabilities.
 *
 * ```ts
 * const fitted = await logistic().fit({ x, features: 50, labels, classes: 10 });
 * const probabilities = await fitted.scores(test);
 * ```
 *
 * @throws UsageError when the prior's scale is not a positive number.
 */
export const logistic = (options: LogisticOptions = {}): Classifier => {
  checkOptions("logistic", options, rules);
  const { priorScale = 1, threads } = options;
  if (!(priorScale > 0 && Number.isFinite(priorScale))) {
    throw new UsageError(`logistic: priorScale must be a number above 0, found ${priorScale}.`);
  }
  return {
    name: "logistic regression",
    fit: (data) => fitLogistic(labelledRows("logistic", data), priorScale, threads),
  };
};

const fitLogistic = async (
  { x, features, labels, classes }: LabelledFeatures,
  priorScale: number,
  threads: number | undefined,
): Promise<FittedClassifier> => {
  const rows = labels.length;
  const y = new Float32Array(rows * classes);
  labels.forEach((label, row) => {
    y[row * classes + label] = 1;
  });
  const regression = model(
    ({ plate, sample, observe }, known: Tensor, given: Tensor) => {
      const weights = sample("weights", Normal(0, priorScale).expand([features, classes]).toEvent(2));
      const bias = sample("bias", Normal(0, FLAT).expand([classes]).toEvent(1));
      plate("row", rows, () => {
        observe("y", OneHotCategorical({ logits: add(matmul(known, weights), bias) }), given);
      });
    },
    { name: "logistic regression" },
  );
  const { values } = await map(regression).run(
    [constant(x, [rows, features]), constant(y, [rows, classes])],
    { maxSteps: STEPS, ...(threads !== undefined && { threads }) },
  );
  const part = (name: string, shape: readonly number[]): ArrayValue =>
    new ArrayValue(shape, "float32", Float32Array.from(values.get(name)?.data ?? [], Number));
  const weights = part("weights", [features, classes]);
  const bias = part("bias", [classes]);
  const softmax = compile(
    (rows: Tensor, w: Tensor, b: Tensor) => {
      const logits = add(matmul(rows, w), b);
      return exp(logits.sub(logsumexp(logits, -1, { keepDims: true })));
    },
    threads === undefined ? {} : { threads },
  );
  return {
    classes,
    features,
    scoring: "probability",
    async scores(test) {
      checkRows("logistic", "features", test, features);
      const value = new ArrayValue([test.length / features, features], "float32", test);
      return (await softmax(value, weights, bias)).data as Float32Array;
    },
  };
};
