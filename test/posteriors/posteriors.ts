import type { Posterior } from "./posterior.ts";
import { differentialEquations } from "./programs/differential-equations.ts";
import { gaussianProcesses } from "./programs/gaussian-processes.ts";
import { hiddenMarkov } from "./programs/hidden-markov.ts";
import { hierarchiesAndMixtures } from "./programs/hierarchies-and-mixtures.ts";
import { regressions } from "./programs/regressions.ts";
import { timeSeries } from "./programs/time-series.ts";

/** Every posterior that reference.json has moments of. */
export const posteriors: readonly Posterior[] = [
  ...regressions,
  ...timeSeries,
  ...hierarchiesAndMixtures,
  ...gaussianProcesses,
  ...hiddenMarkov,
  ...differentialEquations,
];
