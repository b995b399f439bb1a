import { ArrayValue } from "../compile/array-value.ts";
import { build, type Executor } from "../compile/compile.ts";
import { describeLeaf, initialValues } from "../compile/leaves.ts";
import { inPrecision } from "../compile/precision.ts";
import { biject } from "../distributions/transforms/biject.ts";
import { UsageError } from "../errors.ts";
import { type Handler, type Program, trace } from "../program/index.ts";
import { fillUniform, stream } from "../random/index.ts";
import { convert, type TypedArray } from "../tensor/dtype.ts";
import { grad } from "../tensor/grad.ts";
import { constant, isInput, isParameter } from "../tensor/leaf.ts";
import { add } from "../tensor/ops/arithmetic.ts";
import { cast } from "../tensor/ops/cast.ts";
import { formatShape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type SiteCoordinates,
  type UnconstrainedGraph,
  type UnconstrainedGraphOptions,
  unconstrainedGraph,
} from "./unconstrained-graph.ts";

export interface UnconstrainedDensityOptions extends UnconstrainedGraphOptions {
  /** Values of the program's parameters, as `svi(…).run` returns them; others take their initial ones. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /** Default `host`: double precision, and microseconds a call for small programs. `native` for large data and networks. */
  readonly executor?: Executor;
  /** Of the native executor; the host computes in float64 whatever is said. Default `float64`. */
  readonly precision?: "float32" | "float64";
  /** Of the native executor. */
  readonly threads?: number;
  /** Whether the transforms' Jacobian is part of it. Without, it is the density of the sites' own values. Default true. */
  readonly jacobian?: boolean;
}

/** Values of sites: an array of the site's shape, or its numbers in order. */
export type SiteValues = ReadonlyMap<string, ArrayValue | ArrayLike<number>>;

/** A program and its data as one log density of a flat vector of unconstrained reals. */
export interface UnconstrainedDensity {
  readonly dimension: number;
  /** Which coordinates belong to which site. */
  readonly sites: readonly SiteCoordinates[];
  readonly executor: Executor;
  /** The expressions behind it. */
  readonly graph: UnconstrainedGraph;
  /**
   * ln p(θ(q), x) + ln |det ∂θ/∂q|, and its gradient into `gradient`; both arrays of length `dimension`, neither is kept. A number on
   * the host executor, a promise on the native one; one call at a time. Not finite where the density is zero or undefined.
   *
   * @param inverseTemperature β of an annealed density, default 1
   */
  logDensityAndGradient(
    q: Float64Array,
    gradient: Float64Array,
    inverseTemperature?: number,
  ): number | Promise<number>;
  /** The values of latent and deterministic sites at q, float64. Sites that were summed out are absent. */
  constrain(q: Float64Array): ReadonlyMap<string, ArrayValue>;
  /** The coordinates at which the sites have these values. @throws UsageError naming a site without values, or outside its support. */
  unconstrain(values: SiteValues): Promise<Float64Array>;
  /** A starting point: each coordinate uniform on (−2, 2), as Stan's. A function of the seed and the attempt alone. */
  initial(seed: number, attempt?: number): Float64Array;
}

type Floats = Float32Array | Float64Array;

/** A flat vector and its parts, one for each site: views. */
function vectorOf(graph: UnconstrainedGraph, dtype: "float32" | "float64") {
  const flat: Floats =
    dtype === "float32" ? new Float32Array(graph.dimension) : new Float64Array(graph.dimension);
  return { flat, parts: graph.sites.map(({ start, end }) => flat.subarray(start, end)) };
}

/** The values of a leaf that is no coordinate. @throws UsageError for noise, and for data without a value. */
function fixedValues(
  program: Pick<Program, "name" | "parameters">,
  leaf: Tensor,
  given: ReadonlyMap<Tensor, TypedArray> | undefined,
): ArrayLike<number> {
  if (isParameter(leaf)) {
    const name = program.parameters().find((p) => p.tensor === leaf)?.name ?? "parameter";
    return (given?.get(leaf) as ArrayLike<number> | undefined) ?? initialValues(leaf, name, 0);
  }
  throw new UsageError(
    isInput(leaf)
      ? `${program.name}: ${describeLeaf(leaf)} has no value. A posterior is of fixed data: pass them as a constant, tensor(…).`
      : `${program.name}: the log density reads ${describeLeaf(leaf)}, so it would change from call to call. Draw what is random in ` +
          "a sample site, and trace layers in their evaluation pass.",
  );
}

/** Compiles expressions of the coordinates: a flat point to write, arrays to read, and a run between. */
async function compileAt(
  program: Pick<Program, "name" | "parameters">,
  graph: UnconstrainedGraph,
  outputs: readonly Tensor[],
  results: readonly Floats[],
  options: UnconstrainedDensityOptions,
) {
  const { executor = "host", precision = "float64", threads, parameters } = options;
  const dtype = executor === "host" ? "float64" : precision;
  const { outputs: converted, leaves } =
    executor === "host" ? { outputs, leaves: new Map<Tensor, Tensor>() } : inPrecision(outputs, dtype);
  const original = new Map([...leaves].map(([from, to]) => [to, from]));
  const compiled = await build(converted, { executor, ...(threads !== undefined && { threads }) });
  const point = vectorOf(graph, dtype);
  const beta: Floats = dtype === "float32" ? new Float32Array([1]) : new Float64Array([1]);
  const arrays = compiled.leaves.map((leaf): TypedArray => {
    const from = original.get(leaf) ?? leaf;
    if (from === graph.inverseTemperature) return beta;
    const at = graph.coordinates.indexOf(from);
    if (at >= 0) return point.parts[at];
    const values = fixedValues(program, from, parameters);
    return executor === "host" ? Float64Array.from(values) : convert(values, leaf.dtype);
  });
  return { point: point.flat, beta, run: compiled.bind(arrays, results) };
}

/**
 * A program and its data as one log density over unconstrained reals, value and gradient in one compiled call: what `map`, `laplace`,
 * `hmc`, `nuts` and annealed importance sampling stand on. Each continuous latent site is reached through the transform that belongs to
 * its support (`transforms.biject`), whose Jacobian is part of the density; finite latent sites are summed out exactly.
 *
 * @example
 * const density = await unconstrainedDensity(coin, [flips]);
 * const q = density.initial(0);
 * const gradient = new Float64Array(density.dimension);
 * await density.logDensityAndGradient(q, gradient);
 * density.constrain(q).get("p")?.item(); // in (0, 1)
 *
 * @throws UsageError when a latent site is discrete and infinite, or stands in a minibatch; when the density reads noise or an input;
 * or when the program's sites change from run to run.
 */
export async function unconstrainedDensity<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: UnconstrainedDensityOptions = {},
): Promise<UnconstrainedDensity> {
  const { executor = "host", precision = "float64", jacobian = true } = options;
  const graph = unconstrainedGraph(program, args, options);
  const { coordinates, dimension, sites, values } = graph;
  const logDensity = jacobian ? add(graph.logJoint, graph.logJacobian) : graph.logJoint;
  const slope = vectorOf(graph, executor === "host" ? "float64" : precision);
  const result = slope.flat.slice(0, 1);
  const { point, beta, run } = await compileAt(
    program,
    graph,
    [logDensity, ...grad(logDensity, coordinates)],
    [result, ...slope.parts],
    options,
  );
  const constrained = [...values].map(([name, t]) => ({ name, value: new ArrayValue(t.shape, "float64") }));
  const outward = await compileAt(
    program,
    graph,
    [...values.values()].map((t) => cast(t, "float64")),
    constrained.map(({ value }) => value.data as Float64Array),
    { ...options, executor: "host" },
  );

  return {
    dimension,
    sites,
    executor,
    graph,
    logDensityAndGradient(q, gradient, inverseTemperature = 1) {
      if (inverseTemperature !== 1 && graph.inverseTemperature === undefined) {
        throw new UsageError(
          `${graph.name}: an inverse temperature of ${inverseTemperature} was given, and the density is not annealed; make it with ` +
            "unconstrainedDensity(program, args, { annealed: true }).",
        );
      }
      point.set(q);
      beta[0] = inverseTemperature;
      const running = run();
      const read = (): number => {
        gradient.set(slope.flat);
        return result[0];
      };
      return running === undefined ? read() : running.then(read);
    },
    constrain(q) {
      outward.point.set(q);
      outward.run();
      return new Map(
        constrained.map(({ name, value }) => [
          name,
          new ArrayValue(value.shape, "float64", value.data.slice()),
        ]),
      );
    },
    unconstrain: (given) => unconstrain(program, args, graph, given, options.parameters),
    initial(seed, attempt = 0) {
      const q = new Float64Array(dimension);
      fillUniform(q, stream(seed, "initial"), { step: attempt });
      return q.map((u) => 4 * u - 2);
    },
  };
}

/** Runs the program with the given values and takes each back through the transform that belongs to its support there. */
async function unconstrain<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  graph: UnconstrainedGraph,
  given: SiteValues,
  parameters: ReadonlyMap<Tensor, TypedArray> | undefined,
): Promise<Float64Array> {
  const free: Tensor[] = [];
  const answer: Handler = (message, next) => {
    const site = graph.sites.find((s) => s.name === message.name);
    if (site === undefined || message.kind !== "sample" || message.value !== undefined) return next(message);
    const values = given.get(site.name);
    const numbers = values instanceof ArrayValue ? values.data : values;
    if (numbers === undefined || numbers.length !== sizeOf(site.shape)) {
      throw new UsageError(
        `${graph.name}: site '${site.name}' needs ${sizeOf(site.shape)} values of shape ${formatShape(site.shape)}, found ` +
          `${numbers === undefined ? "none" : numbers.length}.`,
      );
    }
    const value = constant(Float64Array.from(numbers, Number), site.shape, message.distribution.dtype);
    free.push(biject(message.distribution.support).inverse(value));
    return next({ ...message, value });
  };
  trace(program, args, [answer]);
  const q = vectorOf(graph, "float64");
  const compiled = await build(free, { executor: "host" });
  const arrays = compiled.leaves.map((leaf) => Float64Array.from(fixedValues(program, leaf, parameters)));
  await compiled.bind(arrays, q.parts)();
  const bad = graph.sites.find((_, i) => !q.parts[i].every(Number.isFinite));
  if (bad !== undefined) {
    throw new UsageError(
      `${graph.name}: the values of site '${bad.name}' lie outside its support or at its edge, where no finite coordinates lead.`,
    );
  }
  return q.flat as Float64Array;
}
