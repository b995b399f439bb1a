import { UsageError } from "../../errors.ts";
import { scaleOf } from "../../program/index.ts";
import { add, maximum, meanOverRanks, mul, sum, type Tensor } from "../../tensor/index.ts";
import { definitionOf } from "../estimators/registry.ts";
import { klPerDimension } from "./analytic-kl.ts";
import type { Pair } from "./pair.ts";

/**
 * The KL with free bits: Σ_d N · max(mean of KL_d over the rows, λ), a scalar in nats.
 * @param ranks how many processes share the rows; the mean is over the rows of all
 * @throws UsageError when a site has no closed-form divergence per dimension, or is not reparameterised: the maximum of an
 * estimate is not an estimate of the maximum.
 */
export function freeBitsPenalty(pair: Pair, lambda: number, ranks = 1): Tensor {
  const sites = [...pair.choices.values()];
  const other = sites.find((c) => !definitionOf(c).pathwise);
  if (other !== undefined) {
    throw new UsageError(
      `free bits: site '${other.site}' is not reparameterised (its estimator is "${other.estimator}").`,
    );
  }
  return sites
    .map(({ site: name }) => {
      const { value, axes, site } = klPerDimension(pair, name);
      const rows = [...axes, ...site.distribution.batchShape].map((_, i) => i);
      const draws = axes.length === 0 ? 1 : pair.particles;
      const each = meanOverRanks(mul(sum(value, rows), (scaleOf(site.plates) * pair.scale) / draws), ranks);
      const size = site.plates.reduce((n, p) => n * p.size, 1) * pair.scale;
      return sum(maximum(each, lambda * size));
    })
    .reduce(add);
}
