/**
 * A scaled minibatch stands for the data in sums alone: its log density is an unbiased estimate of the whole. A nonlinear function of it
 * (a logarithm of a sum over it, a posterior of it) is of other data. Who computes such a function refuses it here.
 */
import { UsageError } from "../errors.ts";
import type { Plate, RandomSite } from "../program/index.ts";
import type { Term } from "./terms.ts";

/** The first of some plates of which only a part is seen. */
export const minibatchIn = (plates: readonly Plate[]): Plate | undefined =>
  plates.find((p) => p.rows < p.size);

/** Which rows are seen, for messages. */
export const seenOf = ({ name, rows, size }: Plate): string =>
  `plate '${name}', of which only ${rows} of ${size} rows are seen`;

/** @throws UsageError where a random site stands in a minibatch: a posterior is of all data. */
export function checkWholeData(program: string, sites: readonly RandomSite[], ways = ""): void {
  for (const { name, plates, kind } of sites) {
    const minibatch = minibatchIn(plates);
    if (minibatch === undefined) continue;
    throw new UsageError(
      `${program}: ${kind === "observe" ? "observed " : ""}site '${name}' stands in ${seenOf(minibatch)}. A posterior needs all of ` +
        "them: that of a scaled minibatch is another one, as narrow and in another place. Open the plate without rows and give it all data" +
        `${ways === "" ? ", or fit the program with svi, whose steps may be of minibatches" : ways}.`,
    );
  }
}

/**
 * @param terms parts of log w, a weight whose logarithm of a sum over draws is taken
 * @param plates those that hold every term: each of their elements has a logarithm of its own
 * @throws UsageError where one logarithm is of a minibatch.
 */
export function checkWeighedWhole(terms: readonly Term[], plates: readonly Plate[]): void {
  const apart = plates.map((p) => p.name);
  for (const { site, plates: own } of terms) {
    const minibatch = minibatchIn(own.filter((p) => !apart.includes(p.name)));
    if (minibatch === undefined) continue;
    const outside = terms.find((t) => !t.plates.some((p) => p.name === minibatch.name));
    throw new UsageError(
      `site '${site}' stands in ${seenOf(minibatch)}, and site '${outside?.site}' outside it: the weights of several draws are then of all ` +
        "rows together, and their logarithm is no sum over rows. With a minibatch it is no bound. Open the plate without rows and give it " +
        'all data; or take one particle, or the ELBO (bound "elbo"), which is a sum over rows.',
    );
  }
}

/**
 * @param plates those of the finite site that is summed out
 * @param touching the terms that depend on it
 * @throws UsageError where a site outside a minibatch would be summed over it.
 */
export function checkSummedWhole(name: string, plates: readonly Plate[], touching: readonly Term[]): void {
  for (const { site, plates: own } of touching) {
    const minibatch = minibatchIn(own.filter((p) => !plates.some((k) => k.name === p.name)));
    if (minibatch === undefined) continue;
    throw new UsageError(
      `site '${name}' is summed out, and site '${site}' below it stands in ${seenOf(minibatch)}: the logarithm of a sum over ` +
        `'${name}' is of all rows together, and a scaled minibatch is no estimate of it. Give '${name}' a site in the guide ` +
        "(its values are then weighed by their probabilities, which is a sum over rows), or open the plate without rows.",
    );
  }
}
