/**
 * Distributions over tensors, their constraints, transforms and divergences.
 *
 * @module
 */

export { ARMA, ArmaDistribution, type ArmaOptions } from "./arma.ts";
export { AsymmetricLaplace, AsymmetricLaplaceDistribution } from "./asymmetric-laplace.ts";
export { Bernoulli, BernoulliDistribution } from "./bernoulli.ts";
export { Beta, BetaDistribution } from "./beta.ts";
export { BetaBinomial, BetaBinomialDistribution } from "./beta-binomial.ts";
export { Binomial, BinomialDistribution } from "./binomial.ts";
export { Categorical, CategoricalDistribution } from "./categorical.ts";
export { Cauchy, CauchyDistribution } from "./cauchy.ts";
export { CensoredDistribution, censor } from "./censored.ts";
export { ChiSquared, ChiSquaredDistribution } from "./chi-squared.ts";
export type { Constraint, IntervalConstraint } from "./constraints.ts";
export * as constraints from "./constraints.ts";
export { describeConstraint } from "./constraints.ts";
export { ContinuousBernoulli, ContinuousBernoulliDistribution } from "./continuous-bernoulli.ts";
export type { Cumulative, Ends, OfProbability, OfValue } from "./cumulative.ts";
export { Delta, DeltaDistribution } from "./delta.ts";
export { Dirichlet, DirichletDistribution } from "./dirichlet.ts";
export { DirichletMultinomial, DirichletMultinomialDistribution } from "./dirichlet-multinomial.ts";
export {
  type ClosedForms,
  Distribution,
  type DistributionSpec,
  type FormName,
  type Parameters,
  type SampleAndLogProb,
} from "./distribution.ts";
export { Empirical, EmpiricalDistribution, type EmpiricalOptions } from "./empirical.ts";
export { ClosedFormError } from "./errors.ts";
export { Exponential, ExponentialDistribution } from "./exponential.ts";
export {
  type ExponentialFamily,
  expectedStatistics,
  exponentialFamilyLogProb,
} from "./exponential-family.ts";
export { FamilyMixtureDistribution } from "./family-mixture.ts";
export { FlatDistribution, flat, isFlat } from "./flat.ts";
export { Gamma, GammaDistribution } from "./gamma.ts";
export {
  GaussianProcess,
  type GaussianProcessModel,
  type GaussianProcessOptions,
  type GaussianProcessValues,
  type HilbertSpaceOptions,
  hilbertSpaceFeatures,
  type Kernel,
  type KernelOptions,
  kernels,
  type LinearKernelOptions,
  type PeriodicOptions,
  SparseGaussianProcess,
  type SparseGaussianProcessModel,
  type SparseGaussianProcessOptions,
  type SparseMethod,
  type ValuesOptions,
} from "./gaussian-process/index.ts";
export {
  GaussianRandomWalk,
  GaussianRandomWalkDistribution,
  type RandomWalkOptions,
} from "./gaussian-random-walk.ts";
export { GeneralizedExtremeValue, GeneralizedExtremeValueDistribution } from "./generalized-extreme-value.ts";
export { GeneralizedPareto, GeneralizedParetoDistribution } from "./generalized-pareto.ts";
export { Geometric, GeometricDistribution } from "./geometric.ts";
export { graphOps } from "./graph-ops.ts";
export { Gumbel, GumbelDistribution } from "./gumbel.ts";
export { HalfCauchy, HalfCauchyDistribution } from "./half-cauchy.ts";
export { HalfNormal, HalfNormalDistribution } from "./half-normal.ts";
export { HiddenMarkov, HiddenMarkovDistribution } from "./hidden-markov.ts";
export { Horseshoe, HorseshoeDistribution } from "./horseshoe.ts";
export { Hurdle, HurdleDistribution } from "./hurdle.ts";
export { gammaLogDerivative, gammaSampleDerivative } from "./implicit/gamma-derivative.ts";
export { betainc } from "./implicit/incomplete-beta.ts";
export { gammainc, gammaincc } from "./implicit/incomplete-gamma.ts";
export { Independent, IndependentDistribution } from "./independent.ts";
export { InverseGamma, InverseGammaDistribution } from "./inverse-gamma.ts";
export { InverseGaussian, InverseGaussianDistribution } from "./inverse-gaussian.ts";
export { InverseWishart, InverseWishartDistribution } from "./inverse-wishart.ts";
export { type Family, hasKl, kl, klMonteCarlo, registerKl } from "./kl.ts";
export { Laplace, LaplaceDistribution } from "./laplace.ts";
export { LKJ, LKJDistribution } from "./lkj.ts";
export { LKJCholesky, LKJCholeskyDistribution, LKJFamily } from "./lkj-cholesky.ts";
export { LogNormal, LogNormalDistribution } from "./log-normal.ts";
export { Logistic, LogisticDistribution } from "./logistic.ts";
export { LogitNormal, LogitNormalDistribution } from "./logit-normal.ts";
export {
  LowRankMultivariateNormal,
  LowRankMultivariateNormalDistribution,
} from "./low-rank-multivariate-normal.ts";
export { liesIn } from "./membership.ts";
export { Mixture, MixtureDistribution } from "./mixture.ts";
export { Multinomial, MultinomialDistribution } from "./multinomial.ts";
export {
  MultivariateNormal,
  MultivariateNormalDistribution,
  type ScaleTrilOrCovariance,
} from "./multivariate-normal.ts";
export { MultivariateStudentT, MultivariateStudentTDistribution } from "./multivariate-student-t.ts";
export { NegativeBinomial, NegativeBinomialDistribution } from "./negative-binomial.ts";
export { Normal, NormalDistribution } from "./normal.ts";
export type { LogitsOrProbs } from "./numerics.ts";
export { OneHotCategorical, OneHotCategoricalDistribution } from "./one-hot-categorical.ts";
export { OrderedCategoriesDistribution } from "./ordered-categories.ts";
export { OrderedLogistic, OrderedLogisticDistribution } from "./ordered-logistic.ts";
export { OrderedProbit, OrderedProbitDistribution } from "./ordered-probit.ts";
export { type Outside, outside } from "./outside.ts";
export { Pareto, ParetoDistribution } from "./pareto.ts";
export { Poisson, PoissonDistribution } from "./poisson.ts";
export {
  RelaxedBernoulli,
  RelaxedBernoulliDistribution,
  type RelaxedOptions,
  StraightThroughBernoulliDistribution,
} from "./relaxed-bernoulli.ts";
export {
  RelaxedOneHotCategorical,
  RelaxedOneHotCategoricalDistribution,
  StraightThroughOneHotCategoricalDistribution,
} from "./relaxed-one-hot-categorical.ts";
export { Skellam, SkellamDistribution } from "./skellam.ts";
export { SkewNormal, SkewNormalDistribution } from "./skew-normal.ts";
export {
  LinearGaussianStateSpace,
  LinearGaussianStateSpaceDistribution,
  type StateMoments,
  type StateSpaceOptions,
  type StateSpaceParts,
  type VaryingPart,
} from "./state-space/index.ts";
export { StudentT, StudentTDistribution } from "./student-t.ts";
export { TableRow, TableRowDistribution, type TableRowParameters } from "./table-row.ts";
export { Transformed, TransformedDistribution } from "./transformed.ts";
export { biject } from "./transforms/biject.ts";
export type { Transform, ValueAndLogDet } from "./transforms/index.ts";
export * as transforms from "./transforms/index.ts";
export { truncate } from "./truncate.ts";
export { type Bound, TruncatedDistribution } from "./truncated.ts";
export { TruncatedNormal, TruncatedNormalDistribution } from "./truncated-normal.ts";
export { Uniform, UniformDistribution } from "./uniform.ts";
export { VonMises, VonMisesDistribution } from "./von-mises.ts";
export { VonMisesFisher, VonMisesFisherDistribution } from "./von-mises-fisher.ts";
export { Weibull, WeibullDistribution } from "./weibull.ts";
export { type ScaleOrFactor, Wishart, WishartDistribution, WishartFamily } from "./wishart.ts";
export { ZeroInflated, ZeroInflatedDistribution } from "./zero-inflated.ts";
