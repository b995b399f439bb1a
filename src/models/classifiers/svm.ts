import { anything, checkOptions, type OptionRules } from "../../options.ts";
import {
  type Classifier,
  checkPositive,
  checkRows,
  type FittedClassifier,
  type LabelledFeatures,
  labelledRows,
} from "./classifier.ts";
import { type Comparison, cachedRows, type KernelName, kernel, scaleGamma } from "./kernel.ts";
import { solveSvm } from "./svm-solver.ts";

/** Options of {@link svm}. */
export interface SvmOptions {
  /** Default `"rbf"`. */
  readonly kernel?: KernelName;
  /** Cost of rows inside the margin or on the wrong side. Default 1. */
  readonly C?: number;
  /** γ of exp(−γ ‖a − b‖²). Default 1 / (features · variance of the labelled rows' values). */
  readonly gamma?: number;
}

const rules: OptionRules<SvmOptions> = {
  kernel: anything,
  C: anything,
  gamma: anything,
};

/**
 * Support vector machine (Cortes and Vapnik, 1995): one soft-margin machine for each pair of classes, which vote, as in LIBSVM (Chang and
 * Lin, 2011). Scores are votes plus the machines' summed decision values squeezed into (−⅓, ⅓), so that ties go to the class with the
 * larger decision values.
 *
 * Memory and time of a fit grow with the square of the labelled rows: a third of a second for 1,000, minutes for 20,000.
 *
 * ```ts
 * const fitted = await svm({ kernel: "rbf", C: 10 }).fit({ x, features: 50, labels, classes: 10 });
 * const predicted = predictedClasses(await fitted.scores(test), 10);
 * ```
 *
 * @throws UsageError when C or γ is not a positive number.
 */
export const svm = (options: SvmOptions = {}): Classifier => {
  checkOptions("svm", options, rules);
  const { kernel: name = "rbf", C = 1, gamma } = options;
  checkPositive("svm", { C, gamma });
  return {
    name: `${name === "rbf" ? "RBF" : "linear"} support vector machine`,
    async fit(data) {
      const known = labelledRows("svm", data);
      const { x, features } = known;
      const scale = name === "linear" ? 0 : (gamma ?? scaleGamma("svm", x, features));
      return fitSvm(known, C, (rows) => kernel(name, rows, features, scale));
    },
  };
};

/** The machine that separates class `positive` from class `negative`: coefficients of support vectors, and an offset. */
interface Machine {
  readonly positive: number;
  readonly negative: number;
  readonly rows: readonly number[];
  readonly coefficients: readonly number[];
  readonly rho: number;
}

const fitSvm = (
  data: LabelledFeatures,
  C: number,
  kernelOf: (rows: Float32Array) => Comparison,
): FittedClassifier => {
  const { x, features, labels, classes } = data;
  const kernelRow = cachedRows(x, kernelOf(x));
  const diagonal = Float64Array.from(labels, (_, row) => kernelRow(row)[row]);
  const members = Array.from({ length: classes }, (_, label) =>
    Array.from(labels.keys()).filter((row) => labels[row] === label),
  );
  const machines: Machine[] = [];
  for (let positive = 0; positive < classes; positive++) {
    for (let negative = positive + 1; negative < classes; negative++) {
      const rows = [...members[positive], ...members[negative]];
      const y = Int8Array.from(rows, (row) => (labels[row] === positive ? 1 : -1));
      const { coefficients, rho } = solveSvm({
        rows,
        y,
        C: new Float64Array(rows.length).fill(C),
        kernelRow,
        diagonal,
      });
      const support = Array.from(rows.keys()).filter((i) => coefficients[i] !== 0);
      machines.push({
        positive,
        negative,
        rows: support.map((i) => rows[i]),
        coefficients: support.map((i) => coefficients[i]),
        rho,
      });
    }
  }
  // From here on only support vectors matter.
  const support = [...new Set(machines.flatMap(({ rows }) => rows))].sort((a, b) => a - b);
  const place = new Map(support.map((row, i) => [row, i]));
  const vectors = new Float32Array(support.length * features);
  support.forEach((row, i) => {
    vectors.set(x.subarray(row * features, (row + 1) * features), i * features);
  });
  const placed = machines.map((machine) => ({
    ...machine,
    rows: machine.rows.map((row) => place.get(row) ?? 0),
  }));
  const K = kernelOf(vectors);
  return {
    classes,
    features,
    scoring: "votes",
    async scores(test) {
      checkRows("svm", "features", test, features);
      return vote(placed, K, test, test.length / features, classes);
    },
  };
};

const vote = (
  machines: readonly Machine[],
  K: Comparison,
  test: Float32Array,
  count: number,
  classes: number,
): Float32Array => {
  const similarity = new Float64Array(K.rows);
  const out = new Float32Array(count * classes);
  const votes = new Float64Array(classes);
  const sureness = new Float64Array(classes);
  for (let row = 0; row < count; row++) {
    K.compare(test, row, similarity);
    votes.fill(0);
    sureness.fill(0);
    for (const { positive, negative, rows, coefficients, rho } of machines) {
      let decision = -rho;
      for (let i = 0; i < rows.length; i++) decision += coefficients[i] * similarity[rows[i]];
      votes[decision > 0 ? positive : negative]++;
      sureness[positive] += decision;
      sureness[negative] -= decision;
    }
    for (let label = 0; label < classes; label++) {
      const sure = sureness[label];
      out[row * classes + label] = votes[label] + sure / (3 * (Math.abs(sure) + 1));
    }
  }
  return out;
};
