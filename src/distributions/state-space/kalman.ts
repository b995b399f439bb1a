/**
 * The Kalman filter and its smoothers: states of a linear-Gaussian model summed out exactly, in loops (`scan`) whose size does not depend on the number of steps.
 * No covariance of states is inverted, so that noise may act on a part of the state alone, and states may be known without error.
 *
 * Steps are the first axis here, before samples, batch and the axes of vectors and matrices.
 */
import {
  abs,
  add,
  cholesky,
  concat,
  diagonal,
  div,
  expand,
  eye,
  full,
  greater,
  lessEqual,
  log,
  matmul,
  mul,
  reshape,
  type Shape,
  scan,
  slice,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
  transpose,
  triangularSolve,
  unsqueeze,
  where,
} from "../../tensor/index.ts";
import { HALF_LOG_TWO_PI } from "../numerics.ts";

/** What moves states, or makes values of them: x ↦ matrix · x + offset + noise. */
export interface Linear {
  readonly matrix: Tensor;
  readonly offset: Tensor;
  readonly covariance: Tensor;
}

/** Each tensor either for all steps, or [steps, …]. */
export interface Steps<T> {
  readonly fixed: Partial<T>;
  readonly each: Partial<T>;
}

/** A model of `length` steps. */
export interface KalmanModel {
  readonly length: number;
  /** Mean [..., n] and covariance [..., n, n] of the first state. */
  readonly initialMean: Tensor;
  readonly initialCovariance: Tensor;
  /** From each step but the last to the next. */
  readonly transition: Steps<Linear>;
  readonly emission: Steps<Linear>;
  /** 1 where a value was observed and 0 where it is missing, [steps, …, m]. Default: all observed. */
  readonly mask?: Tensor;
  /** The shape of the samples and the batch together, and of the batch of parameters alone. */
  readonly outer: Shape;
  readonly batch: Shape;
}

/** What the filter knows after each step. */
export interface Filtered {
  /** Of the state, given the values before it. */
  readonly predictedMean: Tensor;
  readonly predictedCovariance: Tensor;
  /** Of the state, given the values before it and its own. */
  readonly mean: Tensor;
  readonly covariance: Tensor;
  /** ln p(value | values before it). */
  readonly logProb: Tensor;
  /** Hᵀ S⁻¹ (y − its prediction), Hᵀ S⁻¹ H, and I − K H. */
  readonly pull: Tensor;
  readonly information: Tensor;
  readonly keep: Tensor;
}

const flip = (t: Tensor): Tensor =>
  transpose(t, [...Array.from({ length: t.rank - 2 }, (_, i) => i), t.rank - 1, t.rank - 2]);
/** A matrix times a vector. */
export const apply = (matrix: Tensor, vector: Tensor): Tensor =>
  squeeze(matmul(matrix, unsqueeze(vector, -1)), -1);
/** M V Mᵀ. */
const around = (matrix: Tensor, covariance: Tensor): Tensor =>
  matmul(matmul(matrix, covariance), flip(matrix));

/** L with L Lᵀ = S; of single numbers without the loops of a factorisation. */
const root = (s: Tensor): Tensor => (s.shape[s.rank - 1] === 1 ? sqrt(s) : cholesky(s));
const solveRoot = (l: Tensor, b: Tensor, transposed = false): Tensor =>
  l.shape[l.rank - 1] === 1 ? div(b, l) : triangularSolve(l, b, { transpose: transposed });

const first = (t: Tensor): Tensor => squeeze(slice(t, { axis: 0, end: 1 }), 0);
const after = (t: Tensor): Tensor => slice(t, { axis: 0, start: 1 });

const mapped = (record: Partial<Linear>, f: (t: Tensor) => Tensor): Partial<Linear> =>
  Object.fromEntries(Object.entries(record).map(([k, t]) => [k, f(t)]));

/** The linear map of one step. */
const joined = (fixed: Partial<Linear>, each: Partial<Linear>): Linear => ({ ...fixed, ...each }) as Linear;

/** The mean and covariance of the state of the next step. */
function predict(mean: Tensor, covariance: Tensor, by: Linear): readonly [Tensor, Tensor] {
  return [add(apply(by.matrix, mean), by.offset), add(around(by.matrix, covariance), by.covariance)];
}

/** One value taken into account. Missing elements of it get variance 1 and a residual of 0, and no part of the density. */
function update(
  mean: Tensor,
  covariance: Tensor,
  value: Tensor,
  by: Linear,
  mask: Tensor | undefined,
): Filtered {
  const { dtype } = mean;
  const [m] = by.matrix.shape.slice(-2);
  const n = mean.shape[mean.rank - 1];
  const plain = sub(value, add(apply(by.matrix, mean), by.offset));
  const residual = mask === undefined ? plain : where(greater(mask, 0), plain, 0);
  const h = mask === undefined ? by.matrix : mul(by.matrix, unsqueeze(mask, -1));
  const noise =
    mask === undefined
      ? by.covariance
      : add(
          mul(by.covariance, mul(unsqueeze(mask, -1), unsqueeze(mask, -2))),
          mul(eye(m, dtype), unsqueeze(sub(1, mask), -1)),
        );
  const across = matmul(covariance, flip(h));
  const l = root(add(matmul(h, across), noise));
  const white = solveRoot(l, unsqueeze(residual, -1));
  const scaled = solveRoot(l, white, true);
  const gain = flip(solveRoot(l, solveRoot(l, flip(across)), true));
  const whiteH = solveRoot(l, h);
  const keep = sub(eye(n, dtype), matmul(gain, h));
  const seen = mask === undefined ? full([], m, dtype) : sum(mask, -1);
  const logs = add(mul(sum(square(squeeze(white, -1)), -1), 0.5), sum(log(diagonal(l)), -1));
  return {
    predictedMean: mean,
    predictedCovariance: covariance,
    mean: add(mean, squeeze(matmul(across, scaled), -1)),
    // Joseph's form, a sum of two covariances.
    covariance: add(around(keep, covariance), around(gain, noise)),
    logProb: sub(mul(seen, -HALF_LOG_TWO_PI), logs),
    pull: squeeze(matmul(flip(h), scaled), -1),
    information: matmul(flip(whiteH), whiteH),
    keep,
  };
}

/** The filter over values [length, …, m]. */
export function filter(model: KalmanModel, values: Tensor): Filtered {
  const { transition, emission, mask, outer, batch } = model;
  const [n] = model.initialMean.shape.slice(-1);
  const wide = (found: Filtered): Filtered => ({
    ...found,
    mean: expand(found.mean, [...outer, n]),
    predictedMean: expand(found.predictedMean, [...outer, n]),
    logProb: expand(found.logProb, outer),
    covariance: expand(found.covariance, [...batch, n, n]),
    predictedCovariance: expand(found.predictedCovariance, [...batch, n, n]),
  });
  const begin = wide(
    update(
      model.initialMean,
      model.initialCovariance,
      first(values),
      joined(emission.fixed, mapped(emission.each, first)),
      mask && first(mask),
    ),
  );
  const inputs: Record<string, Tensor> = { values: after(values), ...(mask && { mask: after(mask) }) };
  for (const [k, t] of Object.entries(transition.each)) inputs[`transition.${k}`] = t;
  for (const [k, t] of Object.entries(emission.each)) inputs[`emission.${k}`] = after(t);
  const own = (step: Readonly<Record<string, Tensor>>, of: string): Partial<Linear> =>
    Object.fromEntries(
      Object.entries(step).flatMap(([k, t]) => (k.startsWith(of) ? [[k.slice(of.length), t]] : [])),
    );
  const { outputs } = scan(
    { mean: begin.mean, covariance: begin.covariance },
    inputs,
    ({ mean, covariance }, step) => {
      const predicted = predict(mean, covariance, joined(transition.fixed, own(step, "transition.")));
      const by = joined(emission.fixed, own(step, "emission."));
      const found = wide(update(...predicted, step.values, by, step.mask));
      return { carry: { mean: found.mean, covariance: found.covariance }, output: { ...found } };
    },
  );
  const together = (key: keyof Filtered): Tensor => {
    const rest = outputs[key];
    return concat([expand(unsqueeze(begin[key], 0), [1, ...rest.shape.slice(1)]), rest]);
  };
  return {
    predictedMean: together("predictedMean"),
    predictedCovariance: together("predictedCovariance"),
    mean: together("mean"),
    covariance: together("covariance"),
    logProb: together("logProb"),
    pull: together("pull"),
    information: together("information"),
    keep: together("keep"),
  };
}

/** Means and covariances of states given all values, by the disturbance smoother (de Jong 1988; Durbin & Koopman 2012, section 4.4). */
export function smooth(
  model: KalmanModel,
  seen: Filtered,
): { readonly mean: Tensor; readonly covariance: Tensor } {
  const { transition, outer, batch } = model;
  const n = seen.keep.shape[seen.keep.rank - 1];
  const { dtype } = seen.mean;
  const matrices = transition.each.matrix;
  // Nothing comes after the last step: any matrix does there.
  const padded = matrices && concat([matrices, expand(full([], 0, dtype), [1, ...matrices.shape.slice(1)])]);
  const { predictedMean, predictedCovariance, pull, information, keep } = seen;
  const { outputs } = scan(
    {
      pull: expand(full([], 0, dtype), [...outer, n]),
      information: expand(full([], 0, dtype), [...batch, n, n]),
    },
    {
      predictedMean,
      predictedCovariance,
      pull,
      information,
      keep,
      ...(padded && { matrix: padded }),
    } as Readonly<Record<string, Tensor>>,
    (later, step) => {
      const back = flip(matmul(step.matrix ?? (transition.fixed.matrix as Tensor), step.keep));
      const force = expand(add(step.pull, apply(back, later.pull)), [...outer, n]);
      const known = expand(add(step.information, around(back, later.information)), [...batch, n, n]);
      const before = step.predictedCovariance;
      return {
        carry: { pull: force, information: known },
        output: {
          mean: add(step.predictedMean, apply(before, force)),
          covariance: sub(before, around(before, known)),
        },
      };
    },
    { reverse: true },
  );
  return outputs;
}

/** A factor of a covariance that may be singular: Cholesky's, with columns of zeros where nothing is left. NaN if it is none. */
export function factorOf(covariance: Tensor): Tensor {
  const n = covariance.shape[covariance.rank - 1];
  const { dtype } = covariance;
  const least = dtype === "float64" ? 1e-14 : 1e-6;
  const size = sum(diagonal(covariance), -1, { keepDims: true });
  const columns: Tensor[] = [];
  let rest = covariance;
  for (let j = 0; j < n; j++) {
    const column = squeeze(slice(rest, { axis: -1, start: j, end: j + 1 }), -1);
    const pivot = slice(column, { axis: -1, start: j, end: j + 1 });
    const none = lessEqual(abs(pivot), mul(size, least));
    const l = where(none, 0, div(column, sqrt(where(none, 1, pivot))));
    const below =
      j === 0 ? l : concat([mul(slice(l, { axis: -1, end: j }), 0), slice(l, { axis: -1, start: j })], -1);
    columns.push(unsqueeze(below, -1));
    rest = sub(rest, mul(unsqueeze(below, -1), unsqueeze(below, -2)));
  }
  return reshape(concat(columns, -1), covariance.shape);
}
