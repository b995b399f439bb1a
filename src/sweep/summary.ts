/** A summary of a sweep: each combination's figures, as means over its seeds. */
import type { SweepFolder } from "./folder.ts";
import type { Plan } from "./plan.ts";

/** A mean over seeds. */
export interface SeedMean {
  readonly mean: number;
  /** Standard error of the mean; absent with fewer than two seeds. */
  readonly standardError?: number;
  readonly seeds: number;
}

/** A combination of values other than the seed. */
export interface Combination {
  readonly values: Readonly<Record<string, string>>;
  /** By name, such as `test elbo`. */
  readonly figures: Readonly<Record<string, SeedMean>>;
}

const PARTS = ["validation", "test", "train"] as const;
const TERMS = ["error", "elbo", "reconstruction"] as const;

/** The figures that an outcome of `train --json` has, by name. */
function figuresOf(outcome: Readonly<Record<string, unknown>>): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const part of PARTS) {
    const terms = outcome[part] as Readonly<Record<string, unknown>> | null | undefined;
    for (const term of TERMS) {
      const value = terms?.[term];
      if (typeof value === "number") found.set(`${part} ${term}`, value);
    }
  }
  return found;
}

function meanOf(values: readonly number[]): SeedMean {
  const seeds = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
  if (seeds < 2) return { mean, seeds };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (seeds - 1) / seeds), seeds };
}

/** The combinations of a sweep, in order, with the means over the runs that are done. */
export function summaryOf({ axes }: Plan, { runs, ended }: SweepFolder): readonly Combination[] {
  const groups = new Map<string, { values: Record<string, string>; found: Map<string, number[]> }>();
  for (const { name, values } of runs) {
    const { seed: _, ...rest } = values;
    const own = axes.length === 0 ? {} : rest;
    const key = JSON.stringify(own);
    const group = groups.get(key) ?? { values: own, found: new Map<string, number[]>() };
    groups.set(key, group);
    const ending = ended.get(name);
    if (ending?.state !== "done") continue;
    for (const [figure, value] of figuresOf(ending.outcome))
      group.found.set(figure, [...(group.found.get(figure) ?? []), value]);
  }
  return [...groups.values()].map(({ values, found }) => ({
    values,
    figures: Object.fromEntries([...found].map(([figure, all]) => [figure, meanOf(all)])),
  }));
}
