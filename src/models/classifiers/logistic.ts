import { compile } from "../../compile/compile.ts";
import { ArrayValue } from "../../compile/index.ts";
import { Normal, OneHotCategorical } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import { autoDelta, svi } from "../../inference/index.ts";
import { initializers } from "../../nn/index.ts";
import { adam, schedules } from "../../optim/index.ts";
import { model } from "../../program/index.ts";
import { input } from "../../tensor/leaf.ts";
import { add } from "../../tensor/ops/arithmetic.ts";
import { matmul } from "../../tensor/ops/matmul.ts";
import { logsumexp } from "../../tensor/ops/reduce.ts";
import { exp } from "../../tensor/ops/transcendental.ts";
import type { Tensor } from "../../tensor/tensor.ts";
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
  readonly threads?: number;
}

/** Steps of Adam, and its first learning rate, which falls to 0. The posterior is concave: they end at its one maximum. */
const STEPS = 2000;
const LEARNING_RATE = 0.1;

/**
 * Multinomial logistic regression: y ~ Categorical(softmax(x W + b)) with W ~ N(0, priorScale²), at its maximum a posteriori: a
 * program under the point guide. Scores are probabilities.
 *
 * ```ts
 * const fitted = await logistic().fit({ x, features: 50, labels, classes: 10 });
 * const probabilities = await fitted.scores(test);
 * ```
 *
 * @throws UsageError unless the prior's scale is a positive number.
 */
export const logistic = ({ priorScale = 1, threads }: LogisticOptions = {}): Classifier => {
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
    ({ plate, sample, observe, param }, known: Tensor, given: Tensor) => {
      const weights = sample("weights", Normal(0, priorScale).expand([features, classes]).toEvent(2));
      const bias = param("bias", [classes], initializers.zeros);
      plate("row", rows, () => {
        observe("y", OneHotCategorical({ logits: add(matmul(known, weights), bias) }), given);
      });
    },
    { name: "logistic regression" },
  );
  const args = [input("x", [rows, features]), input("y", [rows, classes])] as const;
  const { values } = await svi(regression, autoDelta(regression)).run([...args], {
    steps: STEPS,
    optimizer: adam({ learningRate: schedules.cosine({ peak: LEARNING_RATE, steps: STEPS }) }),
    executor: "native",
    ...(threads !== undefined && { threads }),
    feed(step, index) {
      if (index > 0) return;
      step.input("x").set(x);
      step.input("y").set(y);
    },
  });
  const part = (name: string, shape: readonly number[]): ArrayValue =>
    new ArrayValue(shape, "float32", (values.get(name) ?? new Float32Array()).slice());
  const weights = part("weights.unconstrained", [features, classes]);
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
