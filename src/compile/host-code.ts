import { InternalError } from "../errors.ts";
import {
  broadcastStrides,
  type ConstantAttributes,
  type HostKernel,
  isConstant,
  isScan,
  type Leaf,
  reducedShape,
  type ScanNode,
  scanResults,
  stridesOf,
  type Tensor,
} from "../tensor/index.ts";
import { GeneratedCode } from "./generated-code.ts";
import { countUses, topological } from "./graph.ts";
import { at, type ElementLoop, type Located, LoopWriter, literal, type Place } from "./host-loops.ts";
import {
  expressionOf,
  isThin,
  kernelOf,
  type LayoutOf,
  layoutOf,
  owner,
  readsElements,
  widened,
} from "./host-nodes.ts";
import { Single, type SingleKernel, type Singles } from "./singles.ts";
import type { Workplace } from "./workplace.ts";

/** An expression with more operators than this is stored in a variable: the JIT gives up on very long ones. */
const LARGEST_EXPRESSION = 24;

/** A node that is read more than once and has more elements than this is stored in the order in which it is read. */
const LARGEST_REPEATED = 4096;

/** The index of a step's first element in the values of all steps, which begin at `start`. */
const stepStart = (size: number, start = 0): string =>
  `${size === 1 ? "t" : `t * ${size}`}${start === 0 ? "" : ` + ${start}`}`;

/** The code of a graph. */
export class HostCode {
  readonly code = new GeneratedCode();
  readonly #work: Workplace;
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
  /** Whether float32 is stored as float32. */
  readonly #hasSingles: boolean;
  /** The kernels of nodes that have one in float32. */
  readonly #singleKernels = new Map<Tensor, SingleKernel>();
  /** Copies in float32 of values that are stored otherwise. */
  readonly #asSingles = new Map<string, string>();

  /**
   * @param copies places that further values are written to
   * @param singles what is computed in float32; then all that is float32 is stored so, but for what is inside loops over steps. Default: nothing
   */
  constructor(
    outputs: readonly Tensor[],
    leafPlaces: ReadonlyMap<Tensor, Place>,
    work: Workplace,
    {
      copies = [],
      singles,
    }: {
      readonly copies?: readonly (readonly [Tensor, Place])[];
      readonly singles?: Singles | undefined;
    } = {},
  ) {
    this.#work = work;
    this.#hasSingles = singles !== undefined;
    this.#loops = new LoopWriter(this.code);
    for (const [leaf, place] of leafPlaces) this.#places.set(leaf, place);
    for (const [t, place] of copies) this.#copies.set(t, [...(this.#copies.get(t) ?? []), place]);
    this.#write(outputs, singles);
  }

  /** The array of a value from its first element on. */
  arrayOf(t: Tensor): string {
    const place = this.placeOf(t);
    if (place.variable === undefined && place.from === undefined) return place.array;
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
    const name = this.#work.buffer(new Float64Array(size));
    this.copy({ array: name }, place, size);
    return name;
  }

  copy(to: Place, from: Place, size: number): void {
    if (size === 1) this.code.add(`${at(to, "0")} = ${this.#loops.only(from)};`);
    else this.code.add(`for (let i = 0; i < ${size}; i++) ${at(to, "i")} = ${at(from, "i")};`);
  }

  /** A buffer for the values of a node. */
  #bufferOf(node: Tensor): string {
    return this.#work.buffer(this.#isSingle(node) ? new Single(node.size) : new Float64Array(node.size));
  }

  /** Whether a node is stored in float32. The results of a loop over steps lie side by side, and may be whole numbers. */
  #isSingle(node: Tensor): boolean {
    return this.#hasSingles && node.dtype === "float32" && !isScan(node);
  }

  #write(outputs: readonly Tensor[], singles: Singles | undefined): void {
    const nodes = topological(outputs);
    for (const node of nodes) {
      const kernel = this.#isSingle(node) ? singles?.kernelOf(node) : undefined;
      if (kernel !== undefined) this.#singleKernels.set(node, kernel);
    }
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
        this.#places.set(node, { array: this.#constant(node) });
        continue;
      }
      if (typeof host === "object" && "view" in host) {
        this.#view(node, host.view(node));
        continue;
      }
      if (this.#readInPlace.has(node)) continue;
      const by = users.get(node) ?? [];
      // A user may read it twice, as a square does.
      const user = by.length === uses.get(node) && by.every((t) => t === by[0]) ? by[0] : undefined;
      if (user !== undefined && own < LARGEST_EXPRESSION && this.#canInline(node, user)) {
        this.#inlined.add(node);
        continue;
      }
      this.#places.set(node, { array: this.#inOutput(node, outputs) ?? this.#bufferOf(node) });
      this.#compute(node);
    }
  }

  /** The name of a constant's array. */
  #constant(node: Leaf<ConstantAttributes>): string {
    const { values } = node.attributes;
    if (this.#isSingle(node) && node.size > 1) return this.#work.buffer(new Single(node.size, { values }));
    this.#work.constants.push(values);
    return `C${this.#work.constants.length - 1}`;
  }

  /** The name of the output that a value in float32 is computed in. What leaves a part of its array as it is needs its own. */
  #inOutput(node: Tensor, outputs: readonly Tensor[]): string | undefined {
    const { host } = node.op;
    const isPartial = typeof host === "object" && "places" in host;
    const at = this.#isSingle(node) && !isPartial ? outputs.indexOf(node) : -1;
    return at < 0 ? undefined : `O${at}`;
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
        by.every((user) => this.#readsElements(user) || this.#readInPlace.has(user))
      )
        this.#readInPlace.add(node);
    }
    // An alias of a stored value is stored.
    for (const node of nodes)
      if (isThin(node) && !this.#readInPlace.has(node.inputs[0])) this.#readInPlace.delete(node);
  }

  #readsElements(user: Tensor): boolean {
    return readsElements(user) && !this.#singleKernels.has(user);
  }

  /** Whether the expression of a node's elements can be written into the loop of its only user. */
  #canInline(node: Tensor, user: Tensor): boolean {
    if (expressionOf(node) === undefined || this.#singleKernels.has(node)) return false;
    return this.#readsElements(user) && (expressionOf(user) === undefined || node.size === user.size);
  }

  #weightOf(t: Tensor): number {
    return this.#weights.get(t) ?? 1;
  }

  /** Writes the code of a node that has a place. */
  #compute(node: Tensor): void {
    const single = this.#singleKernels.get(node);
    if (single !== undefined) {
      this.#call(single, [this.arrayOf(node), ...node.inputs.map((t) => this.#singleOf(t))]);
      return;
    }
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
      // What is combined is kept in float64 until all of it is there.
      const isRounded = this.#isSingle(node) && node.size > 1;
      const place = isRounded ? { array: this.#work.buffer(new Float64Array(node.size)) } : target.place;
      this.#loops.fold(this.#loopOf(x), { ...target, place, strides }, node.size, fold);
      if (isRounded) this.copy(target.place, place, node.size);
    } else if (typeof host === "object" && "places" in host) {
      // What no input covers stays at the 0 that the buffer begins with.
      const places = host.places(node);
      node.inputs.forEach((x, i) => {
        this.#loops.map(this.#loopOf(x), [{ ...target, start: places[i] }]);
      });
    } else if (isScan(node)) {
      this.#scan(node);
    } else {
      const kernel = kernelOf(node);
      const arrays = [node, ...node.inputs].map((t) => this.arrayOf(t));
      this.#call(this.#isSingle(node) ? widened(kernel, node.size) : kernel, arrays);
    }
  }

  /** Writes the call of a kernel. */
  #call(kernel: HostKernel | SingleKernel, arrays: readonly string[]): void {
    this.code.add(`K${this.#work.kernels.length}(${arrays.join(", ")});`);
    this.#work.kernels.push(kernel);
  }

  /** The array of a value in float32, which is copied if it is stored otherwise. */
  #singleOf(t: Tensor): string {
    const array = this.arrayOf(t);
    const isSingle = array.startsWith("B")
      ? this.#work.buffers[Number(array.slice(1))] instanceof Single
      : !array.startsWith("C");
    if (isSingle) return array;
    const known = this.#asSingles.get(array);
    if (known !== undefined) return known;
    const copy = this.#work.buffer(new Single(t.size));
    this.copy({ array: copy }, { array }, t.size);
    this.#asSingles.set(array, copy);
    return copy;
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
    const known = new Map<Tensor, string>();
    const parts = t.inputs.map((x) => {
      const before = known.get(x);
      if (before !== undefined) return before;
      const expressed = this.#express(x, read, declare, false);
      const part = this.#inlined.has(x) ? declare(expressed) : expressed;
      known.set(x, part);
      return part;
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
    if (from.variable !== undefined) {
      this.#places.set(node, from);
      return;
    }
    const { buffers, viewed } = this.#work;
    const buffer = from.array.startsWith("B") ? buffers[Number(from.array.slice(1))] : undefined;
    if (buffer === undefined || from.from !== undefined) {
      const array = this.#bufferOf(node);
      this.#places.set(node, { array });
      const first = from.from === undefined ? String(start) : `${from.from} + ${start}`;
      this.copy({ array }, { array: from.array, from: first }, node.size);
      return;
    }
    const part =
      buffer instanceof Single
        ? new Single(node.size, { of: buffer, start })
        : buffer.subarray(start, start + node.size);
    const array = this.#work.buffer(part);
    this.#places.set(node, { array });
    viewed.add(from.array).add(array);
  }

  /** A loop over steps. Its body stands in it if it fits into one function, with single numbers in variables; otherwise it calls functions. */
  #scan(node: ScanNode): void {
    const { body, length, carries, scanned, reverse } = node.attributes;
    const out = this.arrayOf(node);
    const results = scanResults(node.attributes);
    const states = body.inputs.slice(0, carries);
    const sources = body.inputs.slice(carries);
    const [first, read] = [node.inputs.slice(0, carries), node.inputs.slice(carries)];
    const outputs = body.outputs
      .slice(carries)
      .map((t, i) => [t, { array: out, from: stepStart(t.size, results[carries + i].start) }] as const);
    const head = reverse
      ? `for (let t = ${length - 1}; t >= 0; t--) {`
      : `for (let t = 0; t < ${length}; t++) {`;

    const write = (carry: readonly Place[], sourcePlaces: readonly Place[]): GeneratedCode => {
      const places = new Map(states.map((t, i) => [t, carry[i]]));
      sources.forEach((t, i) => {
        places.set(t, sourcePlaces[i]);
      });
      const step = new HostCode(body.outputs, places, this.#work, { copies: outputs });
      step.copyRest();
      step.#carryOn(states, body.outputs.slice(0, carries), carry);
      return step.code;
    };
    const inOrder = (t: Tensor, i: number): Place => ({
      array: this.arrayOf(read[i]),
      ...(i < scanned && { from: stepStart(t.size) }),
    });
    const inBuffer = (t: Tensor): Place => ({ array: this.#work.buffer(new Float64Array(t.size)) });
    const inVariable = (): Place => ({ variable: this.#work.variable() });

    const isSingle = (t: Tensor, i: number): boolean => t.size === 1 && i >= scanned;
    const carry = states.map((t) => (t.size === 1 ? inVariable() : inBuffer(t)));
    const shared = sources.map((t, i) => (isSingle(t, i) ? inVariable() : inOrder(t, i)));
    const { extent } = this.#work;
    const { lines } = write(carry, shared);
    if (lines !== undefined) {
      const before = [...first, ...read].map((x) => this.placeOf(x));
      states.forEach((t, i) => {
        if (t.size > 1) this.copy(carry[i], before[i], t.size);
      });
      const declared = [
        ...states.flatMap((t, i) =>
          t.size === 1 ? [`let ${at(carry[i], "0")} = ${this.#loops.only(before[i])};`] : [],
        ),
        ...sources.flatMap((t, i) =>
          isSingle(t, i) ? [`const ${at(shared[i], "0")} = ${this.#loops.only(before[carries + i])};`] : [],
        ),
      ];
      const kept = states.flatMap((t, i) =>
        t.size === 1 ? [`${out}[${results[i].start}] = ${at(carry[i], "0")};`] : [],
      );
      this.code.add(...declared, head, ...lines, "}", ...kept);
      states.forEach((t, i) => {
        if (t.size > 1) this.copy({ array: out, from: String(results[i].start) }, carry[i], t.size);
      });
      return;
    }
    this.#work.backTo(extent);
    const buffers = states.map(inBuffer);
    const steps = write(buffers, sources.map(inOrder));
    states.forEach((t, i) => {
      this.copy(buffers[i], this.placeOf(first[i]), t.size);
    });
    this.code.add(head, this.code.adopt(steps), "}");
    states.forEach((t, i) => {
      this.copy({ array: out, from: String(results[i].start) }, buffers[i], t.size);
    });
  }

  /** Puts what a step leaves where the next one finds it. */
  #carryOn(states: readonly Tensor[], after: readonly Tensor[], carry: readonly Place[]): void {
    // A carry that takes the value of another one is put aside before any of them changes.
    const next = after.map((t): Place => {
      const place = this.placeOf(t);
      if (!states.includes(owner(t))) return place;
      if (place.variable === undefined) return { array: this.setAside(place, t.size) };
      const variable = this.#work.variable();
      this.code.add(`const ${variable} = ${place.variable};`);
      return { variable };
    });
    next.forEach((place, i) => {
      this.copy(carry[i], place, states[i].size);
    });
  }

  /** Copies that no fused loop has made. */
  copyRest(): void {
    for (const [t, places] of this.#copies)
      for (const place of places) this.copy(place, this.placeOf(t), t.size);
  }
}
