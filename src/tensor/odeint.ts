import { ShapeError } from "../errors.ts";
import { checkOptions, type OptionRules, positive, whole } from "../options.ts";
import { constant, isConstant, operands, scalar, type TensorLike, zeros } from "./leaf.ts";
import { abs, add, clip, div, maximum, minimum, mul, pow, sqrt, square, sub } from "./ops/arithmetic.ts";
import { cast } from "./ops/cast.ts";
import { equal, greaterEqual, lessEqual } from "./ops/comparison.ts";
import { expand, reshape, unsqueeze } from "./ops/movement.ts";
import { concat, slice } from "./ops/parts.ts";
import { sum } from "./ops/reduce.ts";
import { stopGradient } from "./ops/stop-gradient.ts";
import { where } from "./ops/where.ts";
import { like, listOf, scan, type Tensors } from "./scan.ts";
import { formatShape, sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Options of {@link odeint}. */
export interface OdeintOptions {
  /**
   * A fixed number of equal steps between two neighbouring times, instead of steps chosen by their error. Faster, but nothing says whether they
   * are enough. Default: chosen by the error.
   */
  readonly steps?: number;
  /** Largest error of a step relative to the size of the state. Default 1e-6. */
  readonly relativeTolerance?: number;
  /** Largest error of a step, in the units of the state, where the state is near 0. Default 1e-8. */
  readonly absoluteTolerance?: number;
  /** Number of steps, tried ones included, between two neighbouring times; where they are not enough, the solution is NaN from there on. Default 64. */
  readonly maxSteps?: number;
}

const rules: OptionRules<OdeintOptions> = {
  steps: whole(1),
  relativeTolerance: positive,
  absoluteTolerance: positive,
  maxSteps: whole(1),
};

type State = readonly Tensor[];
type Slope = (time: Tensor, state: State) => State;

/** Dormand and Prince's pair of orders 5 and 4 (1980): nodes, stages, weights, and the difference of the two orders' weights. */
const NODES = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const STAGES = [
  [],
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const WEIGHTS = STAGES[6];
const DIFFERENCES = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/** y + size · Σ weights · slopes. */
const moved = (y: State, size: Tensor, weights: readonly number[], slopes: readonly State[]): State =>
  y.map((t, i) => {
    const used = weights.flatMap((w, k) => (w === 0 ? [] : [mul(slopes[k][i], w)]));
    return used.length === 0
      ? t
      : add(
          t,
          mul(
            size,
            used.reduce((a, b) => add(a, b)),
          ),
        );
  });

/** Slopes at the stages of a step. */
function slopesOf(f: Slope, time: Tensor, y: State, size: Tensor, count: number): State[] {
  const slopes: State[] = [];
  for (let k = 0; k < count; k++)
    slopes.push(f(add(time, mul(size, NODES[k])), moved(y, size, STAGES[k], slopes)));
  return slopes;
}

/** The intervals between times, one row for each step in them: [(times − 1) · steps]. */
function rowsOf(times: Tensor, steps: number) {
  const count = times.shape[0] - 1;
  const start = slice(times, { axis: 0, end: count });
  const length = sub(slice(times, { axis: 0, start: 1 }), start);
  const repeated = (t: Tensor): Tensor => reshape(expand(unsqueeze(t, 1), [count, steps]), [count * steps]);
  const isFirst = constant(
    Array.from({ length: count * steps }, (_, i) => (i % steps === 0 ? 1 : 0)),
    [count * steps],
    times.dtype,
  );
  return { count, start: repeated(start), length: repeated(length), isFirst };
}

type Rows = ReturnType<typeof rowsOf>;

/**
 * The share of its interval that each step covers, [(times − 1) · steps]: 0 for steps that were tried and are too inexact, and for those that are
 * not needed. NaN for all of an interval that its steps do not reach the end of.
 */
function chosenShares(
  f: Slope,
  y0: State,
  rows: Rows,
  steps: number,
  { relativeTolerance = 1e-6, absoluteTolerance = 1e-8 }: OdeintOptions,
): Tensor {
  const { dtype } = rows.start;
  const one = scalar(1, dtype);
  const { outputs } = scan(
    [scalar(0, dtype), scalar(0, dtype), ...y0],
    [rows.start, rows.length, rows.isFirst],
    ([doneBefore, sizeBefore, ...y], [start, length, isFirst]) => {
      const done = where(equal(isFirst, 1), 0, doneBefore);
      const width = abs(length);
      // Begin with a tenth of the first interval; later intervals go on with the size that was found.
      const size = where(equal(sizeBefore, 0), mul(width, 0.1), sizeBefore);
      const left = sub(one, done);
      const share = where(equal(width, 0), left, minimum(div(size, maximum(width, 1e-30)), left));
      const real = mul(share, length);
      const slopes = slopesOf(f, add(start, mul(done, length)), y, real, 7);
      const next = moved(y, real, WEIGHTS, slopes);
      const off = moved(
        y.map((t) => mul(t, 0)),
        real,
        DIFFERENCES,
        slopes,
      );
      const count = y.reduce((n, t) => n + t.size, 0);
      const squares = off.map((e, i) => {
        const scale = add(mul(maximum(abs(y[i]), abs(next[i])), relativeTolerance), absoluteTolerance);
        return sum(square(div(e, scale)));
      });
      const error = sqrt(
        mul(
          squares.reduce((a, b) => add(a, b)),
          1 / count,
        ),
      );
      // A step that is not finite is too long: no comparison with NaN holds.
      const isGood = lessEqual(error, 1);
      const known = where(lessEqual(error, 1e10), error, 1e10);
      const factor = clip(mul(pow(maximum(known, 1e-10), -0.2), 0.9), 0.2, 5);
      // A step that was cut off at the end of its interval says little about the next.
      const wasCut = lessEqual(mul(share, width), mul(size, 0.999));
      const grown = mul(size, factor);
      const nextSize = where(
        isGood,
        where(wasCut, maximum(size, mul(mul(share, width), factor)), grown),
        mul(mul(share, width), factor),
      );
      const taken = where(isGood, share, 0);
      return {
        carry: [add(done, taken), nextSize, ...y.map((t, i) => where(isGood, next[i], t))],
        output: taken,
      };
    },
  );
  const table = reshape(outputs, [rows.count, steps]);
  const reached = greaterEqual(sum(table, 1, { keepDims: true }), 1 - 1e-5);
  const whole = where(reached, table, Number.NaN);
  // The rounded shares end exactly at the time that is asked for.
  return stopGradient(reshape(div(whole, sum(whole, 1, { keepDims: true })), [rows.count * steps]));
}

/**
 * The solution of y' = f(t, y) at given times, by the Runge–Kutta pair of Dormand and Prince. Each interval between two times has steps whose
 * lengths follow from their errors; where the steps that are allowed do not reach the end, the solution is NaN from there on, never a guess.
 * Gradients go through the steps (their lengths are held): they are those of the numbers returned, for the state at the beginning, the
 * times, and whatever else `f` reads. They cost memory for all steps. For stiff equations, whose steps have to be tiny, there is no method here.
 *
 * @param f from a time (a number) and a state to the slopes, in the structure of the state
 * @param initial the state at the first time
 * @param times [count] of at least one, each after (or each before) the last
 * @returns the states at all times, each [count, …], the first of which is `initial`
 *
 * @example
 * // Prey u and predators v.
 * const { u, v } = odeint(
 *   (_, { u, v }) => ({ u: u.mul(alpha.sub(beta.mul(v))), v: v.mul(delta.mul(u).sub(gamma)) }),
 *   { u: tensor(30), v: tensor(4) },
 *   [0, 1, 2, 3, 4],
 * );
 *
 * @throws ShapeError when the slopes have other shapes than the state, or known times are not in order.
 */
export function odeint<Y extends Tensors>(
  f: (time: Tensor, state: Y) => Y,
  initial: Y,
  times: TensorLike,
  options: OdeintOptions = {},
): Y {
  checkOptions("odeint", options, rules);
  const first = listOf(initial);
  if (first.length === 0 || !first.every((t) => t instanceof Tensor))
    throw new ShapeError("odeint: the initial state must be a tensor, or an array or object of tensors.");
  const [given] = operands("odeint", times);
  const time = cast(given, first[0].dtype);
  if (time.rank !== 1 || time.size === 0)
    throw new ShapeError(
      `odeint: the times must be a list of at least one, found shape ${formatShape(time.shape)}.`,
    );
  checkOrder(given);
  const slope: Slope = (now, state) => {
    const slopes = listOf(f(now, like(initial, state)));
    if (slopes.length !== state.length || slopes.some((t, i) => !sameShape(t.shape, state[i].shape)))
      throw new ShapeError(
        `odeint: a state of shapes ${state.map((t) => formatShape(t.shape)).join(", ")} has slopes of shapes ` +
          `${slopes.map((t) => formatShape(t.shape)).join(", ")}; they must be the same.`,
      );
    return slopes;
  };
  if (time.size === 1)
    return like(
      initial,
      first.map((t) => unsqueeze(t, 0)),
    );
  const { steps: fixed, maxSteps = 64 } = options;
  const steps = fixed ?? maxSteps;
  const rows = rowsOf(time, steps);
  const { dtype } = time;
  const shares =
    fixed === undefined
      ? chosenShares(
          slope,
          first.map((t) => stopGradient(t)),
          rows,
          steps,
          options,
        )
      : expand(scalar(1 / fixed, dtype), [rows.count * steps]);
  const { outputs } = scan(
    [zeros([], dtype), ...first],
    [rows.start, rows.length, rows.isFirst, shares],
    ([doneBefore, ...y], [start, length, isFirst, share]) => {
      const done = where(equal(isFirst, 1), 0, doneBefore);
      const size = mul(share, length);
      const slopes = slopesOf(slope, add(start, mul(done, length)), y, size, 6);
      const next = moved(y, size, WEIGHTS, slopes);
      return { carry: [add(done, share), ...next], output: next };
    },
  );
  return like(
    initial,
    first.map((t, i) => {
      const table = reshape(outputs[i], [rows.count, steps, ...t.shape]);
      const ends = slice(table, { axis: 1, start: steps - 1 });
      return concat([unsqueeze(t, 0), reshape(ends, [rows.count, ...t.shape])]);
    }),
  );
}

function checkOrder(times: Tensor): void {
  if (!isConstant(times)) return;
  const values = Array.from(times.attributes.values);
  const sign = Math.sign((values.at(-1) ?? 0) - values[0]);
  const wrong = values.findIndex((v, i) => i > 0 && !(Math.sign(v - values[i - 1]) === sign && sign !== 0));
  if (wrong > 0)
    throw new ShapeError(
      `odeint: the times must rise, or fall, from each to the next; number ${wrong} is ${values[wrong]} after ${values[wrong - 1]}.`,
    );
}
