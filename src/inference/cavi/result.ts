/** The factors as distributions, as numbers, and as a guide. */
import { ArrayValue } from "../../compile/index.ts";
import type { Distribution } from "../../distributions/index.ts";
import { type Program, model as program } from "../../program/index.ts";
import { constant, type DType } from "../../tensor/index.ts";
import { within } from "../guides/auto.ts";
import { naturalLeaves } from "./ascent.ts";
import { type Arrays, compileExpressions } from "./compiled.ts";
import type { ConjugateSite } from "./expected-log-joint.ts";

/** Natural parameters as numbers, by site: the state of coordinate ascent, plain data. */
export type NaturalValues = ReadonlyMap<string, readonly Float64Array[]>;

/** The factors of coordinate ascent: one distribution for each site. */
export interface Factors {
  /** The factor of each site, with the site's plates and event shape, float64. */
  readonly factors: ReadonlyMap<string, Distribution>;
  /** Its parameters by name, float64. */
  readonly parameters: ReadonlyMap<string, Readonly<Record<string, ArrayValue>>>;
}

/** The results for each site, from natural parameters. */
export function factorsOf(name: string, sites: readonly ConjugateSite[], natural: NaturalValues): Factors {
  const leaves = naturalLeaves(sites);
  const arrays: Arrays = new Map(
    sites.flatMap((s) =>
      (leaves.get(s.name) ?? []).map((leaf, i) => [leaf, natural.get(s.name)?.[i] ?? new Float64Array(0)]),
    ),
  );
  const symbolic = sites.map((s) => ({
    name: s.name,
    distribution: s.conjugacy.family.distributionAt(leaves.get(s.name) ?? []),
  }));
  const listed = symbolic.flatMap(({ distribution }) => Object.values(distribution.parameters));
  const compiled = compileExpressions(name, listed, [...arrays.keys()], arrays);
  compiled.refresh();
  compiled.run();
  const values = listed.map((t, i) => new ArrayValue(t.shape, "float64", compiled.results[i]));
  const parameters = new Map<string, Readonly<Record<string, ArrayValue>>>();
  const factors = new Map<string, Distribution>();
  for (const { name: site, distribution } of symbolic) {
    const own = Object.fromEntries(
      Object.entries(distribution.parameters).map(([key, t]) => [key, values[listed.indexOf(t)]]),
    );
    parameters.set(site, own);
    factors.set(site, withParameters(distribution, own, "float64"));
  }
  return { factors, parameters };
}

const withParameters = (
  d: Distribution,
  values: Readonly<Record<string, ArrayValue>>,
  dtype: DType,
): Distribution =>
  d.mapParameters((_, key) =>
    constant(Float64Array.from(values[key].data, Number), values[key].shape, dtype),
  );

/** A guide that draws each site from its factor, in the site's plates. Use it with `importance`, `predictive` and `elbo`. */
export function guideOf<A extends readonly unknown[]>(
  name: string,
  sites: readonly ConjugateSite[],
  { factors, parameters }: Factors,
): Program<A> {
  return program<A, void>(
    (context, ..._) => {
      for (const { name: site, plates, distribution } of sites) {
        const factor = factors.get(site);
        const values = parameters.get(site);
        if (factor === undefined || values === undefined) continue;
        within(context, plates, () => {
          context.sample(site, withParameters(factor, values, distribution.floatDType));
        });
      }
    },
    { name: `cavi(${name})` },
  );
}
