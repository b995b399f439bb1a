/** Lowering of a graph to one ONNX model. */
import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from "onnx-buf";
import { ShapeError } from "../errors.ts";
import {
  type DType,
  isConstant,
  isScan,
  isScanPart,
  type OnnxAttribute,
  type OnnxBuilder,
  onnxType,
  type ScanBody,
  type ScanNode,
  type ScanPart,
  type Shape,
  sameShape,
  scanResults,
  someNode,
  type Tensor,
} from "../tensor/index.ts";
import { rewrite, topological } from "./graph.ts";
import { describeLeaf } from "./leaves.ts";
import { applyNativeRules } from "./native-rules.ts";
import { onesOf } from "./native-scalars.ts";
import { attribute, graphAttribute, modelBytes, tensorProto, valueInfo } from "./onnx-proto.ts";
import { bodyRewrite } from "./scan-bodies.ts";
import { simplify } from "./simplify.ts";
import { unreturned } from "./unreturned.ts";
import { accurateNearZero } from "./webgpu-numbers.ts";
import { forWebGpu } from "./webgpu-rules.ts";

/** An ONNX model and the names of its inputs and outputs. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** Inputs of the model: the graph's leaves, and their names in the model. */
  readonly leaves: readonly { readonly name: string; readonly leaf: Tensor }[];
  /** Names of the outputs, in the order of the roots. */
  readonly outputs: readonly string[];
  /** Number of ONNX nodes. */
  readonly nodes: number;
  /** Whether any of its values is float64. */
  readonly isWide: boolean;
  /** What makes them float64: the first op or leaf of the graph that is, or needs it. */
  wideOp(): string;
}

/** Options of {@link lowerToOnnx}. */
export interface OnnxOptions {
  /** Names of leaves; by default `l0, l1, …`. */
  readonly nameLeaf?: (leaf: Tensor, index: number) => string;
  /** Names of the outputs, in the order of the roots. Default `o0`, `o1`, …. */
  readonly outputNames?: readonly string[];
  /** Leaves whose values are written into the model as weights. They are not inputs. */
  readonly weights?: ReadonlyMap<Tensor, ArrayLike<number>>;
  /** Whether outputs are written in place and not returned; such a model is run by `runUnreturned`. */
  readonly unreturned?: boolean;
  /** Whether the model runs through WebGPU, which needs some ops in other forms. */
  readonly webgpu?: boolean;
}

/** A form of a node, from its rebuilt inputs, that is taken before the op's own. */
type Form = (node: Tensor, inputs: readonly Tensor[]) => Tensor | undefined;

const noForm: Form = () => undefined;

/** Rewrites ops that ONNX does not have, or computes badly, with ops that it has. */
function expandForNative(outputs: readonly Tensor[], form: Form = noForm): Tensor[] {
  return rewrite(outputs, function visit(node, inputs): Tensor {
    const { native } = node.op;
    if (typeof native === "object" && "unsupported" in native) {
      throw new ShapeError(
        `native executor: op '${node.op.name}' is not available there (${native.unsupported}); ` +
          'compile this function with { executor: "host" }.',
      );
    }
    const expanded =
      form(node, inputs) ??
      (typeof native === "object" && "expand" in native ? native.expand?.(inputs, node) : undefined);
    if (expanded !== undefined) return expandForNative([expanded], form)[0];
    if (inputs.every((x, i) => x === node.inputs[i])) return node;
    return new (node.constructor as typeof Tensor)(node.op, inputs, node.attributes, node.shape, node.dtype);
  });
}

/** A graph as the runtime gets it: of ops that it has, in the forms that it computes fastest. */
const preparedForNative = (outputs: readonly Tensor[], form?: Form): readonly Tensor[] =>
  applyNativeRules(simplify(expandForNative(outputs, form)));

const preparedForWebGpu = (outputs: readonly Tensor[]): readonly Tensor[] =>
  forWebGpu(preparedForNative(outputs, accurateNearZero));

const preparedBody = bodyRewrite((outputs) => preparedForNative(outputs));
const preparedBodyForWebGpu = bodyRewrite(preparedForWebGpu);

/** The nodes of a model, as they are written. */
class Writer implements OnnxBuilder {
  readonly initializers: TensorProto[] = [];
  readonly names = new Map<Tensor, string>();
  /** The names of a loop's results, in order. */
  readonly #results = new Map<Tensor, readonly string[]>();
  readonly #ints = new Map<string, string>();
  /** The nodes of the graph or of the body that is being written. */
  #nodes: NodeProto[] = [];
  #count = 0;
  /** The bodies of loops as the runtime gets them. */
  readonly #prepared: (body: ScanBody) => ScanBody;

  constructor(prepared: (body: ScanBody) => ScanBody) {
    this.#prepared = prepared;
  }

  get nodes(): readonly NodeProto[] {
    return this.#nodes;
  }

  /** Number of nodes, those of bodies included. */
  get count(): number {
    return this.#count;
  }

  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    return this.outputsOf(opType, inputs, 1, attributes)[0];
  }

  outputsOf(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): readonly string[] {
    const list = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    return this.#add(opType, inputs, list, count);
  }

  #add(
    opType: string,
    inputs: readonly string[],
    attributes: readonly AttributeProto[],
    outputs: number,
  ): readonly string[] {
    const name = `t${this.#count++}`;
    const output = [name, ...Array.from({ length: outputs - 1 }, (_, i) => `${name}_${i + 1}`)];
    this.#nodes.push(
      create(NodeProtoSchema, { opType, name, input: [...inputs], output, attribute: [...attributes] }),
    );
    return output;
  }

  constant(values: ArrayLike<number>, shape: Shape, dtype: DType): string {
    const name = `c${this.initializers.length}`;
    this.initializers.push(tensorProto(name, values, shape, dtype));
    return name;
  }

  scalar(value: number, like: Tensor, dtype: DType = like.dtype): string {
    return this.constant([value], onesOf(like.rank), dtype);
  }

  ints(values: readonly number[]): string {
    const key = values.join(",");
    const known = this.#ints.get(key);
    if (known !== undefined) return known;
    const name = this.constant(values, [values.length], "int64");
    this.#ints.set(key, name);
    return name;
  }

  nameOf(t: Tensor): string {
    return this.names.get(t) ?? "";
  }

  /** Writes what `outputs` need and has no name yet. */
  write(outputs: readonly Tensor[]): void {
    const nodes = topological(outputs);
    const whole = new Set(outputs);
    for (const node of nodes) if (!isScanPart(node)) for (const x of node.inputs) whole.add(x);
    for (const node of nodes) {
      if (this.names.has(node)) continue;
      const { native } = node.op;
      const inputs = node.inputs.map((t) => this.nameOf(t));
      if (isConstant(node))
        this.names.set(node, this.constant(node.attributes.values, node.shape, node.dtype));
      else if (isScan(node)) this.#loop(node, inputs, whole.has(node));
      else if (isScanPart(node) && this.#results.has(node.inputs[0])) this.names.set(node, this.#part(node));
      else if (typeof native === "object" && "onnx" in native)
        this.names.set(node, native.onnx(this, inputs, node));
    }
  }

  #part(part: ScanPart): string {
    const [source] = part.inputs;
    const { start, shape } = part.attributes;
    const results = isScan(source) ? scanResults(source.attributes) : [];
    const at = results.findIndex((r) => r.start === start && sameShape(r.shape, shape));
    return this.#results.get(source)?.[at] ?? "";
  }

  /** ONNX's Scan. Its body reads values that all steps share by their names outside. */
  #loop(node: ScanNode, inputs: readonly string[], isWhole: boolean): void {
    const { carries, scanned, reverse, length } = node.attributes;
    const body = this.#prepared(node.attributes.body);
    const outside = this.#nodes;
    const inside: NodeProto[] = [];
    this.#nodes = inside;
    const id = this.#count;
    const moving = body.inputs.slice(0, carries + scanned);
    moving.forEach((leaf, i) => {
      this.names.set(leaf, `t${id}_in${i}`);
    });
    body.inputs.slice(carries + scanned).forEach((leaf, i) => {
      this.names.set(leaf, inputs[carries + scanned + i]);
    });
    this.write(body.outputs);
    // Each output of a body has a node of its own.
    const results = body.outputs.map((t) => this.node("Identity", [this.nameOf(t)]));
    // A body that is written twice has other names each time.
    for (const t of topological(body.outputs)) if (!isConstant(t)) this.names.delete(t);
    this.#nodes = outside;
    // Scan turns as often as its inputs have parts: a loop that has none is given one that it does not read.
    const counter = scanned === 0 ? [valueInfo(`t${id}_turn`, [], "int64")] : [];
    const turns = counter.map(() => this.ints(new Array<number>(length).fill(0)));
    const parts = scanned + counter.length;
    const graph = create(GraphProtoSchema, {
      name: `body${id}`,
      node: inside,
      input: [...moving.map((t, i) => valueInfo(`t${id}_in${i}`, t.shape, t.dtype)), ...counter],
      output: body.outputs.map((t, i) => valueInfo(results[i], t.shape, t.dtype)),
    });
    const way = reverse ? 1 : 0;
    const names = this.#add(
      "Scan",
      [...inputs.slice(0, carries + scanned), ...turns],
      [
        graphAttribute("body", graph),
        attribute("num_scan_inputs", parts),
        attribute("scan_input_directions", new Array<number>(parts).fill(way)),
        ...(body.outputs.length > carries
          ? [attribute("scan_output_directions", new Array<number>(body.outputs.length - carries).fill(way))]
          : []),
      ],
      body.outputs.length,
    );
    this.#results.set(node, names);
    if (!isWhole) return;
    const flat = scanResults(node.attributes).map(({ dtype }, i) => {
      const line = this.node("Reshape", [names[i], this.ints([-1])]);
      return dtype === node.dtype ? line : this.node("Cast", [line], { to: onnxType[node.dtype] });
    });
    this.names.set(node, this.node("Concat", flat, { axis: 0 }));
  }
}

/** Lowers simplified outputs to an ONNX model. */
export function lowerToOnnx(outputs: readonly Tensor[], options: OnnxOptions = {}): OnnxModel {
  const roots = options.webgpu ? preparedForWebGpu(outputs) : preparedForNative(outputs);
  const writer = new Writer(options.webgpu ? preparedBodyForWebGpu : preparedBody);
  const leaves: { name: string; leaf: Tensor }[] = [];
  for (const node of topological(roots)) {
    if (node.op.native !== "leaf" || isConstant(node)) continue;
    const weights = options.weights?.get(node);
    const at = leaves.length;
    const name = options.nameLeaf?.(node, at) ?? `l${at}`;
    writer.names.set(node, name);
    if (weights !== undefined) writer.initializers.push(tensorProto(name, weights, node.shape, node.dtype));
    else leaves.push({ name, leaf: node });
  }
  writer.write(roots);
  const nodes = [...writer.nodes];
  const outputNames = roots.map((_, i) => options.outputNames?.[i] ?? `o${i}`);
  nameOutputs(
    nodes,
    roots.map((t) => writer.nameOf(t)),
    outputNames,
  );

  const first = options.unreturned ? [unreturned] : [];
  const graph = create(GraphProtoSchema, {
    name: "tightbound",
    node: [...nodes, ...first.map(({ node }) => node)],
    initializer: writer.initializers,
    input: leaves.map(({ name, leaf }) => valueInfo(name, leaf.shape, leaf.dtype)),
    output: [
      ...first.map(({ info }) => info),
      ...roots.map((t, i) => valueInfo(outputNames[i], t.shape, t.dtype)),
    ],
  });
  return {
    bytes: modelBytes(graph),
    leaves,
    outputs: outputNames,
    nodes: writer.count,
    isWide: hasWide(roots),
    wideOp() {
      const found = topological(outputs).find((t) => hasWide(expandForNative([t])));
      if (found === undefined) return "a value";
      return found.op.native === "leaf" && !isConstant(found) ? describeLeaf(found) : String(found);
    },
  };
}

const hasWide = (outputs: readonly Tensor[]): boolean => someNode(outputs, (t) => t.dtype === "float64");

/**
 * Gives each output its own name. The node that computes it is renamed; a leaf, a constant, or a value requested twice is
 * copied by Identity.
 */
function nameOutputs(nodes: NodeProto[], values: readonly string[], outputs: readonly string[]): void {
  const produced = new Set(nodes.flatMap((n) => n.output));
  const renamed = new Map<string, string>();
  const passed: { from: string; to: string }[] = [];
  values.forEach((value, i) => {
    if (produced.has(value) && !renamed.has(value)) renamed.set(value, outputs[i]);
    else passed.push({ from: value, to: outputs[i] });
  });
  const current = (name: string): string => renamed.get(name) ?? name;
  const rename = (list: readonly NodeProto[]): void => {
    for (const node of list) {
      node.input = node.input.map(current);
      node.output = node.output.map(current);
      for (const { g } of node.attribute) if (g !== undefined) rename(g.node);
    }
  };
  rename(nodes);
  for (const { from, to } of passed) {
    nodes.push(
      create(NodeProtoSchema, { opType: "Identity", name: to, input: [current(from)], output: [to] }),
    );
  }
}
