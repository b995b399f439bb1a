export {
  block,
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
export { type Context, type Handler, model, type Program, type RunOptions } from "./program.ts";
export { isRandom, type Message, type Plate, type RandomSite, type Site, scaleOf } from "./site.ts";
