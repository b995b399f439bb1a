/**
 * Generative programs, and the handlers that read and change them.
 *
 * @module
 */
export {
  block,
  checkProgram,
  condition,
  handled,
  latentSites,
  logDensity,
  randomSites,
  replay,
  siteLogDensity,
  type Trace,
  trace,
} from "./handlers.ts";
export { type ObservedWatch, watchObserved } from "./observed.ts";
export { type Context, type Handler, model, type Program, type RunOptions } from "./program.ts";
export {
  type DeterministicMessage,
  isRandom,
  type Message,
  type ParamMessage,
  type Plate,
  type RandomSite,
  type SampleMessage,
  type Site,
  scaleOf,
} from "./site.ts";
