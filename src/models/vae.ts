import { type Distribution, kl, Normal } from "../distributions/index.ts";
import {
  type ElboForm,
  type ElboTerms,
  elbo,
  importanceWeighted,
  type LatentModel,
  logImportanceWeights,
  weightedElbo,
} from "../inference/index.ts";
import {
  dense,
  evaluation,
  type Layer,
  type LayerContext,
  type NamedParameter,
  parametersOf,
  trainingContext,
} from "../nn/index.ts";
import type { Objective } from "../optim/step.ts";
import { input } from "../tensor/leaf.ts";
import { mul, neg } from "../tensor/ops/arithmetic.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { mean } from "../tensor/ops/reduce.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Likelihood, type LikelihoodName, likelihood } from "./likelihood.ts";
import { checkLatent, decoder, encoderBody, type NetworkOptions, resolveNetwork } from "./networks.ts";

export interface VaeOptions extends NetworkOptions {
  /** Dimensions of z. Default 20. */
  readonly latent?: number;
  /** Default `bernoulli`. */
  readonly likelihood?: LikelihoodName;
}

/** How a VAE is trained. */
export interface VaeObjectiveOptions {
  readonly batch: number;
  /** Default `elbo`. `iwae`: the importance-weighted bound over `samples`. */
  readonly bound?: "elbo" | "iwae";
  readonly form?: ElboForm;
  /** Samples of z per datum. Default 1. */
  readonly samples?: number;
  /** Factor of the KL; `"input"`: a scalar input named `beta`, fed at each step (warm-up). Default 1. */
  readonly beta?: number | "input";
  /** Nats per latent dimension that cost nothing. Default 0. */
  readonly freeBits?: number;
}

/** A variational autoencoder: plain data and the functions that read it. */
export interface Vae {
  readonly kind: "vae";
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
  /** The decoder as p(x|z) and the prior, for bounds. */
  model(context?: LayerContext): LatentModel;
  /** ELBO and its terms per datum, x [batch, features] → each [batch]. */
  elbo(
    x: Tensor,
    options?: { readonly form?: ElboForm; readonly samples?: number; readonly context?: LayerContext },
  ): ElboTerms;
  /** KL(q(z_d|x) ‖ p(z_d)) of each dimension, [batch, latent]. */
  klPerDimension(x: Tensor, context?: LayerContext): Tensor;
  /** log w of `samples` draws from q, [samples, batch]. */
  logWeights(x: Tensor, samples: number, context?: LayerContext): Tensor;
  /** What a train step minimises and reports; its data input is named `x`, [batch, features]. */
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
  const { shape, latent = 20, likelihood: name = "bernoulli" } = options;
  checkLatent("vae", latent);
  const features = sizeOf(shape);
  const networkOptions = resolveNetwork(options);
  const body = encoderBody(networkOptions);
  const encoder = {
    body: body.layers,
    mean: dense(body.width, latent),
    logVariance: dense(body.width, latent),
  };
  const decode: Layer = decoder(latent, networkOptions);
  const observation = likelihood(name, features);
  const prior = Normal(0, 1).expand([latent]).toEvent(1);

  const perDimension = (x: Tensor, context: LayerContext) => {
    const h = encoder.body.apply(x, context);
    return Normal(encoder.mean.apply(h, context), {
      logScale: mul(encoder.logVariance.apply(h, context), 0.5),
    });
  };
  const vae: Vae = {
    kind: "vae",
    shape,
    features,
    latent,
    likelihood: observation,
    prior,
    parameters: parametersOf({ encoder, decoder: decode, likelihood: observation }),
    encode: (x, context = evaluation) => perDimension(x, context).toEvent(1),
    decode(z, context = evaluation) {
      const leading = z.shape.slice(0, -1);
      const outputs = decode.apply(reshape(z, [-1, latent]), context);
      return observation.distribution(reshape(outputs, [...leading, features]));
    },
    model: (context = evaluation) => ({ likelihood: (z) => vae.decode(z, context), prior }),
    elbo: (x, { context = evaluation, ...rest } = {}) =>
      elbo(vae.model(context), vae.encode(x, context), x, rest),
    klPerDimension: (x, context = evaluation) => kl(perDimension(x, context), Normal(0, 1)),
    logWeights: (x, samples, context = evaluation) =>
      logImportanceWeights(vae.model(context), vae.encode(x, context), x, { samples }),
    objective: (settings) => vaeObjective(vae, perDimension, settings),
  };
  return vae;
}

function vaeObjective(
  vae: Vae,
  perDimension: (x: Tensor, context: LayerContext) => Distribution,
  options: VaeObjectiveOptions,
): Objective {
  const { batch, bound = "elbo", form = "analytic", samples = 1, freeBits = 0 } = options;
  const context = trainingContext();
  const x = input("x", [batch, vae.features]);
  const latent = perDimension(x, context);
  const posterior = latent.toEvent(1);
  if (bound === "iwae") {
    const value = mean(
      importanceWeighted(logImportanceWeights(vae.model(context), posterior, x, { samples })),
    );
    return { loss: neg(value), metrics: { elbo: value }, updates: context.updates };
  }
  const terms = elbo(vae.model(context), posterior, x, { form, samples });
  const beta = options.beta === "input" ? input("beta", []) : (options.beta ?? 1);
  const objective = weightedElbo(terms, {
    beta,
    freeBits,
    ...(freeBits > 0 && { klPerDimension: kl(latent, Normal(0, 1)) }),
  });
  return {
    loss: neg(objective),
    metrics: { reconstruction: mean(terms.reconstruction), kl: mean(terms.kl) },
    updates: context.updates,
  };
}
