export {
  type ElboForm,
  type ElboOptions,
  type ElboTerms,
  type ElboWeights,
  elbo,
  type LatentModel,
  weightedElbo,
} from "./bounds/elbo.ts";
export { importanceWeighted, logImportanceWeights } from "./bounds/importance-weighted.ts";
