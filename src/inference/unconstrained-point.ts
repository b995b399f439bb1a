/** Expressions of a program's unconstrained coordinates, compiled and evaluated at points. */
import {
  build,
  type Device,
  describeLeaf,
  type Executor,
  initialValues,
  inPrecision,
} from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import type { Program } from "../program/index.ts";
import { convert, isInput, isParameter, type Tensor, type TypedArray } from "../tensor/index.ts";
import type { UnconstrainedGraph } from "./unconstrained-graph.ts";

export type Floats = Float32Array | Float64Array;
/** Floating-point precision of the native executor. */
export type Precision = "float32" | "float64";

/** The program that a graph was traced from, and the values of its parameters and of the inputs for data. */
export interface Source {
  readonly program: Pick<Program, "name" | "parameters">;
  readonly parameters: ReadonlyMap<Tensor, TypedArray> | undefined;
  readonly data?: ReadonlyMap<Tensor, Float64Array> | undefined;
}

/** A flat vector of coordinates, and views of its parts, one for each site. */
export function vectorOf(
  { dimension, sites }: UnconstrainedGraph,
  dtype: Precision = "float64",
): { flat: Floats; parts: Floats[] } {
  const flat: Floats = dtype === "float32" ? new Float32Array(dimension) : new Float64Array(dimension);
  return { flat, parts: sites.map(({ start, end }) => flat.subarray(start, end)) };
}

/** The values of a leaf that is not a coordinate. @throws UsageError when it is noise, or data without a value. */
export function fixedValues({ program, parameters, data }: Source, leaf: Tensor): ArrayLike<number> {
  const given = data?.get(leaf);
  if (given !== undefined) return given;
  if (isParameter(leaf)) {
    const name = program.parameters().find((p) => p.tensor === leaf)?.name ?? "parameter";
    return (parameters?.get(leaf) as ArrayLike<number> | undefined) ?? initialValues(leaf, name, 0);
  }
  throw new UsageError(
    isInput(leaf)
      ? `${program.name}: ${describeLeaf(leaf)} has no value. A posterior needs fixed data: pass them as a constant, tensor(…).`
      : `${program.name}: the log density reads ${describeLeaf(leaf)}, so it would change from call to call. Draw random numbers ` +
          "in a sample site, and trace layers in their evaluation pass.",
  );
}

export interface CompileAtOptions {
  readonly executor?: Executor;
  /** Precision of the native executor. */
  readonly precision?: Precision;
  readonly threads?: number;
  /** Where the native executor computes. */
  readonly device?: Device;
  /** Other inputs, with the arrays that they are read from. */
  readonly inputs?: ReadonlyMap<Tensor, Floats>;
}

export interface CompiledAt {
  /** The coordinates: written to before a run. */
  readonly point: Floats;
  readonly run: () => void | Promise<void>;
}

/** Compiles expressions of the coordinates: a flat point to write, `results` to read, and a run between. */
export async function compileAt(
  source: Source,
  graph: UnconstrainedGraph,
  outputs: readonly Tensor[],
  results: readonly Floats[],
  {
    executor = "host",
    precision = "float64",
    threads,
    device = "cpu",
    inputs = new Map(),
  }: CompileAtOptions = {},
): Promise<CompiledAt> {
  // The host computes in float64 whatever a node's dtype says.
  const converted =
    executor === "host" ? { outputs, leaves: new Map<Tensor, Tensor>() } : inPrecision(outputs, precision);
  const original = new Map([...converted.leaves].map(([from, to]) => [to, from]));
  const compiled = await build(converted.outputs, {
    executor,
    device,
    ...(threads !== undefined && { threads }),
  });
  const point = vectorOf(graph, executor === "host" ? "float64" : precision);
  const arrays = compiled.leaves.map((leaf): TypedArray => {
    const from = original.get(leaf) ?? leaf;
    const at = graph.coordinates.indexOf(from);
    if (at >= 0) return point.parts[at];
    const given = inputs.get(from) ?? (executor === "host" ? source.data?.get(from) : undefined);
    if (given !== undefined) return given;
    const values = fixedValues(source, from);
    return executor === "host" ? Float64Array.from(values) : convert(values, leaf.dtype);
  });
  return { point: point.flat, run: compiled.bind(arrays, results) };
}
