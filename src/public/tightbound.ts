/**
 * What a first week needs: programs, tensors, the usual distributions, inference, models, training, data.
 * Each name is also in the door of its subject, `tightbound/distributions` for one, beside the rest of that subject.
 *
 * @module tightbound
 */
import "../ambient.ts";

export { ArrayValue, compile } from "../compile/index.ts";
export {
  binarize,
  createDataset,
  type Dataset,
  drawLabels,
  hideLabels,
  loadData,
  loadTable,
  rowsOf,
  take,
} from "../data/index.ts";
export {
  Bernoulli,
  Beta,
  Binomial,
  Categorical,
  Dirichlet,
  Distribution,
  Exponential,
  Gamma,
  HalfCauchy,
  HalfNormal,
  kl,
  Laplace,
  LogNormal,
  Mixture,
  MultivariateNormal,
  Normal,
  Poisson,
  StudentT,
  Uniform,
} from "../distributions/index.ts";
export { InternalError, TightboundError, UsageError } from "../errors.ts";
export {
  autoNormal,
  cavi,
  elbo,
  hmc,
  importance,
  laplace,
  map,
  nuts,
  predictive,
  summary,
  summaryText,
  svi,
  withChainBars,
} from "../inference/index.ts";
export { stackOn, Trained, TrainedClassifier } from "../kinds/index.ts";
export { Autoencoder, M2, VAE } from "../models/index.ts";
export { adam, schedules, sgd } from "../optim/index.ts";
export { type Context, condition, logDensity, model, type Program, trace } from "../program/index.ts";
export { open, train } from "../runs/index.ts";
export { concat, constant, grad, input, stack, Tensor, tensor, where } from "../tensor/index.ts";
