/**
 * A scaled minibatch represents the data only in sums: its log density is an unbiased estimate of the whole. A nonlinear function of it (a
 * logarithm of a sum over it, a posterior given it) is wrong. Code that computes such functions checks for minibatches here.
 */
import { UsageError } from "../errors.ts";
import type { Plate, RandomSite } from "../program/index.ts";
import type { Term } from "./terms.ts";

/** The first plate with a minibatch. */
export const minibatchIn = (plates: readonly Plate[]): Plate | undefined =>
  plates.find((p) => p.rows < p.size);

/** Describes a minibatch, for messages. */
export const seenOf = ({ name, rows, size }: Plate): string =>
  `plate '${name}', of which only ${rows} of ${size} rows are seen`;

/** @throws UsageError when a random site is in a minibatch: a posterior needs all data. */
export function checkWholeData(program: string, sites: readonly RandomSite[], ways = ""): void {
  for (const { name, plates, kind } of sites) {
    const minibatch = minibatchIn(plates);
    if (minibatch === undefined) continue;
    throw new UsageError(
      `${program}: ${kind === "observe" ? "observed " : ""}site '${name}' is in ${seenOf(minibatch)}. A posterior needs all rows: the posterior of a scaled ` +
        "minibatch is just as narrow but in another place. Open the plate without rows and give it all data" +
        `${ways === "" ? ", or fit the program with svi, whose steps can use minibatches" : ways}.`,
    );
  }
}

/**
 * @param terms parts of log w, in a logarithm of a sum of weights over draws
 * @param plates the plates that contain every term: each of their elements has its own logarithm
 * @throws UsageError when a logarithm covers a minibatch.
 */
export function checkWeighedWhole(terms: readonly Term[], plates: readonly Plate[]): void {
  const apart = plates.map((p) => p.name);
  for (const { site, plates: own } of terms) {
    const minibatch = minibatchIn(own.filter((p) => !apart.includes(p.name)));
    if (minibatch === undefined) continue;
    const outside = terms.find((t) => !t.plates.some((p) => p.name === minibatch.name));
    throw new UsageError(
      `site '${site}' is in ${seenOf(minibatch)}, and site '${outside?.site}' outside it: the weights of several draws ` +
        "then involve all rows together, and their logarithm is not a sum over rows. With a minibatch it is not a bound. Open the plate without rows and give it " +
        'all data; or take one particle, or the ELBO (bound "elbo"), which is a sum over rows.',
    );
  }
}

/**
 * @param plates the plates of the finite site that is summed out
 * @param touching the terms that depend on it
 * @throws UsageError when a site outside a minibatch would be summed out over it.
 */
export function checkSummedWhole(name: string, plates: readonly Plate[], touching: readonly Term[]): void {
  for (const { site, plates: own } of touching) {
    const minibatch = minibatchIn(own.filter((p) => !plates.some((k) => k.name === p.name)));
    if (minibatch === undefined) continue;
    throw new UsageError(
      `site '${name}' is summed out, and site '${site}' below it is in ${seenOf(minibatch)}: the logarithm of a sum over '${name}' involves all rows together, and a scaled minibatch does not estimate it. Give '${name}' a site in the guide ` +
        "(its values are then weighted by their probabilities, which is a sum over rows), or open the plate without rows.",
    );
  }
}
