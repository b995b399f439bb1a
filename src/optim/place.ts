/** Where the state of a step lies: in the processor's memory, or on a device. */
import type { OwnFloat32Array } from "../arrays.ts";
import { NonFiniteError } from "../errors.ts";

/** The figures of a step by name, each an array of one value. */
export type Figures = readonly (readonly [name: string, value: OwnFloat32Array])[];

/** What a train step asks of the place of its parameters, gradients and moments. */
export interface StepPlace {
  /** Number of steps that may be taken before their figures are read. */
  readonly ahead: number;
  /**
   * One step, once inputs and noise are filled: graph and update.
   * @throws NonFiniteError naming the step and what is no longer finite, unless {@link read} does.
   */
  run(step: number): Promise<void>;
  /**
   * Reads the figures of the steps that were taken since the last call. For each of them, in order, its figures are put into their arrays, and
   * `each` is called.
   * @throws NonFiniteError for the first one that failed. Its figures, inputs and noise are then in their arrays, and so is the state before it.
   */
  read(steps: readonly number[], each: () => void): Promise<void>;
  /** Brings parameters, gradients, moments and buffers into their arrays. */
  pull(): Promise<void>;
  /** The arrays were changed: the next run takes parameters, moments and buffers from them. */
  push(): void;
  /** Whether the arrays have the parameters, moments and buffers of the last run. */
  readonly isHere: boolean;
  /** @throws UsageError unless the arena has all gradients of the last run. */
  checkGradients(name: string): void;
  /** Ends threads that only this step has. It can still be run. */
  release(): void;
}

/**
 * Stops a step whose figures are not finite.
 *
 * @param nearer throws if a parameter or gradient is not finite, which is closer to the cause
 */
export function checkFigures(figures: Figures, step: number, nearer: () => void): void {
  if (figures.every(([, [value]]) => Number.isFinite(value))) return;
  nearer();
  const bad = figures.filter(([, [value]]) => !Number.isFinite(value));
  throw new NonFiniteError(
    `step ${step}: ${bad.map(([name, [value]]) => `'${name}' became ${value}`).join(", ")}, while every parameter and gradient is ` +
      "finite; look for infinite values in the data, or for a density of zero (log 0).",
  );
}
