/**
 * Many runs from one plan: one for each combination of settings. Each is a process, and each has an ordinary run folder.
 *
 * @module
 */
export { type Ending, openPrepared, openSweep, runsAmong, type SweepFolder } from "./folder.ts";
export {
  type Draft,
  type Plan,
  type PlannedRun,
  planOf,
  refuseProblems,
  runsOf,
  trainArguments,
  type Vocabulary,
} from "./plan.ts";
export { readPlan } from "./plan-file.ts";
export { dispatch } from "./queue/dispatch.ts";
export { serve } from "./queue/serve.ts";
export { connectQueue, type QueueServer } from "./queue/server.ts";
export { slurmScript } from "./slurm.ts";
export { type Combination, type SeedMean, summaryOf } from "./summary.ts";
export { type RunProgress, type WorkOptions, workThrough } from "./work.ts";
