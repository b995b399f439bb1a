/** Where the state of a step lies: in the processor's memory, or on a device. */
import type { OwnFloat32Array } from "../arrays.ts";
import { NonFiniteError } from "../errors.ts";

/** The figures of a step by name, each an array of one value. */
export type Figures = readonly (readonly [name: string, value: OwnFloat32Array])[];

/** What a train step asks of the place of its parameters, gradients and moments. */
export interface StepPlace {
  /**
   * One step, once inputs and noise are filled: graph and update. Figures and the next values of buffers are in their arrays afterwards.
   * @throws NonFiniteError naming the step and what is no longer finite.
   */
  run(step: number): Promise<void>;
  /** Brings parameters, gradients and moments into the arena. */
  pull(): Promise<void>;
  /** The arena was changed: the next run takes parameters and moments from it. */
  push(): void;
  /** Whether the arena has the parameters and moments of the last run. */
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
