import {
  ArrayValue,
  build,
  checkDevice,
  chooseExecutor,
  type Device,
  deviceRule,
  type Executor,
} from "../compile/index.ts";
import { biject } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, flag, mapped, type OptionRules, whole } from "../options.ts";
import { type Handler, type Program, trace } from "../program/index.ts";
import { fillUniform, stream } from "../random/index.ts";
import {
  add,
  cast,
  constant,
  formatShape,
  grad,
  type Shape,
  sizeOf,
  type Tensor,
  type TypedArray,
} from "../tensor/index.ts";
import { explainFault } from "./diagnose.ts";
import { type PortableDensity, portableDensity } from "./portable-density.ts";
import {
  type SiteCoordinates,
  type UnconstrainedGraph,
  type UnconstrainedGraphOptions,
  unconstrainedGraph,
} from "./unconstrained-graph.ts";
import {
  compileAt,
  type Floats,
  fixedValues,
  type Precision,
  type Source,
  vectorOf,
} from "./unconstrained-point.ts";

/** Options of {@link unconstrainedDensity}: the values it is conditioned on, and what computes it. */
export interface UnconstrainedDensityOptions extends UnconstrainedGraphOptions {
  /** Values of the program's parameters, as `svi(…).run` returns them; others take their initial ones. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /**
   * Numbers of the program's inputs. The host executor reads the arrays again at each call: if you refill them, the same compiled density
   * uses the new data. The native executor keeps their values from when the density was made.
   */
  readonly data?: ReadonlyMap<Tensor, Float64Array>;
  /**
   * Default `host`: double precision, and microseconds a call for small programs. `native` for large data and networks. `auto`: by the
   * size of the program's graph, native from about 10,000 element operations on.
   */
  readonly executor?: Executor | "auto";
  /** Precision of the native executor; the host always computes in float64. Default `float64`, on a device `float32`, its only one. */
  readonly precision?: Precision;
  /** Threads of the native executor. Default: one for each core. */
  readonly threads?: number;
  /** Where the native executor computes. On `webgpu`, a graphics processor, data stay there, and each call sends a point. Default `cpu`. */
  readonly device?: Device;
  /** Whether the transforms' Jacobian is part of it. Without, it is the density of the sites' own values. Default true. */
  readonly jacobian?: boolean;
}

const densityRules: OptionRules<UnconstrainedDensityOptions> = {
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  data: mapped("numbers by input"),
  executor: anything,
  precision: anything,
  threads: whole(1),
  device: deviceRule,
  jacobian: flag,
  annealed: anything,
  chains: anything,
};

/** Values of sites: an array of the site's shape, or its numbers in order. */
export type SiteValues = ReadonlyMap<string, ArrayValue | ArrayLike<number>>;

/** A program and its data as one log density of a flat vector of unconstrained reals. */
export interface UnconstrainedDensity {
  /** The program's. */
  readonly name: string;
  readonly dimension: number;
  /** Which coordinates belong to which site. */
  readonly sites: readonly SiteCoordinates[];
  readonly executor: Executor;
  /** In what it is computed. */
  readonly precision: Precision;
  /** The expressions behind it. */
  readonly graph: UnconstrainedGraph;
  /** The expression of the log density itself. */
  readonly logDensity: Tensor;
  /** The expressions of its derivatives in the coordinates, one for each site, in the site's free shape. */
  readonly derivatives: readonly Tensor[];
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
  constrain(q: ArrayLike<number>): ReadonlyMap<string, ArrayValue>;
  /** Their values at many points, [points, dimension] row by row: arrays of shape `leading` + the site's, where `leading` has as many elements as points. */
  constrainAll(coordinates: Float64Array, leading: Shape): ReadonlyMap<string, ArrayValue>;
  /** The coordinates at which the sites have these values. @throws UsageError naming a site without values, or outside its support. */
  unconstrain(values: SiteValues): Promise<Float64Array>;
  /** A starting point: each coordinate uniform on (−2, 2), as in Stan. It depends only on the seed and the attempt. */
  initial(seed: number, attempt?: number): Float64Array;
  /** Which site makes the log density at q not finite, and what to do about it; undefined if every site's is finite. */
  explain(q: ArrayLike<number>): Promise<string | undefined>;
  /** Compiles further expressions of the coordinates, on the host: their values at a point, and at values of further inputs. */
  evaluator(
    outputs: readonly Tensor[],
    inputs?: readonly Tensor[],
  ): Promise<(q: ArrayLike<number>, ...fed: ArrayLike<number>[]) => readonly Float64Array[]>;
  /** The density as plain data, for a worker. */
  portable(): PortableDensity;
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
 * @throws UsageError when a latent site is discrete and infinite, or is in a minibatch; when the density reads noise, or an input
 * without a value; or when the program's sites change from run to run.
 */
export async function unconstrainedDensity<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: UnconstrainedDensityOptions = {},
): Promise<UnconstrainedDensity> {
  checkOptions("unconstrainedDensity", options, densityRules);
  const { threads, jacobian = true, device = "cpu" } = options;
  const { precision = device === "cpu" ? "float64" : "float32" } = options;
  if (device !== "cpu" && precision === "float64") {
    throw new UsageError(
      `${program.name}: a graphics processor computes in float32; with device "${device}" leave out the precision, or compute in float64 on the processor.`,
    );
  }
  const source: Source = { program, parameters: options.parameters, data: options.data };
  const graph = unconstrainedGraph(program, args, options);
  const { coordinates, dimension, sites, values, inverseTemperature } = graph;
  const logDensity = jacobian ? add(graph.logJoint, graph.logJacobian) : graph.logJoint;
  const derivatives = grad(logDensity, coordinates);
  const outputs = [logDensity, ...derivatives];
  const executor = executorOf(options, outputs);
  checkDevice(program.name, executor, device);
  const slope = vectorOf(graph, executor === "host" ? "float64" : precision);
  const result = slope.flat.slice(0, 1);
  const beta: Floats = slope.flat.slice(0, 1);
  const { point, run } = await compileAt(source, graph, outputs, [result, ...slope.parts], {
    executor,
    precision,
    device,
    ...(threads !== undefined && { threads }),
    inputs: new Map(inverseTemperature && [[inverseTemperature, beta]]),
  });

  const wrongLength = (q: Float64Array, gradient: Float64Array): UsageError =>
    new UsageError(
      `${program.name}: logDensityAndGradient needs a point and a gradient of ${dimension} numbers, found ${q.length} and ${gradient.length}.`,
    );

  const read = (gradient: Float64Array): number => {
    for (let i = 0; i < dimension; i++) gradient[i] = slope.flat[i];
    return result[0];
  };

  const evaluator: UnconstrainedDensity["evaluator"] = async (outputs, inputs = []) => {
    const results = outputs.map((t) => new Float64Array(t.size));
    const arrays = inputs.map((t) => new Float64Array(t.size));
    const at = await compileAt(source, graph, outputs, results, {
      inputs: new Map(inputs.map((t, i) => [t, arrays[i]])),
    });
    return (q, ...fed) => {
      at.point.set(q);
      fed.forEach((numbers, i) => {
        arrays[i].set(numbers);
      });
      at.run();
      return results;
    };
  };
  const names = [...values.keys()];
  const shapes = [...values.values()].map((t) => t.shape);
  const outward = await evaluator([...values.values()].map((t) => cast(t, "float64")));

  return {
    name: program.name,
    dimension,
    sites,
    executor,
    precision: executor === "host" ? "float64" : precision,
    graph,
    logDensity,
    derivatives,
    evaluator,
    portable: () => portableDensity(source, dimension, sites, coordinates, outputs),
    logDensityAndGradient(q, gradient, power = 1) {
      if (power !== 1 && inverseTemperature === undefined) {
        throw new UsageError(
          `${program.name}: an inverse temperature of ${power} was given, and the density is not annealed; make it with ` +
            "unconstrainedDensity(program, args, { annealed: true }).",
        );
      }
      if (q.length !== dimension || gradient.length !== dimension) throw wrongLength(q, gradient);
      // For a few numbers sooner done than a call of `set`.
      for (let i = 0; i < dimension; i++) point[i] = q[i];
      beta[0] = power;
      // By `call`, as in the samplers' `drive`: what runs is another function for each density.
      const running = run.call(undefined);
      if (running !== undefined) return running.then(() => read(gradient));
      return read(gradient);
    },
    constrain(q) {
      const numbers = outward(q);
      return new Map(
        names.map((name, i) => [name, new ArrayValue(shapes[i], "float64", numbers[i].slice())]),
      );
    },
    constrainAll(coordinates, leading) {
      const points = sizeOf(leading);
      const columns = shapes.map((shape) => new Float64Array(points * sizeOf(shape)));
      for (let i = 0; i < points; i++) {
        const numbers = outward.call(undefined, coordinates.subarray(i * dimension, (i + 1) * dimension));
        for (let k = 0; k < columns.length; k++) putRow(columns[k], i, numbers[k]);
      }
      return new Map(
        names.map((name, k) => [name, new ArrayValue([...leading, ...shapes[k]], "float64", columns[k])]),
      );
    },
    unconstrain: (given) => unconstrain(program, args, graph, given, source),
    initial(seed, attempt = 0) {
      const q = new Float64Array(dimension);
      fillUniform(q, stream(seed, "initial"), { step: attempt, first: 0 });
      return q.map((u) => 4 * u - 2);
    },
    async explain(q) {
      const at = vectorOf(graph);
      at.flat.set(q);
      return explainFault({
        scored: graph.scored,
        named: sites.map(({ name }, i) => ({ name, tensor: coordinates[i] })),
        moved: "unconstrained",
        leafValues: (leaves) =>
          leaves.map((leaf) => {
            const i = coordinates.indexOf(leaf);
            return i < 0 ? Float64Array.from(fixedValues(source, leaf)) : at.parts[i];
          }),
      });
    },
  };
}

/** On a device the executor is the native one, unless another is asked for. */
function executorOf(
  { device = "cpu", executor = device === "cpu" ? "host" : "native" }: UnconstrainedDensityOptions,
  outputs: readonly Tensor[],
): Executor {
  return executor === "auto" ? (device === "cpu" ? chooseExecutor(outputs) : "native") : executor;
}

/** Row `i` of a matrix. */
function putRow(rows: Float64Array, i: number, row: Float64Array): void {
  for (let j = 0; j < row.length; j++) rows[i * row.length + j] = row[j];
}

/** Runs the program with the given values and takes each back through the transform that belongs to its support there. */
async function unconstrain<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  graph: UnconstrainedGraph,
  given: SiteValues,
  source: Source,
): Promise<Float64Array> {
  const free: Tensor[] = [];
  const answer: Handler = (message, next) => {
    // Whether the data are possible under these values is the density's to say.
    if (message.kind === "observe" && message.value !== undefined) return message.value;
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
  const q = vectorOf(graph);
  const compiled = await build(free, { executor: "host" });
  const arrays = compiled.leaves.map((leaf) => Float64Array.from(fixedValues(source, leaf)));
  await compiled.bind(arrays, q.parts)();
  const bad = graph.sites.find((_, i) => !q.parts[i].every(Number.isFinite));
  if (bad !== undefined) {
    throw new UsageError(
      `${graph.name}: the values of site '${bad.name}' lie outside its support or at its edge, where no finite coordinates lead.`,
    );
  }
  return q.flat as Float64Array;
}
