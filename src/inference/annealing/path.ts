/** A path of densities from a distribution that can be sampled to a posterior, for many chains at once. */
import { ArrayValue, compile, type Executor } from "../../compile/index.ts";
import { biject } from "../../distributions/index.ts";
import { InternalError, UsageError } from "../../errors.ts";
import {
  type Handler,
  latentSites,
  type Plate,
  type Program,
  type RandomSite,
  replay,
  type Trace,
  trace,
} from "../../program/index.ts";
import {
  add,
  Batch,
  cast,
  constant,
  expand,
  grad,
  input,
  isNoise,
  mul,
  nodesOf,
  noise,
  sizeOf,
  sub,
  substitute,
  sum,
  type Tensor,
  type TypedArray,
  zeros,
} from "../../tensor/index.ts";
import { align, type HiddenAxis } from "../hidden-axes.ts";
import { checkProper } from "../proper.ts";
import { addOver, commonPlates, lifted, perRow, rowsShape, type Term, termOf } from "../terms.ts";
import { type UnconstrainedGraph, unconstrainedGraph } from "../unconstrained-graph.ts";
import { compileAt, type Floats, type Precision } from "../unconstrained-point.ts";
import type { Share } from "./share.ts";

export interface AnnealedPathOptions<A extends readonly unknown[]> {
  /** The chains of this rank, and of all. */
  readonly share: Share;
  /** Guide at the start of the path. Default: the program's prior. */
  readonly guide?: Program<A> | undefined;
  /** Values of parameters, as returned by `svi(…).run`; all others have their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray> | undefined;
  readonly executor?: Executor | undefined;
  readonly precision?: Precision | undefined;
  readonly threads?: number | undefined;
}

/** The result of an evaluation for every row, that is, every datum of every chain. */
export interface Evaluated {
  /** log f_β, [rows]. */
  readonly value: Floats;
  /** Its gradient in the coordinates. */
  readonly gradient: Floats;
  /** log f_β − log f_β', [rows]. */
  readonly increment: Floats;
}

/**
 * Densities f_β over unconstrained coordinates, β from 0 to 1: from the prior p(θ) p(x|θ)^β; from a guide q(θ)^(1−β) p(θ, x)^β. They split
 * into rows: for every chain, every element of the plates that contain all random sites.
 */
export interface AnnealedPath {
  readonly name: string;
  readonly share: Share;
  /** Shape of the data that the program splits into; [] if it does not. */
  readonly data: readonly number[];
  /** Rows of this rank: its chains · data. */
  readonly rows: number;
  readonly dimension: number;
  /** Where the coordinates of each site are, [chains, …] each. */
  readonly sites: readonly { readonly start: number; readonly end: number }[];
  /** The row of each coordinate. */
  readonly owner: Int32Array;
  /** Evaluates at the coordinates. The next call overwrites the arrays. */
  evaluate(q: Float64Array, beta: number, other: number): Promise<Evaluated>;
  /** Draws from f₀ for this rank's chains: call n gives draw n of the seed. */
  start(seed: number): () => Promise<Float64Array>;
  /** Coordinates of this rank's chains, of values of the latent sites, [all chains, …site] each. @throws UsageError when a site is missing; the message names it. */
  unconstrain(values: ReadonlyMap<string, ArrayValue>): Promise<Float64Array>;
  /** Values of latent and deterministic sites, [all chains, …site], on every rank. */
  constrain(q: Float64Array): Promise<ReadonlyMap<string, ArrayValue>>;
}

/** Each row's part of a sum of terms, [chains, …data]. */
function rowsOf(terms: readonly Term[], plates: readonly Plate[], graph: UnconstrainedGraph): Tensor {
  const { hidden, depth } = graph;
  const chains = chainsOf(graph);
  // A program that observes nothing has no likelihood terms.
  if (terms.length === 0) return zeros([chains.size, ...rowsShape(plates)], graph.logJoint.dtype);
  const total = addOver(hidden, depth, terms, plates);
  const layout = new Array<number>(depth).fill(1);
  for (const { dimension, rows } of plates) layout[depth + dimension] = rows;
  // Data that depend on no latent site do not vary along the chains.
  return perRow(expand(align(total, [chains], depth), [chains.size, ...layout]), plates, [chains.size]);
}

function chainsOf({ chains }: UnconstrainedGraph): HiddenAxis {
  if (chains === undefined) throw new InternalError("a path's graph has chains");
  return chains;
}

/** The row of every coordinate: which chain and which element of the common plates it belongs to. */
function ownersOf({ sites, dimension }: UnconstrainedGraph, plates: readonly Plate[]): Int32Array {
  const owner = new Int32Array(dimension);
  const kept = [...plates].sort((a, b) => a.dimension - b.dimension);
  for (const { start, end, freeShape, batchRank } of sites) {
    // Chains first, then the site's plates; its own dimensions are to the right.
    const axes = [0, ...kept.map((p) => 1 + batchRank + p.dimension)];
    const strides = axes.map((axis) => sizeOf(freeShape.slice(axis + 1)));
    for (let i = start; i < end; i++) {
      owner[i] = axes.reduce(
        (row, axis, k) => row * freeShape[axis] + (Math.floor((i - start) / strides[k]) % freeShape[axis]),
        0,
      );
    }
  }
  return owner;
}

/** log q of the guide's sites at the coordinates. @throws UsageError when the guide has other sites. */
function guideTerms<A extends readonly unknown[]>(
  guide: Program<A>,
  args: A,
  graph: UnconstrainedGraph,
): Term[] {
  const answer: Handler = (message, next) => {
    if (message.kind !== "sample") return next(message);
    const value = graph.single.get(message.name);
    if (value === undefined || message.distribution.name === "Delta") {
      throw new UsageError(
        `${guide.name}: site '${message.name}' has no density at a value that it did not draw; a path starts from a guide whose sites are ` +
          "the program's continuous sites, each with its own distribution (autoNormal, or an amortised one).",
      );
    }
    return next({ ...message, value });
  };
  const sites = latentSites(trace(guide, args, [answer]));
  const missing = graph.sites.find((s) => !sites.some((site) => site.name === s.name));
  if (missing !== undefined)
    throw new UsageError(
      `${guide.name}: the guide has no site '${missing.name}', which the start of the path needs.`,
    );
  return sites.map((s) => lifted(graph.hidden, graph.depth, termOf(s)));
}

/** Unconstrained values of sites, in the order of the graph's. */
const freeOf = (graph: UnconstrainedGraph, sites: Trace["sites"]): Tensor[] =>
  graph.sites.map(({ name }) => {
    const { distribution, value } = sites.get(name) as RandomSite;
    return biject(distribution.support).inverse(value);
  });

/** Expressions for one chain, evaluated for all chains, [chains, …]: `valuesOf` gives the value of a leaf in each chain. */
function inChains<L extends Tensor>(
  parts: readonly Tensor[],
  chains: number,
  leaves: Iterable<L>,
  valuesOf: (leaf: L) => Tensor,
): Tensor[] {
  const batch = new Batch(chains, new Map([...leaves].map((leaf) => [leaf, valuesOf(leaf)])));
  return parts.map((t) => expand(batch.lift(t), [chains, ...t.shape]));
}

/** Traces and compiles a path. @throws UsageError as `unconstrainedDensity` does, or when the path cannot start from the guide. */
export async function annealedPath<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: AnnealedPathOptions<A>,
): Promise<AnnealedPath> {
  const { share, guide, parameters, executor = "host", precision = "float64", threads } = options;
  const chains = share.own;
  const graph = unconstrainedGraph(program, args, { annealed: guide === undefined, chains });
  checkProper(
    "annealed importance sampling",
    graph.scored.map(({ site }) => site),
  );
  const start = guide && guideTerms(guide, args, graph);
  const plates = commonPlates([...graph.terms, ...(start ?? [])]);
  const rows = (terms: readonly Term[]): Tensor => rowsOf(terms, plates, graph);

  const dtype = graph.logJoint.dtype;
  const beta = graph.inverseTemperature ?? input("inverse temperature", [], dtype);
  const other = input("other inverse temperature", [], dtype);
  const jacobian = rows(graph.jacobians);
  const [joint, base] = [rows(graph.terms), start && rows(start)];
  const value =
    base === undefined ? add(joint, jacobian) : add(add(base, mul(beta, sub(joint, base))), jacobian);
  const increment = (): Tensor => {
    if (base !== undefined) return mul(sub(beta, other), sub(joint, base));
    // Summed-out sites depend nonlinearly on β; for all others the difference is formed directly, before it can lose digits.
    if (graph.summedOut.length > 0) return sub(joint, substitute(joint, new Map([[beta, other]])));
    return mul(sub(beta, other), rows(graph.observed));
  };

  const source = { program, parameters };
  const wide = executor === "host" ? "float64" : precision;
  const floats = (size: number): Floats =>
    wide === "float32" ? new Float32Array(size) : new Float64Array(size);
  const result = {
    value: floats(value.size),
    gradient: floats(graph.dimension),
    increment: floats(value.size),
  };
  const [at, from] = [floats(1), floats(1)];
  const slopes = graph.sites.map(({ start: a, end: b }) => result.gradient.subarray(a, b));
  const { point, run } = await compileAt(
    source,
    graph,
    [value, increment(), ...grad(sum(value), graph.coordinates)],
    [result.value, result.increment, ...slopes],
    {
      executor,
      precision,
      ...(threads !== undefined && { threads }),
      inputs: new Map([
        [beta, at],
        [other, from],
      ]),
    },
  );

  const values = [...graph.values];
  /** Of coordinates of all chains, those of this rank's. */
  const ofOwnChains = (all: Float64Array): Float64Array => {
    if (share.own === share.chains) return all;
    const q = new Float64Array(graph.dimension);
    for (const { start, end } of graph.sites) {
      const each = (end - start) / chains;
      q.set(share.part(all.subarray(start * (share.chains / chains)), each), start);
    }
    return q;
  };
  const flat = async (parts: readonly Tensor[], seed = 0): Promise<() => Promise<Float64Array>> => {
    const draw = compile(() => parts.map((t) => cast(t, "float64")), {
      executor: "host",
      seed,
      ...(parameters && { parameters }),
    });
    return async () => Float64Array.from((await draw()).flatMap(({ data }) => Array.from(data, Number)));
  };
  return {
    name: program.name,
    share,
    sites: graph.sites,
    data: rowsShape(plates),
    rows: value.size,
    dimension: graph.dimension,
    owner: ownersOf(graph, plates),
    async evaluate(q, inverseTemperature, otherTemperature) {
      point.set(q);
      at[0] = inverseTemperature;
      from[0] = otherTemperature;
      await run();
      return result;
    },
    start(seed) {
      const drawn = guide && trace(guide, args);
      const { sites } = trace(program, args, drawn ? [replay(drawn)] : []);
      const free = freeOf(graph, sites);
      const leaves = new Set(free.flatMap((t) => [...nodesOf(t)].filter(isNoise)));
      const next = flat(
        // Those of all chains, so that a chain's start does not depend on the number of ranks.
        inChains(free, share.chains, leaves, (leaf) => {
          const { kind, site, shape, dtype } = leaf.attributes;
          return noise(kind, site, [share.chains, ...shape], dtype);
        }),
        seed,
      );
      return async () => ofOwnChains(await (await next)());
    },
    async unconstrain(given) {
      const values = new Map<Tensor, Tensor>();
      const answer: Handler = (message, next) => {
        // The density says whether the data are possible under these values.
        if (message.kind === "observe" && message.value !== undefined) return message.value;
        const site = graph.sites.find((s) => s.name === message.name);
        if (site === undefined || message.kind !== "sample" || message.value !== undefined)
          return next(message);
        const found = given.get(site.name);
        const each = sizeOf(site.shape) / chains;
        if (found === undefined || found.data.length !== each * share.chains) {
          throw new UsageError(
            `${program.name}: site '${site.name}' needs ${each * share.chains} values, a draw for each of ${share.chains} chains; found ` +
              `${found?.data.length ?? "none"}.`,
          );
        }
        const { dtype } = message.distribution;
        const value = input(site.name, site.shape.slice(1), dtype);
        values.set(
          value,
          constant(share.part(Float64Array.from(found.data, Number), each), site.shape, dtype),
        );
        return next({ ...message, value });
      };
      const free = freeOf(graph, trace(program, args, [answer]).sites);
      return (await flat(inChains(free, chains, values.keys(), (leaf) => values.get(leaf) ?? leaf)))();
    },
    async constrain(q) {
      const outputs = values.map(([, t]) => new Float64Array(t.size));
      const outward = await compileAt(
        source,
        graph,
        values.map(([, t]) => cast(t, "float64")),
        outputs,
      );
      outward.point.set(q);
      await outward.run();
      return new Map(
        values.map(([name, t], i) => {
          const all = share.all(outputs[i], t.size / chains);
          return [name, new ArrayValue([share.chains, ...t.shape.slice(1)], "float64", all)];
        }),
      );
    },
  };
}
