/** A graph as plain data, which can be sent to a worker, unlike closures. */
import { InternalError } from "../errors.ts";
import {
  type Attributes,
  isConstant,
  isImplicit,
  isScan,
  type Op,
  ops,
  ScanBody,
  Tensor,
} from "../tensor/index.ts";
import { topological } from "./graph.ts";

interface PlainNode {
  readonly op: string;
  /** Positions of its inputs in the list of nodes. */
  readonly inputs: readonly number[];
  readonly attributes: Attributes;
  /** The body of a loop. */
  readonly body?: PlainGraph;
}

export interface PlainGraph {
  readonly nodes: readonly PlainNode[];
  /** Positions of the outputs and of the leaves that must be bound, in the given order. */
  readonly outputs: readonly number[];
  readonly leaves: readonly number[];
}

/** @param leaves the graph's leaves that are not constants; they become inputs, in this order */
export function toPlainGraph(outputs: readonly Tensor[], leaves: readonly Tensor[]): PlainGraph {
  const nodes = topological([...outputs, ...leaves]);
  const places = new Map(nodes.map((node, i) => [node, i]));
  const placeOf = (t: Tensor): number => {
    const place = places.get(t);
    if (place === undefined) throw new InternalError(`${t} is not in the graph being written`);
    return place;
  };
  return {
    nodes: nodes.map((node): PlainNode => {
      const { op, inputs, attributes, shape, dtype } = node;
      if (isScan(node)) {
        const { body, ...rest } = node.attributes;
        const plain = toPlainGraph(body.outputs, body.inputs);
        return { op: op.name, inputs: inputs.map(placeOf), attributes: rest, body: plain };
      }
      // Its equation is for derivatives, and those are in the graph.
      if (isImplicit(node)) return { op: op.name, inputs: inputs.map(placeOf), attributes: {} };
      if (op.host !== "leaf" || isConstant(node))
        return { op: op.name, inputs: inputs.map(placeOf), attributes };
      const at = leaves.indexOf(node);
      if (at < 0) throw new InternalError(`${node} is a leaf that is not among the bound ones`);
      return { op: "input", inputs: [], attributes: { name: `leaf ${at}`, shape, dtype } };
    }),
    outputs: outputs.map(placeOf),
    leaves: leaves.map(placeOf),
  };
}

function bodyOf(plain: PlainGraph, known: ReadonlyMap<string, Op>): ScanBody {
  const { outputs, leaves } = fromPlainGraph(plain, known);
  return new ScanBody(leaves, outputs);
}

/**
 * Rebuilds the graph. Nodes are made in their old order, so the compiled code is the same.
 *
 * @param known the ops that the graph may name. In a worker pass them all: what nobody imports is not there.
 */
export function fromPlainGraph(
  { nodes, outputs, leaves }: PlainGraph,
  known: ReadonlyMap<string, Op> = ops,
): {
  readonly outputs: readonly Tensor[];
  readonly leaves: readonly Tensor[];
} {
  const made: Tensor[] = [];
  for (const { op: name, inputs, attributes: plain, body } of nodes) {
    const op = known.get(name);
    if (op === undefined) throw new InternalError(`op '${name}' is not known here`);
    const parts = inputs.map((i) => made[i]);
    const attributes = body === undefined ? plain : { ...plain, body: bodyOf(body, known) };
    const { shape, dtype } = op.infer(parts, attributes);
    made.push(new Tensor(op, parts, attributes, shape, dtype));
  }
  return { outputs: outputs.map((i) => made[i]), leaves: leaves.map((i) => made[i]) };
}
