export { Bernoulli, BernoulliDistribution } from "./bernoulli.ts";
export { Categorical, CategoricalDistribution } from "./categorical.ts";
export type { Constraint, IntervalConstraint } from "./constraints.ts";
export * as constraints from "./constraints.ts";
export { ContinuousBernoulli, ContinuousBernoulliDistribution } from "./continuous-bernoulli.ts";
export {
  type ClosedForms,
  Distribution,
  type DistributionSpec,
  type Parameters,
  type SampleAndLogProb,
} from "./distribution.ts";
export { ClosedFormError } from "./errors.ts";
export { type ExponentialFamily, exponentialFamilyLogProb } from "./exponential-family.ts";
export { Independent, IndependentDistribution } from "./independent.ts";
export { type Family, hasKl, kl, klMonteCarlo, registerKl } from "./kl.ts";
export { Normal, NormalDistribution } from "./normal.ts";
export type { LogitsOrProbs } from "./numerics.ts";
export { OneHotCategorical, OneHotCategoricalDistribution } from "./one-hot-categorical.ts";
export { type DistributionCase, distributionCases } from "./registry.ts";
export { Uniform, UniformDistribution } from "./uniform.ts";
