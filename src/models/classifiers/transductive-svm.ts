import { anything, checkOptions, type OptionRules, whole } from "../../options.ts";
import { checkSeed, permutation } from "../../random/index.ts";
import { balancedLabels } from "./balanced-labels.ts";
import {
  type Classifier,
  checkPositive,
  checkRows,
  type FittedClassifier,
  type LabelledFeatures,
  labelledRows,
  selectRows,
} from "./classifier.ts";
import { type Comparison, cachedRows, type KernelName, kernel, scaleGamma } from "./kernel.ts";
import { type SvmSolution, solveSvm } from "./svm-solver.ts";

/** Options of {@link transductiveSvm}. */
export interface TransductiveSvmOptions {
  /** Default `"rbf"`. */
  readonly kernel?: KernelName;
  /** Cost of labelled rows inside the margin or on the wrong side. Default 1. */
  readonly C?: number;
  /** C*: the final cost of unlabelled rows. Default 0.3 · C. */
  readonly unlabelledC?: number;
  /** γ of exp(−γ ‖a − b‖²). Default 1 / (features · variance of the labelled rows' values). */
  readonly gamma?: number;
  /** Largest number of unlabelled rows used; the seed draws them. Default 2000. */
  readonly unlabelled?: number;
  /** Seed of that draw. Default 0. */
  readonly seed?: number;
}

const rules: OptionRules<TransductiveSvmOptions> = {
  kernel: anything,
  C: anything,
  unlabelledC: anything,
  gamma: anything,
  unlabelled: whole(0),
  seed: anything,
};

/** C* rises to its final value from 1/100 of it, in steps of equal ratio. */
const STAGES = 8;
const FIRST_SHARE = 0.01;
/** Machines and labels are updated in turn until the labels stop changing, at most this often for one C*. */
const TURNS = 5;

/**
 * Transductive support vector machine (Vapnik, 1998; Joachims, "Transductive inference for text classification using
 * support vector machines", 1999): margins are kept from unlabelled rows too, so that boundaries run where there are few.
 * With one machine for each class against the rest, it minimises over machines *and* labels ŷ of the unlabelled rows
 *
 *     Σ_c [ ½‖w_c‖² + C Σ_labelled max(0, 1 − y_ic f_c(x_i)) + C* Σ_unlabelled max(0, 1 − ŷ_uc f_c(x_u)) ]
 *
 * where each class has the same share of the labels ŷ as of the given labels; without that constraint the widest margin puts all rows in
 * one class. So a class's share of the labelled rows must be near its true share. Machines and labels are updated in turn, each exactly,
 * while C* rises. The result is a local minimum.
 *
 * Rows with label -1 are the unlabelled ones. Without any, it is the support vector machine of one class against the
 * rest; for two classes that is {@link svm}. If classes are not clusters, unlabelled rows can make it worse.
 *
 * Time grows with the square of the rows used, times the classes: 2,100 rows of 24 features in 10 classes take a few seconds. The same data
 * and seed give the same machines.
 *
 * ```ts
 * const fitted = await transductiveSvm().fit({ x, features: 50, labels, classes: 10 }); // labels: mostly -1
 * const predicted = predictedClasses(await fitted.scores(test), 10);
 * ```
 *
 * @throws UsageError when C, C* or γ is not a positive number, `unlabelled` not a whole number of at least 0, or `seed` not a seed.
 */
export const transductiveSvm = (options: TransductiveSvmOptions = {}): Classifier => {
  checkOptions("transductiveSvm", options, rules);
  const {
    kernel: name = "rbf",
    C = 1,
    unlabelledC = 0.3 * C,
    gamma,
    unlabelled: most = 2000,
    seed = 0,
  } = options;
  checkPositive("transductiveSvm", { C, unlabelledC, gamma });
  checkSeed(seed);
  return {
    name: "transductive SVM",
    async fit(data) {
      const { x, labels } = labelledRows("transductiveSvm", data);
      const scale = name === "linear" ? 0 : (gamma ?? scaleGamma("transductiveSvm", x, data.features));
      const rows = selectRows(data, transductiveRows(data.labels, { unlabelled: most, seed }));
      return fitMachines(rows, labels.length, { C, unlabelledC }, (known) =>
        kernel(name, known, data.features, scale),
      );
    },
  };
};

/** Indices of the rows that it is fitted on: first the labelled rows, then the unlabelled ones it draws, each ascending. */
export const transductiveRows = (
  labels: Int32Array,
  { unlabelled, seed }: { readonly unlabelled: number; readonly seed: number },
): readonly number[] => {
  const rows = Array.from(labels.keys());
  const labelled = rows.filter((row) => labels[row] >= 0);
  const others = rows.filter((row) => labels[row] === -1);
  if (others.length <= unlabelled) return [...labelled, ...others];
  const order = permutation(others.length, seed, 0, "transductive-svm");
  const drawn = Array.from(order.subarray(0, unlabelled), (i) => others[i]);
  return [...labelled, ...drawn.sort((a, b) => a - b)];
};

/** The first `labelled` rows have labels, those after them none. */
const fitMachines = (
  data: LabelledFeatures,
  labelled: number,
  { C, unlabelledC }: { readonly C: number; readonly unlabelledC: number },
  kernelOf: (rows: Float32Array) => Comparison,
): FittedClassifier => {
  const { x, classes, features } = data;
  const labels = data.labels.slice();
  const rows = [...labels.keys()];
  const K = kernelOf(x);
  const kernelRow = cachedRows(x, K);
  const diagonal = Float64Array.from(rows, (row) => kernelRow(row)[row]);
  const solve = (cost: number, starts: readonly SvmSolution[]): readonly SvmSolution[] =>
    Array.from({ length: classes }, (_, label) =>
      solveSvm({
        rows,
        y: Int8Array.from(labels, (value) => (value === label ? 1 : -1)),
        C: Float64Array.from(rows, (row) => (row < labelled ? C : cost)),
        kernelRow,
        diagonal,
        ...(starts.length > 0 && { start: starts[label].coefficients }),
      }),
    );
  let machines = solve(0, []);
  const counts = countsLike(labels.subarray(0, labelled), classes, rows.length - labelled);
  const relabel = (): boolean => {
    const best = balancedLabels(gains(machines, labelled), counts);
    const changed = best.some((label, u) => label !== labels[labelled + u]);
    labels.set(best, labelled);
    return changed;
  };
  if (rows.length > labelled) {
    relabel();
    for (let stage = 0; stage < STAGES; stage++) {
      const cost = unlabelledC * FIRST_SHARE ** (1 - stage / (STAGES - 1));
      for (let turn = 0; turn < TURNS; turn++) {
        machines = solve(cost, machines);
        if (!relabel()) break;
      }
    }
  }
  const support = rows.filter((row) => machines.some(({ coefficients }) => coefficients[row] !== 0));
  const known = kernelOf(selectRows(data, support).x);
  const fitted = machines.map(({ coefficients, rho }) => ({
    coefficients: Float64Array.from(support, (row) => coefficients[row]),
    rho,
  }));
  return {
    classes,
    features,
    scoring: "votes",
    async scores(test) {
      checkRows("transductiveSvm", "features", test, features);
      const similarity = new Float64Array(known.rows);
      const out = new Float32Array((test.length / features) * classes);
      for (let row = 0; row < test.length / features; row++) {
        known.compare(test, row, similarity);
        fitted.forEach(({ coefficients, rho }, label) => {
          let decision = -rho;
          for (let i = 0; i < coefficients.length; i++) decision += coefficients[i] * similarity[i];
          out[row * classes + label] = decision;
        });
      }
      return out;
    },
  };
};

/**
 * By how much the hinge loss of an unlabelled row falls when it is assigned to a class, [rows, classes]: max(0, 1 + f) − max(0, 1 − f). For
 * fixed machines, the labels with the largest sum minimise the objective.
 */
const gains = (machines: readonly SvmSolution[], labelled: number): Float64Array => {
  const classes = machines.length;
  const out = new Float64Array((machines[0].decisions.length - labelled) * classes);
  machines.forEach(({ decisions }, label) => {
    for (let row = labelled; row < decisions.length; row++) {
      const f = decisions[row];
      out[(row - labelled) * classes + label] = Math.max(0, 1 + f) - Math.max(0, 1 - f);
    }
  });
  return out;
};

/** `total` rows divided in proportion to the labels, by largest remainders; ties go to the first class. */
const countsLike = (labels: Int32Array, classes: number, total: number): readonly number[] => {
  const shares = new Array<number>(classes).fill(0);
  for (const label of labels) shares[label] += total / labels.length;
  const counts = shares.map((share) => Math.floor(share + 1e-9));
  const order = [...counts.keys()].sort((a, b) => shares[b] - counts[b] - (shares[a] - counts[a]) || a - b);
  const left = total - counts.reduce((sum, count) => sum + count, 0);
  for (const label of order.slice(0, left)) counts[label]++;
  return counts;
};
