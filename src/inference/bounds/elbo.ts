import { type Distribution, kl } from "../../distributions/index.ts";
import { ShapeError, UsageError } from "../../errors.ts";
import { maximum, mul, sub } from "../../tensor/ops/arithmetic.ts";
import { mean, sum } from "../../tensor/ops/reduce.ts";
import { formatShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** `analytic`: the KL in closed form, only the reconstruction sampled. `monteCarlo`: both terms from the same sample. */
export type ElboForm = "analytic" | "monteCarlo";

/** An amortised latent-variable model with one latent vector per datum. */
export interface LatentModel {
  /** p(x | z), batch shape samples + [batch], event shape that of a datum. */
  readonly likelihood: (z: Tensor) => Distribution;
  /** p(z), event shape [latent]. */
  readonly prior: Distribution;
}

export interface ElboOptions {
  /** Default `analytic`. */
  readonly form?: ElboForm;
  /** Samples of z per datum. Default 1. */
  readonly samples?: number;
  /** Name of the noise. Default `z`. */
  readonly site?: string;
}

/** The bound and its terms, nats per datum, each of shape [batch]. */
export interface ElboTerms {
  /** E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)), a lower bound of log p(x). */
  readonly elbo: Tensor;
  /** E_q[log p(x|z)]. */
  readonly reconstruction: Tensor;
  /** KL(q(z|x) ‖ p(z)), exact or estimated as `form` says. */
  readonly kl: Tensor;
}

/**
 * The evidence lower bound of Kingma and Welling (2014, "Auto-encoding variational Bayes"), per datum, by reparameterised
 * samples: their estimator B with `analytic`, A with `monteCarlo`.
 *
 * @param posterior q(z|x), batch shape [batch], event shape [latent], reparameterised
 * @param x data of shape [batch, …]
 * @throws ClosedFormError when `analytic` is asked for and there is no closed-form KL.
 */
export function elbo(
  model: LatentModel,
  posterior: Distribution,
  x: Tensor,
  options: ElboOptions = {},
): ElboTerms {
  const { form = "analytic", samples = 1, site = "z" } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new UsageError(`elbo: samples must be a whole number of at least 1, found ${samples}.`);
  }
  // One sample needs no axis of its own.
  const over = samples === 1 ? [] : [samples];
  const average = (t: Tensor): Tensor => (samples === 1 ? t : mean(t, 0));
  if (form === "analytic") {
    const z = posterior.sample(site, over);
    const reconstruction = average(model.likelihood(z).logProb(x));
    const divergence = kl(posterior, model.prior);
    return { elbo: sub(reconstruction, divergence), reconstruction, kl: divergence };
  }
  const { value: z, logProb: logQ } = posterior.sampleAndLogProb(site, over);
  const reconstruction = average(model.likelihood(z).logProb(x));
  const divergence = average(sub(logQ, model.prior.logProb(z)));
  return { elbo: sub(reconstruction, divergence), reconstruction, kl: divergence };
}

/** Changes of the objective that make training easier; with any of them it is no longer a bound of log p(x). */
export interface ElboWeights {
  /** Factor of the KL: β-VAE (Higgins et al. 2017), or a number or input that a warm-up schedule feeds (Bowman et al. 2016). */
  readonly beta?: number | Tensor;
  /**
   * Free bits λ, nats per latent dimension (Kingma et al. 2016, "Improving variational inference with inverse autoregressive
   * flow", eq. 15): a dimension whose KL, averaged over the minibatch, is below λ costs λ, and is left alone.
   */
  readonly freeBits?: number;
  /** KL of each latent dimension, shape [batch, latent]; needed for free bits. */
  readonly klPerDimension?: Tensor;
}

/** What training maximises, a scalar in nats per datum: the mean reconstruction less the weighted KL. */
export function weightedElbo(
  terms: ElboTerms,
  { beta = 1, freeBits, klPerDimension }: ElboWeights = {},
): Tensor {
  let cost = mean(terms.kl);
  if (freeBits !== undefined && freeBits > 0) {
    if (klPerDimension === undefined || klPerDimension.rank !== 2) {
      throw new ShapeError(
        "free bits: the KL of each latent dimension is needed, shape [batch, latent]" +
          `${klPerDimension === undefined ? "; none was given" : `, found ${formatShape(klPerDimension.shape)}`}.`,
      );
    }
    cost = sum(maximum(mean(klPerDimension, 0), freeBits));
  }
  return sub(mean(terms.reconstruction), beta === 1 ? cost : mul(cost, beta));
}
