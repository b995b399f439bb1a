/**
 * What runs in a page: programs, tensors, inference, and models that are trained in memory. The same names as in `tightbound`, without what
 * reads or writes files. It imports nothing of Node; a bundler needs no settings, except for a worker of your own. Natively a page runs on
 * WebAssembly of this package; what that does not do (convolutions, float64, threads, a graphics processor) needs `onnxruntime-web` beside it.
 *
 * @module tightbound/browser
 */
import "../ambient.ts";

export { ArrayValue, compile } from "../compile/index.ts";
export {
  binarize,
  createDataset,
  type Dataset,
  drawLabels,
  hideLabels,
  rowsOf,
  split,
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
} from "../inference/index.ts";
export { Trained, TrainedClassifier } from "../kinds/index.ts";
export { Autoencoder, M2, VAE } from "../models/index.ts";
export { adam, schedules, sgd } from "../optim/index.ts";
export { type Context, condition, logDensity, model, type Program, trace } from "../program/index.ts";
export { compileTraining, train } from "../runs/index.ts";
export { concat, constant, grad, input, stack, Tensor, tensor, where } from "../tensor/index.ts";
