import type { RowLayout } from "../data/index.ts";
import { type Distribution, kl, Normal } from "../distributions/index.ts";
import { type ElboTerms, elbo, importanceWeighted, lossOf } from "../inference/index.ts";
import {
  dense,
  evaluation,
  type Layer,
  type LayerContext,
  type NamedParameter,
  parametersOf,
  trainingContext,
} from "../nn/index.ts";
import type { Objective } from "../optim/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { model, type Program } from "../program/index.ts";
import { input, mul, reshape, type Shape, sizeOf, type Tensor } from "../tensor/index.ts";
import { type Likelihood, type LikelihoodName, likelihood } from "./likelihood.ts";
import { missingMarks } from "./missing-marks.ts";
import type { boundEstimators, elboForms } from "./names.ts";
import { checkLatent, decoder, encoderBody, type NetworkOptions, resolveNetwork } from "./networks.ts";

/** Options of {@link VAE}. */
export interface VaeOptions extends NetworkOptions {
  /** Dimensions of z. Default 20. */
  readonly latent?: number;
  /** Default `bernoulli`. */
  readonly likelihood?: LikelihoodName;
  /** The columns that features belong to, for the likelihood `table`: `featureLayout(preprocessing)`. Missing values are NaN. */
  readonly layout?: RowLayout | undefined;
}

const rules: OptionRules<VaeOptions> = {
  latent: anything,
  likelihood: anything,
  layout: anything,
  shape: required(given("the shape of one row, such as [28, 28]")),
  hidden: anything,
  network: anything,
  channels: anything,
  activation: anything,
  batchNorm: anything,
  dropout: anything,
};

/** `analytic`: the KL in closed form, only the reconstruction sampled. `monteCarlo`: both terms from the same sample. */
export type ElboForm = (typeof elboForms)[number];

/** How a VAE is trained. */
export interface VaeObjectiveOptions {
  /** Rows in a minibatch; with several ranks, those of one. */
  readonly batch: number;
  /** How many processes share the minibatch, `batch` rows each: batch normalisation and free bits are then of the rows of all. Default 1. */
  readonly ranks?: number;
  /** Default `elbo`. `iwae`: the importance-weighted bound over `samples`. */
  readonly bound?: "elbo" | "iwae";
  /** With `bound: "iwae"`: the gradient, through the draws as they are, or doubly reparameterised (Tucker et al. 2019). Default `"pathwise"`. */
  readonly estimator?: (typeof boundEstimators)[number];
  /** How the KL is computed: `"analytic"`, in closed form, or `"monteCarlo"`, by the sample that the reconstruction takes. Default `"analytic"`. */
  readonly form?: ElboForm;
  /** Samples of z per datum. Default 1. */
  readonly samples?: number;
  /** Weight of the KL; `"input"`: a scalar input named `beta`, fed at each step (warm-up). Default 1. */
  readonly beta?: number | "input";
  /** Nats of KL per latent dimension that are not penalised. Default 0. */
  readonly freeBits?: number;
}

/** A variational autoencoder: plain data and the functions that read it. */
export interface Vae {
  readonly kind: "vae";
  /** Its options, with defaults filled in, as a run records them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly shape: Shape;
  /** Product of `shape`. */
  readonly features: number;
  readonly latent: number;
  readonly likelihood: Likelihood;
  readonly prior: Distribution;
  /** All parameters and buffers, by path. */
  readonly parameters: readonly NamedParameter[];
  /** q(z|x) for x [batch, features]: event shape [latent]. */
  encode(x: Tensor, context?: LayerContext): Distribution;
  /** p(x|z) for z [..., latent]: event shape [features]. */
  decode(z: Tensor, context?: LayerContext): Distribution;
  /** z ~ N(0, I), x | z ~ the decoder's likelihood, for each row of x [batch, features]. */
  readonly model: Program<[x: Tensor]>;
  /** q(z|x), the amortised guide. */
  readonly guide: Program<[x: Tensor]>;
  /** ELBO and its terms per datum, x [batch, features] → each [batch]. */
  elbo(x: Tensor, options?: { readonly form?: ElboForm; readonly samples?: number }): ElboTerms;
  /** KL(q(z_d|x) ‖ p(z_d)) of each dimension, [batch, latent]. */
  klPerDimension(x: Tensor): Tensor;
  /** log w of `samples` draws from q, [samples, batch]. */
  logWeights(x: Tensor, samples: number): Tensor;
  /** The objective of a train step and its metrics. Its data input is named `x`, [batch, features]. */
  objective(options: VaeObjectiveOptions): Objective;
}

/**
 * The variational autoencoder of Kingma and Welling (2014): z ~ N(0, I), x | z from a neural likelihood, and an amortised
 * Gaussian guide q(z|x) = N(μ(x), diag σ²(x)) trained with it by pathwise gradients of the ELBO.
 *
 * @example
 * const vae = VAE({ shape: [28, 28], latent: 20, hidden: [400] });
 */
export function VAE(options: VaeOptions): Vae {
  checkOptions("VAE", options, rules);
  const { shape, latent = 20, likelihood: name = "bernoulli" } = options;
  checkLatent("vae", latent);
  const features = sizeOf(shape);
  const networkOptions = resolveNetwork(options);
  const body = encoderBody(
    networkOptions,
    name === "table" ? missingMarks(features, options.layout) : undefined,
  );
  const encoder = {
    body: body.layers,
    mean: dense(body.width, latent),
    logVariance: dense(body.width, latent),
  };
  const network: Layer = decoder(latent, networkOptions);
  const observation = likelihood(name, features, options.layout);
  const prior = Normal(0, 1).expand([latent]).toEvent(1);

  const perDimension = (x: Tensor, context: LayerContext = evaluation) => {
    const h = encoder.body.apply(x, context);
    return Normal(encoder.mean.apply(h, context), {
      logScale: mul(encoder.logVariance.apply(h, context), 0.5),
    });
  };
  const posterior = (x: Tensor, context?: LayerContext) => perDimension(x, context).toEvent(1);
  const decode = (z: Tensor, context?: LayerContext): Distribution => {
    const leading = z.shape.slice(0, -1);
    const outputs = network.apply(reshape(z, [-1, latent]), context);
    return observation.distribution(reshape(outputs, [...leading, features]));
  };
  const generative = model(
    ({ plate, sample, observe, module, layers }, x: Tensor) => {
      module("decoder", network);
      module("likelihood", observation);
      plate("row", x.shape[0], () => {
        const z = sample("z", prior);
        observe("x", decode(z, layers), x);
      });
    },
    { name: "vae" },
  );
  const guide = model(
    ({ plate, sample, module, layers }, x: Tensor) => {
      module("encoder", encoder);
      plate("row", x.shape[0], () => sample("z", posterior(x, layers)));
    },
    { name: "vae encoder" },
  );
  const vae: Vae = {
    kind: "vae",
    settings: {
      ...networkOptions,
      latent,
      likelihood: name,
      ...(options.layout && { layout: options.layout }),
    },
    shape,
    features,
    latent,
    likelihood: observation,
    prior,
    parameters: parametersOf({ encoder, decoder: network, likelihood: observation }),
    model: generative,
    guide,
    encode: posterior,
    decode,
    elbo: (x, { form = "analytic", samples = 1 } = {}) =>
      elbo(generative, guide, [x], { analyticKl: form === "analytic", particles: samples }).perDatum,
    klPerDimension: (x) => kl(perDimension(x), Normal(0, 1)),
    logWeights: (x, samples) => importanceWeighted(generative, guide, [x], { particles: samples }).logWeights,
    objective: (settings) => vaeObjective(vae, settings),
  };
  return vae;
}

function vaeObjective(vae: Vae, options: VaeObjectiveOptions): Objective {
  const {
    batch,
    bound = "elbo",
    estimator = "pathwise",
    form = "analytic",
    samples = 1,
    freeBits = 0,
  } = options;
  const layers = trainingContext(options);
  const x = input("x", [batch, vae.features]);
  const shared = { particles: samples, scale: 1 / batch, layers };
  if (bound === "iwae") {
    const { surrogate, value } = importanceWeighted(vae.model, vae.guide, [x], {
      ...shared,
      ...(estimator !== "pathwise" && { estimators: { z: estimator } }),
    });
    return { loss: lossOf(surrogate), metrics: { elbo: value }, updates: layers.updates };
  }
  const { surrogate, reconstruction, kl } = elbo(vae.model, vae.guide, [x], {
    analyticKl: form === "analytic",
    beta: options.beta === "input" ? input("beta", []) : (options.beta ?? 1),
    freeBits,
    ...shared,
  });
  return { loss: lossOf(surrogate), metrics: { reconstruction, kl }, updates: layers.updates };
}
