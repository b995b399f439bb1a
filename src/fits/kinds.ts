/** The kinds of fits, and what a file stores of each. */
import type { ArrayValue } from "../compile/index.ts";
import type { LaplaceResult, MapResult, Mcmc, NaturalValues, SviFit } from "../inference/index.ts";
import {
  array,
  boolean,
  fittedProgram,
  floats,
  listOf,
  mapOf,
  number,
  objectOf,
  optional,
  word,
} from "./codecs.ts";

const values = mapOf(array);

export const mapFit = objectOf<MapResult>({
  method: word("map"),
  fitted: fittedProgram,
  values,
  coordinates: floats,
  logDensity: number,
  gradient: number,
  steps: number,
  evaluations: number,
});

export const laplaceFit = objectOf<LaplaceResult>({
  method: word("laplace"),
  fitted: fittedProgram,
  mode: values,
  coordinates: floats,
  covariance: floats,
  logEvidence: number,
  values,
  paretoK: number,
  trusted: boolean,
});

export const mcmcFit = objectOf<Mcmc>({
  method: word("nuts", "hmc"),
  fitted: fittedProgram,
  chains: number,
  draws: number,
  values,
  statistics: objectOf<Mcmc["statistics"]>({
    logDensity: floats,
    acceptance: floats,
    stepSize: floats,
    treeDepth: floats,
    leapfrogs: floats,
    divergent: floats,
    energy: floats,
  }),
  adapted: listOf(
    objectOf<Mcmc["adapted"][number]>({
      stepSize: number,
      metric: objectOf({ kind: word("diagonal", "dense"), inverse: floats, root: floats }),
    }),
  ),
  maxTreeDepth: optional(number),
});

/** For stochastic variational inference: the parameters by name, with their shapes. */
export interface StoredSvi extends Pick<SviFit, "method" | "fitted" | "elbo"> {
  readonly parameters: ReadonlyMap<string, ArrayValue>;
}

export const sviFit = objectOf<StoredSvi>({
  method: word("svi"),
  fitted: fittedProgram,
  elbo: floats,
  parameters: mapOf(array),
});

/** For coordinate ascent: the factors' natural parameters, from which everything else follows. */
export interface StoredCavi {
  readonly method: "cavi" | "stochastic-cavi";
  readonly fitted: SviFit["fitted"];
  readonly natural: NaturalValues;
  readonly elbo: Float64Array;
  /** Sweeps, or steps. */
  readonly count: number;
  readonly converged: boolean;
}

export const caviFit = objectOf<StoredCavi>({
  method: word("cavi", "stochastic-cavi"),
  fitted: fittedProgram,
  natural: mapOf(listOf(floats)),
  elbo: floats,
  count: number,
  converged: boolean,
});
