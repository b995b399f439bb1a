/** One ONNX model for any number of rows. */
import { create } from "@bufbuild/protobuf";
import {
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  type TensorShapeProto_Dimension,
  type ValueInfoProto,
} from "onnx-buf";
import { InternalError } from "../errors.ts";
import type { OnnxModel } from "./onnx.ts";
import { attribute, graphOf, modelBytes, tensorProto } from "./onnx-proto.ts";

/** Numbers of rows to lower a graph at. They are primes, and large, so that no rewrite treats them as a special case. */
const SIZES: readonly Sizes[] = [
  [1009, 1013],
  [1019, 1021],
];

type Sizes = readonly [number, number];

/** The name of the number of rows among the sizes of inputs and outputs. */
export const ROWS = "batch" as const;

/** The reason why the number of rows cannot be free. */
class DependsOnRows extends Error {}

/**
 * An ONNX model whose number of rows is free. The graph is lowered at two numbers of rows: the sizes that differ between the two
 * depend on the number of rows and become free. Everything else must be the same.
 *
 * @param lower the model for a number of rows
 * @param counted the name of an input whose first size is the number of rows
 * @throws InternalError when the graphs differ in anything but sizes.
 */
export function freeRows(lower: (rows: number) => OnnxModel, counted: string): OnnxModel {
  let why = "";
  for (const sizes of SIZES) {
    const [model, other] = sizes.map(lower);
    const graph = graphOf(model.bytes);
    try {
      free(graph, graphOf(other.bytes), sizes, counted);
      return { ...model, bytes: modelBytes(graph), nodes: graph.node.length };
    } catch (cause) {
      if (!(cause instanceof DependsOnRows)) throw cause;
      why = cause.message;
    }
  }
  throw new InternalError(`the number of rows of an ONNX model cannot be left free: ${why}`);
}

/** Each size as a multiple of the number of rows; 0 if it does not depend on it. */
function multiples(a: readonly number[], b: readonly number[], [m, n]: Sizes): number[] {
  return a.map((size, i) => {
    if (size === b[i]) return 0;
    const k = size / m;
    if (Number.isInteger(k) && k * n === b[i]) return k;
    throw new DependsOnRows(`a size is ${size} for ${m} rows and ${b[i]} for ${n}`);
  });
}

const INT64 = 7;
const isShape = ({ dataType, dims }: TensorProto): boolean => dataType === INT64 && dims.length === 1;
const numbers = ({ rawData }: TensorProto): number[] =>
  Array.from(new BigInt64Array(rawData.slice().buffer), Number);

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const described = ({ opType, input, output, attribute: attributes }: NodeProto): string =>
  JSON.stringify([opType, input, output, attributes], (_, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );

/** Nodes and constants placed before a graph, which compute its number of rows when it runs. */
class Front {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  readonly #counted: string;
  #rows: string | undefined;

  constructor(counted: string) {
    this.#counted = counted;
  }

  node(opType: string, input: string[], axis?: number): string {
    const output = `free.${this.nodes.length}`;
    const attributes = axis === undefined ? [] : [attribute("axis", axis)];
    this.nodes.push(
      create(NodeProtoSchema, { opType, name: output, input, output: [output], attribute: attributes }),
    );
    return output;
  }

  ints(values: readonly number[]): string {
    const name = `free.ints.${this.constants.length}`;
    this.constants.push(tensorProto(name, values, [values.length], "int64"));
    return name;
  }

  /** A shape in which some sizes are multiples of the number of rows. */
  shape(values: readonly number[], times: readonly number[]): string {
    this.#rows ??= this.node("Gather", [this.node("Shape", [this.#counted]), this.ints([0])], 0);
    const rows = this.#rows;
    const parts = values.map((size, i) => {
      if (times[i] === 0) return this.ints([size]);
      return times[i] === 1 ? rows : this.node("Mul", [rows, this.ints([times[i]])]);
    });
    return this.node("Concat", parts, 0);
  }
}

/** What the nodes inside bodies of loops read. */
function insideBodies(nodes: readonly NodeProto[]): Set<string> {
  const inner = nodes.flatMap(({ attribute: list }) => list.flatMap(({ g }) => g?.node ?? []));
  return inner.length === 0
    ? new Set()
    : new Set([...inner.flatMap(({ input }) => input), ...insideBodies(inner)]);
}

/** Frees the rows of `a`, in place. Throws {@link DependsOnRows} when the graph depends on their number. */
function free(a: GraphProto, b: GraphProto, sizes: Sizes, counted: string): void {
  if (a.node.length !== b.node.length || a.initializer.length !== b.initializer.length) {
    throw new DependsOnRows("the number of operations depends on it");
  }
  a.node.forEach((node, i) => {
    if (described(node) !== described(b.node[i]))
      throw new DependsOnRows(`the operation ${node.opType} depends on it`);
  });
  const front = new Front(counted);
  a.initializer.forEach((one, i) => {
    const other = b.initializer[i];
    if (sameBytes(one.rawData, other.rawData) && one.dims.join() === other.dims.join()) return;
    if (insideBodies(a.node).has(one.name)) throw new DependsOnRows("the body of a loop depends on it");
    const users = a.node.filter(({ input }) => input.includes(one.name));
    const made = isShape(one)
      ? freeShape(one, other, sizes, users, front)
      : freeConstant(one, other, sizes, front);
    if (made === undefined) return;
    for (const user of users) user.input = user.input.map((name) => (name === one.name ? made : name));
  });
  [...a.input, ...a.output].forEach((value, i) => {
    freeValue(value, [...b.input, ...b.output][i], sizes);
  });
  a.node.unshift(...front.nodes);
  a.initializer.push(...front.constants);
}

/** A shape that is computed when the model runs. A reshape can infer one free size by itself. */
function freeShape(
  one: TensorProto,
  other: TensorProto,
  sizes: Sizes,
  users: readonly NodeProto[],
  front: Front,
): string | undefined {
  const kinds = new Set(users.map(({ opType }) => opType));
  const unexpected = [...kinds].find((kind) => kind !== "Reshape" && kind !== "Expand");
  if (unexpected !== undefined) throw new DependsOnRows(`the sizes that ${unexpected} is given depend on it`);
  const values = numbers(one);
  const times = multiples(values, numbers(other), sizes);
  if (kinds.has("Expand") || times.filter((k) => k > 0).length > 1) return front.shape(values, times);
  const known = values.map((size, i) => (times[i] > 0 ? -1 : size));
  one.rawData = tensorProto(one.name, known, [known.length], "int64").rawData;
  return undefined;
}

/** A constant with one row for each row of data. If all rows are equal, one is kept and repeated. */
function freeConstant(one: TensorProto, other: TensorProto, sizes: Sizes, front: Front): string {
  const dims = one.dims.map(Number);
  const times = multiples(dims, other.dims.map(Number), sizes);
  const [rows] = dims;
  const size = one.rawData.length / rows;
  const row = one.rawData.slice(0, size);
  for (let i = 1; i < rows; i++) {
    if (!sameBytes(one.rawData.subarray(i * size, (i + 1) * size), row) || times[0] !== 1) {
      throw new DependsOnRows(`the constant ${one.name} depends on it`);
    }
  }
  one.dims = [1n, ...one.dims.slice(1)];
  one.rawData = row;
  return front.node("Expand", [one.name, front.shape(dims, times)]);
}

/** Names the free sizes of an input or an output. */
function freeValue(value: ValueInfoProto, other: ValueInfoProto, sizes: Sizes): void {
  const [mine, theirs] = [value, other].map(dimensions);
  const of = (dims: readonly TensorShapeProto_Dimension[]) =>
    dims.map((dim) => (dim.value.case === "dimValue" ? Number(dim.value.value) : -1));
  multiples(of(mine), of(theirs), sizes).forEach((k, i) => {
    if (k > 0) mine[i].value = { case: "dimParam", value: k === 1 ? ROWS : `${k} * ${ROWS}` };
  });
}

function dimensions({ type }: ValueInfoProto): readonly TensorShapeProto_Dimension[] {
  return type?.value.case === "tensorType" ? (type.value.value.shape?.dim ?? []) : [];
}
