import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Program } from "tightbound";
import type { McmcRunOptions, NutsOptions } from "tightbound/mcmc";

/** A posterior of posteriordb, in our words. */
export interface Posterior {
  /** posteriordb's: that of the data, a hyphen, that of the model. */
  readonly name: string;
  /**
   * The program over its data. Sites and deterministic values have posteriordb's names, elements counted from 0 where theirs are counted
   * from 1; sites that posteriordb has no name for are coordinates of ours.
   */
  readonly program: () => Program<[]>;
  /** What its sampler needs beyond the defaults. */
  readonly options: Pick<McmcRunOptions, "initial" | "metric" | "targetAcceptance"> & NutsOptions;
}

const folder = join("test", "posteriors");

/** The data set that a posterior's name begins with. */
export function dataOf<D>(name: string): D {
  const file = `${name.slice(0, name.indexOf("-"))}.json.gz`;
  return JSON.parse(gunzipSync(readFileSync(join(folder, "data", file))).toString()) as D;
}

/** An entry: its name, what its sampler needs, and its program as a function of its data. */
export const posterior = <D>(
  name: string,
  options: Posterior["options"],
  write: (data: D) => Program<[]>,
): Posterior => ({ name, options, program: () => write(dataOf<D>(name)) });

/** Moments of a parameter, each with its Monte Carlo standard error. */
export interface ReferenceMoments {
  readonly mean: number;
  readonly meanError: number;
  readonly sd: number;
  readonly sdError: number;
}

/** Of each posterior, the moments of each parameter over posteriordb's reference draws, as `reference.py` took them. */
export const readReference = (): ReadonlyMap<string, ReadonlyMap<string, ReferenceMoments>> => {
  const stored = JSON.parse(readFileSync(join(folder, "reference.json"), "utf8")) as Record<
    string,
    Record<string, [number, number, number, number]>
  >;
  const momentsOf = ([mean, meanError, sd, sdError]: [number, number, number, number]): ReferenceMoments => ({
    mean,
    meanError,
    sd,
    sdError,
  });
  return new Map(
    Object.entries(stored).map(([name, parameters]) => [
      name,
      new Map(Object.entries(parameters).map(([parameter, row]) => [parameter, momentsOf(row)])),
    ]),
  );
};
