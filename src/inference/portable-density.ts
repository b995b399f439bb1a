/** A log density as plain data, and back, to send it to a worker: a program is a closure and cannot be sent. */
import { compileHost, fromPlainGraph, type PlainGraph, simplify, toPlainGraph } from "../compile/index.ts";
import { isConstant, nodesOf, type Op, type Tensor } from "../tensor/index.ts";
import type { SiteCoordinates } from "./unconstrained-graph.ts";
import { fixedValues, type Source } from "./unconstrained-point.ts";

export interface PortableDensity {
  readonly dimension: number;
  readonly sites: readonly SiteCoordinates[];
  /** Log density, then its gradient in each site's coordinates. Its leaves: the coordinates, then those with `values`. */
  readonly graph: PlainGraph;
  readonly values: readonly Float64Array[];
}

export function portableDensity(
  source: Source,
  dimension: number,
  sites: readonly SiteCoordinates[],
  coordinates: readonly Tensor[],
  outputs: readonly Tensor[],
): PortableDensity {
  const nodes = new Set(outputs.flatMap((t) => [...nodesOf(t)]));
  const others = [...nodes].filter((t) => t.op.host === "leaf" && !isConstant(t) && !coordinates.includes(t));
  return {
    dimension,
    sites,
    graph: toPlainGraph(outputs, [...coordinates, ...others]),
    values: others.map((leaf) => Float64Array.from(fixedValues(source, leaf))),
  };
}

/** The log density on the host executor: the same code as in the sender, so the same numbers. */
export function reviveDensity(
  { dimension, sites, graph, values }: PortableDensity,
  known?: ReadonlyMap<string, Op>,
) {
  const { outputs, leaves } = fromPlainGraph(graph, known);
  const program = compileHost(simplify(outputs));
  const parts = (flat: Float64Array) => sites.map(({ start, end }) => flat.subarray(start, end));
  const [point, slope] = [new Float64Array(dimension), new Float64Array(dimension)];
  const result = new Float64Array(1);
  const arrays = [...parts(point), ...values];
  const run = program.bind(
    program.leaves.map((leaf) => arrays[leaves.indexOf(leaf)]),
    [result, ...parts(slope)],
  );
  return (q: Float64Array, gradient: Float64Array): number => {
    point.set(q);
    run();
    gradient.set(slope);
    return result[0];
  };
}
