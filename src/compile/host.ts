/** The `host` executor: straight-line JavaScript over Float64Arrays, generated from a graph. */
import { InternalError } from "../errors.ts";
import {
  broadcastStrides,
  exactWhole,
  type HostArray,
  type HostKernel,
  type HostLayout,
  isConstant,
  isScan,
  reducedShape,
  type ScanNode,
  sameShape,
  scanResults,
  sizeOf,
  stridesOf,
  type Tensor,
} from "../tensor/index.ts";
import { type Bindings, GeneratedCode, type HostRun, writeWhole } from "./generated-code.ts";
import { countUses, topological } from "./graph.ts";
import { graphKey } from "./graph-key.ts";
import { at, type ElementLoop, type Located, LoopWriter, literal, type Place } from "./host-loops.ts";
import { type KnownProgram, knownProgram } from "./known-programs.ts";

/** An expression with more operators than this is stored in a variable: the JIT gives up on very long ones. */
const LARGEST_EXPRESSION = 24;

export interface HostProgram {
  /** The leaves (inputs, parameters, noise) that must be bound, in this order. */
  readonly leaves: readonly Tensor[];
  /** Number of loops and kernels. */
  readonly nodes: number;
  /** Fixes the arrays to read and write. All arithmetic between them is in float64. */
  bind(leaves: readonly HostArray[], outputs: readonly (HostArray | BigInt64Array)[]): () => void;
}

/** A node that is read more than once and has more elements than this is stored in the order in which it is read. */
const LARGEST_REPEATED = 4096;

type LayoutOf = (node: Tensor, input: HostLayout) => HostLayout;

const layoutOf = ({ op: { host } }: Tensor): LayoutOf | undefined =>
  typeof host === "object" && "layout" in host ? host.layout : undefined;

/** Whether an alias only adds or removes dimensions of size 1. */
const isThin = ({ op, inputs, shape }: Tensor): boolean =>
  op.host === "alias" &&
  sameShape(
    inputs[0].shape.filter((n) => n !== 1),
    shape.filter((n) => n !== 1),
  );

/** Whether a node is a loop over the elements of its inputs. */
const readsElements = ({ op: { host } }: Tensor): boolean =>
  typeof host === "object" && ("expression" in host || "fold" in host || "places" in host);

/** Whether the expression of a node's elements can be written into the loop of its only user. */
const canInline = (node: Tensor, user: Tensor): boolean =>
  expressionOf(node) !== undefined &&
  readsElements(user) &&
  (expressionOf(user) === undefined || node.size === user.size);

const expressionOf = (node: Tensor) =>
  typeof node.op.host === "object" && "expression" in node.op.host ? node.op.host.expression : undefined;

/** Follows reshapes and similar ops to the node that owns the memory. */
function owner(node: Tensor): Tensor {
  let t = node;
  while (t.op.host === "alias") t = t.inputs[0];
  return t;
}

/** The index of a step's first element in the values of all steps. */
const stepStart = (size: number): string => (size === 1 ? "t" : `t * ${size}`);

/** The code of a graph, and what it works on. */
class HostCode {
  readonly code = new GeneratedCode();
  readonly constants: Float64Array[] = [];
  readonly kernels: HostKernel[] = [];
  readonly buffers: Float64Array[] = [];
  readonly #places = new Map<Tensor, Place>();
  /** Further places that a fused loop writes its result to. */
  readonly #copies = new Map<Tensor, Place[]>();
  readonly #staged = new Map<Place, string>();
  readonly #loops: LoopWriter;
  /** Nodes that are written into the one loop that reads them. */
  readonly #inlined = new Set<Tensor>();
  /** Nodes whose elements are read where their input's are. */
  readonly #readInPlace = new Set<Tensor>();
  /** Operators in the expression of a node. */
  readonly #weights = new Map<Tensor, number>();

  constructor(
    outputs: readonly Tensor[],
    leafPlaces: ReadonlyMap<Tensor, Place>,
    copies: readonly (readonly [Tensor, Place])[] = [],
    firstBuffers: readonly Float64Array[] = [],
  ) {
    this.#loops = new LoopWriter(this.code);
    this.buffers.push(...firstBuffers);
    for (const [leaf, place] of leafPlaces) this.#places.set(leaf, place);
    for (const [t, place] of copies) this.#copies.set(t, [...(this.#copies.get(t) ?? []), place]);
    this.#write(outputs);
  }

  /** The array of a value from its first element on. */
  arrayOf(t: Tensor): string {
    const place = this.placeOf(t);
    if (place.from === undefined) return place.array;
    const known = this.#staged.get(place);
    if (known !== undefined) return known;
    const name = this.setAside(place, t.size);
    this.#staged.set(place, name);
    return name;
  }

  placeOf(t: Tensor): Place {
    const place = this.#places.get(owner(t));
    if (place === undefined) throw new InternalError(`${t} is read before it is computed`);
    return place;
  }

  /** A copy of a value, in a buffer of its own. */
  setAside(place: Place, size: number): string {
    const name = this.#buffer(new Float64Array(size));
    this.copy({ array: name }, place, size);
    return name;
  }

  /** Makes the function that runs everything, once the arrays of leaves and outputs are known. */
  compile(): (L: Bindings["L"], O: Bindings["O"]) => HostRun {
    const instantiate = this.code.compile();
    const { constants: C, kernels: K, buffers: B } = this;
    return (L, O) => instantiate({ L, O, C, K, B, W: writeWhole, X: exactWhole });
  }

  copy(to: Place, from: Place, size: number): void {
    const one = (i: string): string => `${at(to, i)} = ${at(from, i)};`;
    this.code.add(size === 1 ? one("0") : `for (let i = 0; i < ${size}; i++) ${one("i")}`);
  }

  #buffer(array: Float64Array): string {
    this.buffers.push(array);
    return `B${this.buffers.length - 1}`;
  }

  #write(outputs: readonly Tensor[]): void {
    const nodes = topological(outputs);
    const uses = countUses(nodes, outputs);
    const users = new Map<Tensor, Tensor[]>(nodes.map((node) => [node, []]));
    for (const node of nodes) for (const x of node.inputs) users.get(x)?.push(node);
    this.#findReadInPlace(nodes, uses, users);

    for (const node of nodes) {
      const { host } = node.op;
      const own = node.inputs.reduce((n, x) => n + (this.#inlined.has(x) ? this.#weightOf(x) : 0), 1);
      this.#weights.set(node, own);
      if (host === "alias" || host === "leaf") {
        if (!isConstant(node)) continue;
        this.#places.set(node, { array: `C${this.constants.length}` });
        this.constants.push(node.attributes.values);
        continue;
      }
      if (typeof host === "object" && "view" in host) {
        this.#view(node, host.view(node));
        continue;
      }
      if (this.#readInPlace.has(node)) continue;
      const [user] = users.get(node) ?? [];
      if (uses.get(node) === 1 && user !== undefined && own < LARGEST_EXPRESSION && canInline(node, user)) {
        this.#inlined.add(node);
        continue;
      }
      this.#places.set(node, { array: this.#buffer(new Float64Array(sizeOf(node.shape))) });
      this.#compute(node);
    }
  }

  /** Finds the nodes whose elements are read where their input's are, because only loops over elements read them. */
  #findReadInPlace(
    nodes: readonly Tensor[],
    uses: ReadonlyMap<Tensor, number>,
    users: ReadonlyMap<Tensor, readonly Tensor[]>,
  ): void {
    for (const node of [...nodes].reverse()) {
      const by = users.get(node) ?? [];
      if (
        (layoutOf(node) !== undefined || isThin(node)) &&
        by.length > 0 &&
        uses.get(node) === by.length &&
        (by.length === 1 || node.size <= LARGEST_REPEATED) &&
        by.every((user) => readsElements(user) || this.#readInPlace.has(user))
      )
        this.#readInPlace.add(node);
    }
    // An alias of a stored value is stored.
    for (const node of nodes)
      if (isThin(node) && !this.#readInPlace.has(node.inputs[0])) this.#readInPlace.delete(node);
  }

  #weightOf(t: Tensor): number {
    return this.#weights.get(t) ?? 1;
  }

  /** Writes the code of a node that has a place. */
  #compute(node: Tensor): void {
    const { host } = node.op;
    const target = { place: this.placeOf(node), start: 0, strides: stridesOf(node.shape) };
    if (typeof host === "object" && "expression" in host) {
      const copies = this.#copies.get(node) ?? [];
      const targets = [target, ...copies.map((place) => ({ ...target, place }))];
      this.#loops.map(this.#loopOf(node, true), targets);
      this.#copies.delete(node);
    } else if (typeof host === "object" && "layout" in host) {
      const located = this.#through(node, host.layout);
      const loop = { shape: node.shape, weight: 1, locate: () => located };
      this.#loops.map<Tensor>({ ...loop, express: (read) => read(node) }, [target]);
    } else if (typeof host === "object" && "fold" in host) {
      const [x] = node.inputs;
      const fold = host.fold(node);
      const kept = stridesOf(reducedShape(x.shape, fold.axes, true));
      const strides = x.shape.map((_, i) => (fold.axes.includes(i) ? 0 : kept[i]));
      this.#loops.fold(this.#loopOf(x), { ...target, strides }, node.size, fold);
    } else if (typeof host === "object" && "places" in host) {
      // What no input covers stays at the 0 that the buffer begins with.
      const places = host.places(node);
      node.inputs.forEach((x, i) => {
        this.#loops.map(this.#loopOf(x), [{ ...target, start: places[i] }]);
      });
    } else {
      const arrays = [node, ...node.inputs].map((t) => this.arrayOf(t));
      this.code.add(`K${this.kernels.length}(${arrays.join(", ")});`);
      this.kernels.push(kernelOf(node));
    }
  }

  /** A loop over the elements of a node: their expression if it is the `root` or inlined, otherwise what is stored. */
  #loopOf(node: Tensor, root = false): ElementLoop<Tensor> {
    const { shape } = node;
    return {
      shape,
      weight: root || this.#inlined.has(node) ? this.#weightOf(node) : 1,
      express: (read, declare) => this.#express(node, read, declare, root),
      locate: (t) => {
        const located = this.#locate(t);
        return { ...located, strides: broadcastStrides(t.shape, shape, located.strides) };
      },
    };
  }

  /** One element of a fused expression. */
  #express(t: Tensor, read: (t: Tensor) => string, declare: (code: string) => string, root: boolean): string {
    if (isConstant(t) && t.size === 1) return literal(t.attributes.values[0]);
    const expression = expressionOf(t);
    if (expression === undefined || !(root || this.#inlined.has(t))) return read(t);
    const parts = t.inputs.map((x) => {
      const part = this.#express(x, read, declare, false);
      return this.#inlined.has(x) ? declare(part) : part;
    });
    return expression(parts, t);
  }

  /** Where the elements of a value lie, along its own dimensions. */
  #locate(t: Tensor): Located {
    if (!this.#readInPlace.has(t)) return { place: this.placeOf(t), start: 0, strides: stridesOf(t.shape) };
    const layout = layoutOf(t);
    if (layout !== undefined) return this.#through(t, layout);
    const [x] = t.inputs;
    const located = this.#locate(x);
    const strides = located.strides.filter((_, i) => x.shape[i] !== 1);
    return { ...located, strides: t.shape.map((n) => (n === 1 ? 0 : (strides.shift() ?? 0))) };
  }

  #through(node: Tensor, layout: LayoutOf): Located {
    const { place, ...from } = this.#locate(node.inputs[0]);
    return { place, ...layout(node, from) };
  }

  /** Part of a buffer; of a bound array a copy, because another one may be bound later. */
  #view(node: Tensor, start: number): void {
    const from = this.placeOf(node.inputs[0]);
    const buffer = from.array.startsWith("B") ? this.buffers[Number(from.array.slice(1))] : undefined;
    if (buffer === undefined || from.from !== undefined) {
      const array = this.#buffer(new Float64Array(node.size));
      this.#places.set(node, { array });
      const first = from.from === undefined ? String(start) : `${from.from} + ${start}`;
      this.copy({ array }, { array: from.array, from: first }, node.size);
      return;
    }
    this.#places.set(node, { array: this.#buffer(buffer.subarray(start, start + node.size)) });
  }

  /** Copies that no fused loop has made. */
  copyRest(): void {
    for (const [t, places] of this.#copies)
      for (const place of places) this.copy(place, this.placeOf(t), t.size);
  }
}

function kernelOf(node: Tensor): HostKernel {
  const { host } = node.op;
  if (isScan(node)) return loopKernel(node);
  if (typeof host === "object" && "kernel" in host) return host.kernel(node);
  throw new InternalError(`${node} has no host kernel`);
}

/** Runs a loop's body once for each step, on arrays of its own; values of steps are read and written in place. */
function loopKernel(node: ScanNode): HostKernel {
  const { body, length, carries, scanned, reverse } = node.attributes;
  const states = body.inputs.slice(0, carries);
  const sources = body.inputs.slice(carries);
  const buffers = states.map((t) => new Float64Array(t.size));
  const results = scanResults(node.attributes);
  const outputs = body.outputs.slice(carries);
  const after = body.outputs.slice(0, carries);
  const places = new Map<Tensor, Place>([
    ...states.map((t, i) => [t, { array: `B${i}` }] as const),
    ...sources.map(
      (t, i) => [t, { array: `L${i}`, ...(i < scanned && { from: stepStart(t.size) }) }] as const,
    ),
  ]);
  const program = new HostCode(
    body.outputs,
    places,
    outputs.map((t, i) => [t, { array: `O${i}`, from: stepStart(t.size) }] as const),
    buffers,
  );
  program.copyRest();
  // A carry that takes the value of another one is put aside before any of them changes.
  const next = after.map((t) => {
    const place = program.placeOf(t);
    return states.includes(owner(t)) ? { array: program.setAside(place, t.size) } : place;
  });
  next.forEach((place, i) => {
    program.copy({ array: `B${i}` }, place, states[i].size);
  });
  const instantiate = program.compile();
  let bound: readonly HostArray[] = [];
  let run: HostRun | undefined;
  return (out, ...inputs) => {
    const arrays = [out, ...inputs];
    if (run === undefined || arrays.some((array, i) => array !== bound[i])) {
      bound = arrays;
      const written = results
        .slice(carries)
        .map(({ start, shape }) => out.subarray(start, start + sizeOf(shape)));
      run = instantiate(inputs.slice(carries), written);
    }
    buffers.forEach((buffer, i) => {
      buffer.set(inputs[i]);
    });
    if (reverse) for (let t = length - 1; t >= 0; t--) run(t);
    else for (let t = 0; t < length; t++) run(t);
    buffers.forEach((buffer, i) => {
      out.set(buffer, results[i].start);
    });
  };
}

/** So many elements are sooner copied by a loop than by a call of `set`. */
const FEW = 32;

/** Programs that read and write more numbers than this do it in the arrays that they are bound to, and are not shared. */
const LARGEST_COPIED = 4096;

function copyNumbers(to: HostArray, from: HostArray): void {
  if (to.length > FEW && from.length === to.length) to.set(from);
  else for (let i = 0; i < to.length; i++) to[i] = from[i];
}

/** The code of outputs, and of writing them where they are bound. */
function codeOf(outputs: readonly Tensor[], leaves: readonly Tensor[]): HostCode {
  const program = new HostCode(outputs, new Map(leaves.map((t, i) => [t, { array: `L${i}` }])));
  outputs.forEach((t, i) => {
    const { array } = program.placeOf(t);
    if (t.dtype === "int64") program.code.add(`W(O${i}, ${array});`);
    else if (t.size > FEW) program.code.add(`O${i}.set(${array});`);
    else program.copy({ array: `O${i}` }, { array }, t.size);
  });
  return program;
}

/** Compiles a graph on arrays of its own. */
function ownProgram(outputs: readonly Tensor[], leaves: readonly Tensor[]): KnownProgram {
  const program = codeOf(outputs, leaves);
  const [L, O] = [leaves, outputs].map((list) => list.map((t) => new Float64Array(t.size)));
  const arrays = [...program.constants, ...program.buffers, ...L, ...O];
  return {
    leaves: L,
    outputs: O,
    run: program.compile()(L, O),
    nodes: program.buffers.length,
    size: arrays.reduce((n, { length }) => n + length, 0),
  };
}

/**
 * Compiles `outputs` to JavaScript functions that run one after another. A graph that computes the same as one compiled before, on not too many
 * numbers, shares its functions, which V8 has then compiled already.
 *
 * @param once whether it will be bound and run only once: then it is not kept
 */
export function compileHost(
  outputs: readonly Tensor[],
  { once = false }: { readonly once?: boolean } = {},
): HostProgram {
  const leaves = topological(outputs).filter((t) => t.op.host === "leaf" && !isConstant(t));
  const numbers = [...leaves, ...outputs].reduce((n, t) => n + t.size, 0);
  if (once || numbers > LARGEST_COPIED || outputs.some((t) => t.dtype === "int64")) {
    const program = codeOf(outputs, leaves);
    const instantiate = program.compile();
    return {
      leaves,
      nodes: program.buffers.length,
      bind: (bound, written) => {
        const run = instantiate(bound, written);
        return () => run(0);
      },
    };
  }
  const program = knownProgram(graphKey(outputs, leaves), () => ownProgram(outputs, leaves));
  const { leaves: read, outputs: results, run } = program;
  return {
    leaves,
    nodes: program.nodes,
    bind: (bound, written) => () => {
      for (let k = 0; k < read.length; k++) copyNumbers(read[k], bound[k]);
      run(0);
      for (let k = 0; k < results.length; k++) copyNumbers(written[k] as HostArray, results[k]);
    },
  };
}
