/** Refuses sites without a density where an evidence is asked for: a flat prior leaves it undefined up to a constant. */
import { isFlat } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import type { RandomSite } from "../program/index.ts";

/** The first latent site with a flat prior. */
export const flatSite = (sites: readonly RandomSite[]): RandomSite | undefined =>
  sites.find(({ kind, distribution }) => kind === "sample" && isFlat(distribution));

/** @throws UsageError naming the site when one has a flat prior. */
export function checkProper(verb: string, sites: readonly RandomSite[]): void {
  const site = flatSite(sites);
  if (site === undefined) return;
  throw new UsageError(
    `${verb}: site '${site.name}' has a flat prior, flat(${site.distribution.support.name}), which is known up to a constant only, and so would ` +
      "the evidence be. Give the site a proper prior (Normal, Uniform, Gamma, …). To draw from the posterior, nuts, laplace and svi need none; " +
      "to compare models by their predictions, use loo.",
  );
}
