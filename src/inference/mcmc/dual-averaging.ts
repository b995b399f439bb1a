/** Step sizes: a first one by doubling, and dual averaging towards an acceptance rate. */

/** The state of dual averaging. The step size is exp(logStepSize). */
export interface DualAveraging {
  /** Iterations seen. */
  readonly count: number;
  /** H̄: the running average of target − acceptance. */
  readonly gap: number;
  /** The value that the step size is shrunk towards: ln(10 ε₀). */
  readonly centre: number;
  readonly logStepSize: number;
  /** ln ε̄: used once adaptation ends. */
  readonly logAverage: number;
}

/** Constants of Hoffman and Gelman (2014), as in Stan. */
const SHRINKAGE = 0.05;
const DELAY = 10;
const DECAY = 0.75;

export const startDualAveraging = (stepSize: number): DualAveraging => ({
  count: 0,
  gap: 0,
  centre: Math.log(10 * stepSize),
  logStepSize: Math.log(stepSize),
  logAverage: 0,
});

/** One iteration with the given acceptance statistic (Hoffman and Gelman 2014, eq. 6). */
export function averageStepSize(state: DualAveraging, acceptance: number, target: number): DualAveraging {
  const count = state.count + 1;
  const weight = 1 / (count + DELAY);
  const gap = (1 - weight) * state.gap + weight * (target - acceptance);
  const logStepSize = state.centre - (Math.sqrt(count) / SHRINKAGE) * gap;
  const forget = count ** -DECAY;
  return {
    count,
    gap,
    centre: state.centre,
    logStepSize,
    logAverage: forget * logStepSize + (1 - forget) * state.logAverage,
  };
}
