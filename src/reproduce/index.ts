/**
 * Reproductions of papers: their tables, run by run.
 *
 * @module
 */
export { benchmarkOf } from "./benchmark.ts";
export {
  type Burda2016Hooks,
  type Burda2016Options,
  type Burda2016Results,
  type DensityBinarization,
  type DensityBound,
  type DensityFigures,
  type DensityRow,
  densitySettings,
  rateStages,
  reproduceBurda2016,
} from "./burda2016.ts";
export {
  type DrawFigures,
  type Kingma2014Hooks,
  type Kingma2014Options,
  type Kingma2014Results,
  type M1Figures,
  type Part,
  reproduceKingma2014,
} from "./kingma2014.ts";
export { type Method, methods, protocols, type SharedM1, VALIDATION } from "./protocol.ts";
export { type PublishedError, published } from "./published.ts";
export type { BenchmarkRow } from "./table.ts";
