/**
 * Ready-made models: VAE, M1, M2 and M1+M2, autoencoder, belief network; classifiers over features.
 *
 * @module
 */
export { Autoencoder, type AutoencoderOptions, type DeterministicAutoencoder } from "./autoencoder.ts";
export { BeliefNetwork, type BeliefNetworkOptions } from "./belief-network.ts";
export type { ClassPrior } from "./class-shares.ts";
export { selectRows } from "./classifiers/classifier.ts";
export * from "./classifiers/index.ts";
export { transductiveRows } from "./classifiers/transductive-svm.ts";
export {
  type Cell,
  hideCells,
  type ImputationError,
  imputationError,
  imputeMeans,
  imputeNearest,
  type Missingness,
} from "./imputation.ts";
export { checkLikelihood, type Likelihood, type LikelihoodName, likelihood } from "./likelihood.ts";
export {
  ACTIVE_DEVIATION,
  activeDimensions,
  keptPosteriorOf,
  labelledFeatures,
  latentColumns,
  type ParameterValues,
  posteriorOf,
  selectFeatures,
} from "./m1.ts";
export { M2, type M2Likelihood, type M2Options } from "./m2.ts";
export type { M2ObjectiveOptions } from "./m2-objective.ts";
export { missingMarks } from "./missing-marks.ts";
export { boundEstimators, boundNames, elboForms, likelihoodNames, networkNames } from "./names.ts";
export type { NetworkName } from "./networks.ts";
export type { OrderedLevels } from "./ordered-levels.ts";
export { Stacked, type StackedOptions } from "./stacked.ts";
export { type ElboForm, VAE, type Vae, type VaeObjectiveOptions, type VaeOptions } from "./vae.ts";
