import { nuts, summary } from "tightbound";
import type { McmcRunOptions } from "tightbound/mcmc";
import type { Posterior, ReferenceMoments } from "./posterior.ts";

/** Our moments of a parameter beside the reference's. */
export interface ComparedParameter {
  /** posteriordb's name. */
  readonly name: string;
  readonly mean: number;
  readonly sd: number;
  /** Differences over their standard error, which both sides' Monte Carlo errors make. */
  readonly zMean: number;
  readonly zSd: number;
}

/** NUTS's answer to a posterior, beside the reference. */
export interface Comparison {
  readonly posterior: string;
  readonly parameters: readonly ComparedParameter[];
  readonly divergences: number;
  /** Trajectories that were cut off. */
  readonly saturated: number;
  /** The largest of any parameter of the program. */
  readonly rHat: number;
  /** The smallest of any parameter of the program, of centre and tails. */
  readonly effectiveDraws: number;
  /** By the clock, with compilation. */
  readonly seconds: number;
}

/** `beta[0]` as posteriordb writes it: `beta[1]`. */
const theirName = (name: string): string =>
  name.replace(/\d+(?=[,\]])/g, (index) => String(Number(index) + 1));

/** Draws from a posterior and compares the moments of each parameter that the reference has. */
export async function compare(
  { name, program, options }: Posterior,
  reference: ReadonlyMap<string, ReferenceMoments>,
  run: McmcRunOptions,
): Promise<Comparison> {
  const { maxTreeDepth, ...adaptation } = options;
  const start = performance.now();
  const chains = await nuts(program(), maxTreeDepth === undefined ? {} : { maxTreeDepth }).run([], {
    ...adaptation,
    ...run,
  });
  const seconds = (performance.now() - start) / 1000;
  const { rows, divergences, saturated } = summary(chains);
  const ours = new Map(rows.map((row) => [theirName(row.name), row]));
  const parameters = [...reference].map(([parameter, moments]): ComparedParameter => {
    const row = ours.get(parameter);
    if (row === undefined) throw new Error(`${name}: no site gives '${parameter}'.`);
    return {
      name: parameter,
      mean: row.mean,
      sd: row.sd,
      zMean: (row.mean - moments.mean) / Math.hypot(row.mcseMean, moments.meanError),
      zSd: (row.sd - moments.sd) / Math.hypot(row.mcseSd, moments.sdError),
    };
  });
  return {
    posterior: name,
    parameters,
    divergences,
    saturated,
    rHat: Math.max(...rows.map((row) => row.rHat)),
    effectiveDraws: Math.min(...rows.map((row) => Math.min(row.essBulk, row.essTail))),
    seconds,
  };
}
