/**
 * Hyperparameters over time.
 *
 * @module
 */
import { UsageError } from "../errors.ts";

/**
 * A hyperparameter over time: a pure function of the number of updates already made. The first update asks
 * for step 0.
 */
export type Schedule = (step: number) => number;

const demand = (holds: boolean, schedule: string, expected: string, found: unknown): void => {
  if (!holds) throw new UsageError(`${schedule} schedule: expected ${expected}, found ${found}`);
};

const demandRate = (schedule: string, name: string, value: number): void =>
  demand(Number.isFinite(value) && value >= 0, schedule, `${name} to be finite and not negative`, value);

const demandSteps = (schedule: string, name: string, value: number, least: number): void =>
  demand(
    Number.isInteger(value) && value >= least,
    schedule,
    `${name} to be an integer, ${least} or more`,
    value,
  );

/** Always `value`. */
export const constant = (value: number): Schedule => {
  demandRate("constant", "value", value);
  return () => value;
};

/** Linear from `from` at step 0 to `to` at step `steps`, then constant. */
export const linear = ({
  from,
  to,
  steps,
}: {
  /** The value at step 0. */
  readonly from: number;
  /** The value from step `steps` on. */
  readonly to: number;
  /** The number of updates from the first value to the last. */
  readonly steps: number;
}): Schedule => {
  demandRate("linear", "from", from);
  demandRate("linear", "to", to);
  demandSteps("linear", "steps", steps, 1);
  return (step) => from + (to - from) * Math.min(step / steps, 1);
};

/**
 * Cosine annealing without restarts (Loshchilov and Hutter, "SGDR", 2017), after an optional linear warm-up:
 * `peak·(step + 1)/warmup` for the first `warmup` steps, then half a cosine down from `peak` to `floor`, which is reached
 * at step `steps`, then constant.
 *
 * ```ts
 * adam({ learningRate: schedules.cosine({ peak: 1e-3, steps: 10_000, warmup: 500 }) });
 * ```
 */
export const cosine = ({
  peak,
  steps,
  warmup = 0,
  floor = 0,
}: {
  /** The largest value, reached after the warm-up. */
  readonly peak: number;
  /** Number of updates in total, including the warm-up. */
  readonly steps: number;
  /** Number of updates of the linear warm-up. Default 0. */
  readonly warmup?: number;
  /** The value at the end. Default 0. */
  readonly floor?: number;
}): Schedule => {
  demandRate("cosine", "peak", peak);
  demandRate("cosine", "floor", floor);
  demandSteps("cosine", "warmup", warmup, 0);
  demandSteps("cosine", "steps", steps, warmup + 1);
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const progress = Math.min((step - warmup) / (steps - warmup), 1);
    return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
};

/** `initial · factor^(step / every)`; with `staircase`, the exponent is rounded down. */
export const exponential = ({
  initial,
  factor,
  every = 1,
  staircase = false,
}: {
  /** The value at step 0. */
  readonly initial: number;
  /** The factor that the value is multiplied by every `every` updates. */
  readonly factor: number;
  /** Number of updates. Default 1. */
  readonly every?: number;
  /** Whether the value falls in steps instead of smoothly. Default false. */
  readonly staircase?: boolean;
}): Schedule => {
  demandRate("exponential", "initial", initial);
  demandRate("exponential", "factor", factor);
  demandSteps("exponential", "every", every, 1);
  return (step) => initial * factor ** (staircase ? Math.floor(step / every) : step / every);
};

/**
 * Steps: `initial` until the first boundary, then each boundary's `value` from its step `at` on.
 *
 * ```ts
 * piecewise({ initial: 1e-3, boundaries: [{ at: 1000, value: 1e-4 }, { at: 5000, value: 1e-5 }] });
 * ```
 */
export const piecewise = ({
  initial,
  boundaries,
}: {
  /** The value before the first boundary. */
  readonly initial: number;
  /** In ascending order: from update `at` on, the value is `value`. */
  readonly boundaries: readonly { readonly at: number; readonly value: number }[];
}): Schedule => {
  demandRate("piecewise", "initial", initial);
  for (const [i, { at, value }] of boundaries.entries()) {
    demandRate("piecewise", `the value at step ${at}`, value);
    demandSteps("piecewise", "at", at, (boundaries[i - 1]?.at ?? -1) + 1);
  }
  return (step) => boundaries.findLast(({ at }) => step >= at)?.value ?? initial;
};
