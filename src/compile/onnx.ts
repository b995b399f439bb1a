/** Lowering of a graph to one ONNX model. */
import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema, type NodeProto, NodeProtoSchema, type TensorProto } from "onnx-buf";
import { ShapeError } from "../errors.ts";
import { isConstant, type OnnxBuilder, type Tensor } from "../tensor/index.ts";
import { rewrite, topological } from "./graph.ts";
import { applyNativeRules } from "./native-rules.ts";
import { onesOf } from "./native-scalars.ts";
import { attribute, modelBytes, tensorProto, valueInfo } from "./onnx-proto.ts";
import { simplify } from "./simplify.ts";
import { unreturned } from "./unreturned.ts";

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
}

/** Rewrites ops that ONNX does not have, or computes badly, with ops that it has. */
function expandForNative(outputs: readonly Tensor[]): Tensor[] {
  return rewrite(outputs, function visit(node, inputs): Tensor {
    const { native } = node.op;
    if (typeof native === "object" && "unsupported" in native) {
      throw new ShapeError(
        `native executor: op '${node.op.name}' is not available there (${native.unsupported}); ` +
          'compile this function with { executor: "host" }.',
      );
    }
    const expanded =
      typeof native === "object" && "expand" in native ? native.expand?.(inputs, node) : undefined;
    if (expanded !== undefined) return expandForNative([expanded])[0];
    if (inputs.every((x, i) => x === node.inputs[i])) return node;
    return new (node.constructor as typeof Tensor)(node.op, inputs, node.attributes, node.shape, node.dtype);
  });
}

/** Lowers simplified outputs to an ONNX model. */
export function lowerToOnnx(outputs: readonly Tensor[], options: OnnxOptions = {}): OnnxModel {
  const roots = applyNativeRules(simplify(expandForNative(outputs)));
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const intConstants = new Map<string, string>();
  const names = new Map<Tensor, string>();
  const leaves: { name: string; leaf: Tensor }[] = [];

  const builder: OnnxBuilder = {
    node(opType, inputs, attributes = {}) {
      const output = `t${nodes.length}`;
      nodes.push(
        create(NodeProtoSchema, {
          opType,
          name: output,
          input: [...inputs],
          output: [output],
          attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        }),
      );
      return output;
    },
    constant(values, shape, dtype) {
      const name = `c${initializers.length}`;
      initializers.push(tensorProto(name, values, shape, dtype));
      return name;
    },
    scalar(value, like, dtype = like.dtype) {
      return builder.constant([value], onesOf(like.rank), dtype);
    },
    ints(values) {
      const key = values.join(",");
      const known = intConstants.get(key);
      if (known !== undefined) return known;
      const name = builder.constant(values, [values.length], "int64");
      intConstants.set(key, name);
      return name;
    },
  };
  const nameOf = (t: Tensor): string => names.get(t) ?? "";

  for (const node of topological(roots)) {
    if (isConstant(node)) {
      names.set(node, builder.constant(node.attributes.values, node.shape, node.dtype));
    } else if (node.op.native === "leaf") {
      const weights = options.weights?.get(node);
      const name = options.nameLeaf?.(node, leaves.length) ?? `l${leaves.length}`;
      names.set(node, name);
      if (weights !== undefined) initializers.push(tensorProto(name, weights, node.shape, node.dtype));
      else leaves.push({ name, leaf: node });
    } else if ("onnx" in node.op.native) {
      names.set(node, node.op.native.onnx(builder, node.inputs.map(nameOf), node));
    }
  }
  const outputNames = roots.map((_, i) => options.outputNames?.[i] ?? `o${i}`);
  nameOutputs(nodes, roots.map(nameOf), outputNames);

  const first = options.unreturned ? [unreturned] : [];
  const graph = create(GraphProtoSchema, {
    name: "tightbound",
    node: [...nodes, ...first.map(({ node }) => node)],
    initializer: initializers,
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
    nodes: nodes.length,
    isWide: topological(roots).some((t) => t.dtype === "float64"),
  };
}

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
  for (const node of nodes) {
    node.input = node.input.map(current);
    node.output = node.output.map(current);
  }
  for (const { from, to } of passed) {
    nodes.push(
      create(NodeProtoSchema, { opType: "Identity", name: to, input: [current(from)], output: [to] }),
    );
  }
}
