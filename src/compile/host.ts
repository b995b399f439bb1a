/** The `host` executor: straight-line JavaScript over Float64Arrays, generated from a graph. */
import { InternalError } from "../errors.ts";
import {
  broadcastStrides,
  exactWhole,
  type HostArray,
  type HostKernel,
  isConstant,
  isScan,
  type ScanNode,
  type Shape,
  sameShape,
  scanResults,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";
import { type Bindings, GeneratedCode, type HostRun, writeWhole } from "./generated-code.ts";
import { countUses, topological } from "./graph.ts";

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

const expressionOf = (node: Tensor) =>
  typeof node.op.host === "object" && "expression" in node.op.host ? node.op.host.expression : undefined;

/** Follows reshapes and similar ops to the node that owns the memory. */
function owner(node: Tensor): Tensor {
  let t = node;
  while (t.op.host === "alias") t = t.inputs[0];
  return t;
}

function literal(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "(-Infinity)";
  return value < 0 || Object.is(value, -0) ? `(-${-value})` : String(value);
}

/** A dimension of a fused loop: its size, and the stride of each operand along it. */
interface LoopDim {
  readonly size: number;
  readonly strides: readonly number[];
}

/** Merges neighbouring dimensions that every operand traverses as one. */
function collapse(shape: Shape, operands: readonly Shape[]): LoopDim[] {
  const all = operands.map((s) => broadcastStrides(s, shape));
  const dims: LoopDim[] = [];
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const strides = all.map((s) => s[d]);
    const last = dims.at(-1);
    if (last?.strides.every((s, i) => s === strides[i] * shape[d])) {
      dims[dims.length - 1] = { size: last.size * shape[d], strides };
    } else {
      dims.push({ size: shape[d], strides });
    }
  }
  return dims;
}

/** Where a stored value is: an array, and in the body of a loop the index of its first element in this step. */
interface Place {
  readonly array: string;
  readonly from?: string;
}

const at = ({ array, from }: Place, index: string): string =>
  from === undefined ? `${array}[${index}]` : `${array}[${index === "0" ? from : `${from} + ${index}`}]`;

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

  constructor(
    outputs: readonly Tensor[],
    leafPlaces: ReadonlyMap<Tensor, Place>,
    copies: readonly (readonly [Tensor, Place])[] = [],
    firstBuffers: readonly Float64Array[] = [],
  ) {
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
    const users = new Map<Tensor, Tensor>();
    for (const node of nodes) for (const x of node.inputs) users.set(x, node);

    const weight = new Map<Tensor, number>();
    /** Whether a node is written into the one expression that reads it, instead of being stored. */
    const inlined = (t: Tensor): boolean => {
      const user = users.get(t);
      return (
        expressionOf(t) !== undefined &&
        uses.get(t) === 1 &&
        user !== undefined &&
        expressionOf(user) !== undefined &&
        t.size === user.size &&
        (weight.get(t) ?? 0) < LARGEST_EXPRESSION
      );
    };

    for (const node of nodes) {
      const { host } = node.op;
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
      const expression = expressionOf(node);
      weight.set(node, 1 + node.inputs.reduce((n, x) => n + (inlined(x) ? (weight.get(x) ?? 0) : 0), 0));
      if (expression !== undefined && inlined(node)) continue;
      this.#places.set(node, { array: this.#buffer(new Float64Array(sizeOf(node.shape))) });
      if (expression !== undefined) {
        this.#fusedLoop(node, inlined);
      } else {
        const arrays = [node, ...node.inputs].map((t) => this.arrayOf(t));
        this.code.add(`K${this.kernels.length}(${arrays.join(", ")});`);
        this.kernels.push(kernelOf(node));
      }
    }
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

  /** One element of a fused expression, as statements; stored values that it reads are collected in `operands`. */
  #express(
    t: Tensor,
    operands: Map<Tensor, string>,
    statements: string[],
    inlined: (t: Tensor) => boolean,
    root = false,
  ): string {
    if (isConstant(t) && t.size === 1) return literal(t.attributes.values[0]);
    const expression = expressionOf(t);
    if (expression !== undefined && (root || inlined(t))) {
      const inputs = t.inputs.map((x) => this.#express(x, operands, statements, inlined));
      const code = expression(inputs, t);
      if (root) return code;
      // Store it in a variable, because an expression may read its operand more than once.
      statements.push(`const t${statements.length} = ${code};`);
      return `t${statements.length - 1}`;
    }
    let placeholder = operands.get(t);
    if (placeholder === undefined) {
      placeholder = `e${operands.size}`;
      operands.set(t, placeholder);
    }
    return placeholder;
  }

  #fusedLoop(node: Tensor, inlined: (t: Tensor) => boolean): void {
    const operands = new Map<Tensor, string>();
    const statements: string[] = [];
    const result = this.#express(node, operands, statements, inlined, true);
    const list = [...operands.keys()];
    const dims = collapse(node.shape, [node.shape, ...list.map((t) => t.shape)]);
    const read = (t: Tensor, index: string): string =>
      `const ${operands.get(t)} = ${at(this.placeOf(t), index)};`;
    const index = (position: number): string => {
      const terms = dims.map(({ strides }, n) =>
        strides[position] === 1 ? `i${n}` : `i${n} * ${strides[position]}`,
      );
      return terms.filter((_, n) => dims[n].strides[position] !== 0).join(" + ") || "0";
    };
    const targets = [this.placeOf(node), ...(this.#copies.get(node) ?? [])];
    this.code.add(
      "{",
      ...list.filter((t) => t.size === 1).map((t) => read(t, "0")),
      ...dims.map((d, n) => `for (let i${n} = 0; i${n} < ${d.size}; i${n}++) {`),
      ...list.filter((t) => t.size !== 1).map((t) => read(t, index(1 + list.indexOf(t)))),
      ...statements,
      `${targets.map((place) => at(place, index(0))).join(" = ")} = ${result};`,
      "}".repeat(dims.length + 1),
    );
    this.#copies.delete(node);
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

/** Compiles `outputs` to JavaScript functions that run one after another. */
export function compileHost(outputs: readonly Tensor[]): HostProgram {
  const leaves = topological(outputs).filter((t) => t.op.host === "leaf" && !isConstant(t));
  const program = new HostCode(outputs, new Map(leaves.map((t, i) => [t, { array: `L${i}` }])));
  outputs.forEach((t, i) => {
    const { array } = program.placeOf(t);
    if (t.dtype === "int64") program.code.add(`W(O${i}, ${array});`);
    else program.code.add(t.size === 1 ? `O${i}[0] = ${array}[0];` : `O${i}.set(${array});`);
  });
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

type ElementFunction = (X: typeof exactWhole, out: Float64Array, ...inputs: Float64Array[]) => void;

/** Compiled functions by their code: a graph has many nodes but few different ops. */
const elementFunctions = new Map<string, ElementFunction>();

/** Runs the expression of an element-wise op over arrays, named x0, x1, … in it, that are as long as the result. */
function evaluateElements(code: string, out: Float64Array, inputs: readonly Float64Array[]): void {
  const key = `${inputs.length} ${code}`;
  const names = inputs.map((_, i) => `x${i}`);
  const known = elementFunctions.get(key);
  const loop = `"use strict"; for (let i = 0; i < out.length; i++) out[i] = ${code};`;
  const run = known ?? (new Function("X", "out", ...names, loop) as ElementFunction);
  if (known === undefined) elementFunctions.set(key, run);
  run(exactWhole, out, ...inputs);
}

/** The value of a node whose inputs are all constants. */
export function evaluateConstant(node: Tensor): Float64Array {
  const out = new Float64Array(node.size);
  const { host } = node.op;
  const values = node.inputs.map((x) => (isConstant(x) ? x.attributes.values : undefined));
  if (typeof host === "object" && !("view" in host) && values.every((v) => v !== undefined)) {
    if ("kernel" in host) {
      host.kernel(node)(out, ...values);
      return out;
    }
    // Inputs in the order of the result, or of one number.
    if (node.inputs.every((x) => x.size === 1 || sameShape(x.shape, node.shape))) {
      const names = values.map((v, i) => `x${i}[${v.length === 1 ? 0 : "i"}]`);
      evaluateElements(host.expression(names, node), out, values);
      return out;
    }
  }
  compileHost([node]).bind([], [out])();
  return out;
}
