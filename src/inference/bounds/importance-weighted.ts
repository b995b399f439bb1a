import type { Distribution } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import { add, sub } from "../../tensor/ops/arithmetic.ts";
import { logsumexp } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { LatentModel } from "./elbo.ts";

/**
 * log w = log p(x|z) + log p(z) − log q(z|x) for `samples` draws of z from q: shape [samples, batch].
 *
 * @param posterior q(z|x), batch shape [batch], event shape [latent]
 */
export function logImportanceWeights(
  model: LatentModel,
  posterior: Distribution,
  x: Tensor,
  options: { readonly samples: number; readonly site?: string },
): Tensor {
  const { samples, site = "z" } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new UsageError(
      `importance weights: samples must be a whole number of at least 1, found ${samples}.`,
    );
  }
  const { value: z, logProb: logQ } = posterior.sampleAndLogProb(site, [samples]);
  return sub(add(model.likelihood(z).logProb(x), model.prior.logProb(z)), logQ);
}

/**
 * The importance-weighted bound of Burda, Grosse and Salakhutdinov (2015), log (1/k) Σ w, **per datum**: the mean over the
 * batch comes after the logarithm, never before. Log weights [k, batch] → [batch]. With k = 1 it is the Monte Carlo ELBO;
 * it never falls as k grows, and tends to log p(x).
 */
export const importanceWeighted = (logWeights: Tensor): Tensor =>
  sub(logsumexp(logWeights, 0), Math.log(logWeights.shape[0]));
