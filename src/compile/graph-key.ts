/** A text for what a graph computes, equal for equal graphs: those traced twice from the same program and data, for example. */
import { type ConstantAttributes, isConstant, isScan, type Leaf, type Tensor } from "../tensor/index.ts";
import { topological } from "./graph.ts";

/** What a graph computes. Two graphs compute the same if their texts are equal and their arrays are equal one by one. */
export interface GraphKey {
  readonly text: string;
  /** The values of large constants. */
  readonly arrays: readonly Float64Array[];
}

/** Constants of at most this many elements are written out in the text. */
const WRITTEN_OUT = 64;

const bitsOf = (values: Float64Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);

/** A hash of the bits of an array. */
function hashOf(values: Float64Array): number {
  let hash = 0;
  for (const bits of bitsOf(values)) hash = (Math.imul(hash, 31) + bits) | 0;
  return hash;
}

/** −0 and 0 are different numbers: 1 / −0 is not 1 / 0. */
const digits = (v: number): string => (Object.is(v, -0) ? "-0" : String(v));

const numbered = new WeakMap<object, number>();
let objects = 0;

/** A number for each object that is not plain data. */
function numberOf(object: object): number {
  const known = numbered.get(object) ?? objects++;
  numbered.set(object, known);
  return known;
}

const isPlain = (v: object): boolean => Array.isArray(v) || Object.getPrototypeOf(v) === Object.prototype;

/** What JSON would lose: numbers that are not finite, −0, and what is not plain data, which equals nothing but itself. */
function kept(_: string, v: unknown): unknown {
  if (typeof v === "number") return Number.isFinite(v) && !Object.is(v, -0) ? v : `number ${digits(v)}`;
  if (typeof v === "function") return `object ${numberOf(v)}`;
  return typeof v !== "object" || v === null || isPlain(v) ? v : `object ${numberOf(v)}`;
}

/**
 * The key of a graph.
 *
 * @param leaves the leaves that are not constants, in the order in which they are bound; their names and first values do not count
 */
export function graphKey(outputs: readonly Tensor[], leaves: readonly Tensor[]): GraphKey {
  const arrays: Float64Array[] = [];
  const constantText = ({ attributes: { values } }: Leaf<ConstantAttributes>): string => {
    if (values.length <= WRITTEN_OUT) return Array.from(values, digits).join(",");
    arrays.push(values);
    return `#${hashOf(values)}`;
  };
  const write = (outputs: readonly Tensor[], leaves: readonly Tensor[]): string => {
    const nodes = topological([...outputs, ...leaves]);
    const places = new Map(nodes.map((node, i) => [node, i]));
    const leafPlaces = new Map(leaves.map((leaf, i) => [leaf, i]));
    const lines = nodes.map((node) => {
      const { op, inputs, shape, dtype } = node;
      const type = `${dtype}[${shape.join(",")}]`;
      const leaf = leafPlaces.get(node);
      if (leaf !== undefined) return `leaf ${leaf} ${type}`;
      const from = inputs.map((x) => places.get(x)).join(",");
      return `${op.name} ${from} ${type} ${attributesOf(node)}`;
    });
    return `${lines.join("\n")}\n${outputs.map((t) => places.get(t)).join(",")}`;
  };
  const attributesOf = (node: Tensor): string => {
    if (isConstant(node)) return constantText(node);
    if (!isScan(node)) return JSON.stringify(node.attributes, kept);
    const { body, ...rest } = node.attributes;
    return `${JSON.stringify(rest, kept)} {${write(body.outputs, body.inputs)}}`;
  };
  return { text: write(outputs, leaves), arrays };
}

/** Whether arrays are the same bit for bit. */
const sameBits = (a: Float64Array, b: Float64Array): boolean => {
  if (a === b) return true;
  const [x, y] = [bitsOf(a), bitsOf(b)];
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
};

export const sameKey = (a: GraphKey, b: GraphKey): boolean =>
  a.text === b.text &&
  a.arrays.length === b.arrays.length &&
  a.arrays.every((array, i) => sameBits(array, b.arrays[i]));
