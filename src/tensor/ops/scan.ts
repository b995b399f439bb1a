/** A loop over steps as one op that holds its body. `recurrence.ts` makes the loop; `scan.ts` is what users call. */
import { InternalError, ShapeError } from "../../errors.ts";
import type { DType } from "../dtype.ts";
import { isFloat } from "../dtype.ts";
import { grad } from "../grad.ts";
import { fullBatch, type Lane, repeatAlong } from "../lanes.ts";
import { input, isConstant, zeros } from "../leaf.ts";
import { type Attributes, defineOp, type OpCase, type OpNode } from "../op.ts";
import { type Loop, type Recurred, recur } from "../recurrence.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../shape.ts";
import { substituteAll } from "../substitute.ts";
import type { Tensor } from "../tensor.ts";
import { Batch } from "../vmap.ts";
import { add, mul } from "./arithmetic.ts";
import { cast, onnxType } from "./cast.ts";
import { expand, reshape, transpose } from "./movement.ts";
import { concat, pad, slice } from "./parts.ts";
import { sum } from "./reduce.ts";
import { tanh } from "./transcendental.ts";

let nextBody = 0;

/** One step: a closed graph, whose only leaves are its inputs and constants. */
export class ScanBody {
  readonly #id = nextBody++;
  /** Carries, then inputs of the step, then values that all steps share. */
  readonly inputs: readonly Tensor[];
  /** Carries after the step, then its outputs. */
  readonly outputs: readonly Tensor[];

  constructor(inputs: readonly Tensor[], outputs: readonly Tensor[]) {
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** Attributes are compared as JSON: bodies are equal if they are the same object. */
  toJSON(): string {
    return `body ${this.#id}`;
  }
}

export type ScanAttributes = Attributes & {
  readonly body: ScanBody;
  /** Number of steps, at least 1. */
  readonly length: number;
  /** Number of carries: the first inputs and outputs. */
  readonly carries: number;
  /** Number of inputs that have a value for each step, after the carries. */
  readonly scanned: number;
  /** Whether the last step comes first. */
  readonly reverse: boolean;
};

/** Where one output of the loop is in the op's result. */
export interface ScanResult {
  readonly start: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The loop's outputs, side by side in the op's result: the carries after the last step, then the outputs of all steps, [length, …]. */
export function scanResults({ body, length, carries }: ScanAttributes): ScanResult[] {
  let start = 0;
  return body.outputs.map(({ shape: one, dtype }, i) => {
    const shape = i < carries ? one : [length, ...one];
    const result = { start, shape, dtype };
    start += sizeOf(shape);
    return result;
  });
}

/** What a leaf of the body stands for has this shape: one step's part, or the whole. */
const sourceShape = (leaf: Tensor, i: number, { length, carries, scanned }: ScanAttributes): Shape =>
  i >= carries && i < carries + scanned ? [length, ...leaf.shape] : leaf.shape;

const scanOp = defineOp<ScanAttributes, readonly Tensor[]>({
  name: "scan",
  infer: (inputs, attributes) => {
    const { body, carries } = attributes;
    body.inputs.forEach((leaf, i) => {
      const shape = sourceShape(leaf, i, attributes);
      if (inputs[i]?.dtype === leaf.dtype && sameShape(inputs[i].shape, shape)) return;
      throw new ShapeError(
        `scan: input ${i} must be ${leaf.dtype} ${formatShape(shape)}, found ${inputs[i]?.dtype} ${formatShape(inputs[i]?.shape ?? [])}.`,
      );
    });
    body.outputs.slice(0, carries).forEach((after, i) => {
      const before = body.inputs[i];
      if (before.dtype === after.dtype && sameShape(before.shape, after.shape)) return;
      throw new ShapeError(
        `scan: a carry begins as ${before.dtype} ${formatShape(before.shape)} and becomes ${after.dtype} ${formatShape(after.shape)}.`,
      );
    });
    const floats = new Set(body.outputs.map(({ dtype }) => dtype).filter(isFloat));
    if (floats.size > 1)
      throw new ShapeError("scan: its floats are of both precisions; cast them to one (x.cast(…)).");
    const [dtype = "float32"] = floats;
    const size = scanResults(attributes).reduce((n, { shape }) => n + sizeOf(shape), 0);
    return { shape: [size], dtype };
  },
  derivative: (g, output, inputs, attributes) => derivativeOf(g, output, inputs, attributes),
  batch: (lanes, attributes, _, size) => batchOf(lanes, attributes, size),
  host: "loop",
  native: "loop",
  cases: cases(),
});

/** Recognises a loop. */
export const isScan = scanOp.is;

/** A loop as a node. */
export type ScanNode = OpNode<ScanAttributes, readonly Tensor[]>;

type PartAttributes = ScanResult & Attributes;

/** A part of a loop's result, with a shape of its own. */
const partOp = defineOp<PartAttributes, [Tensor]>({
  name: "scanPart",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  derivative: (g, y, [x], { start }) => {
    if (!isFloat(y.dtype)) return [undefined];
    return [pad(reshape(g, [g.size]), 0, start, x.size - start - g.size)];
  },
  batch: ([x], { start, shape, dtype }, _, size) => {
    const part = pieceOf(fullBatch(x, size), 1, start, start + sizeOf(shape));
    return cast(reshape(part ?? zeros([size, sizeOf(shape)], dtype), [size, ...shape]), dtype);
  },
  host: { view: ({ attributes: { start } }) => start },
  native: {
    onnx: (builder, [x], node) => {
      const { start, shape } = node.attributes;
      const [from, to, axis] = [start, start + node.size, 0].map((n) => builder.ints([n]));
      const part = builder.node("Reshape", [builder.node("Slice", [x, from, to, axis]), builder.ints(shape)]);
      return node.dtype === node.inputs[0].dtype
        ? part
        : builder.node("Cast", [part], { to: onnxType[node.dtype] });
    },
  },
  cases: [
    { inputs: [[7]], attributes: { start: 2, shape: [2, 2], dtype: "float64" }, dtype: "float64" },
    { inputs: [[3]], attributes: { start: 0, shape: [], dtype: "float64" }, dtype: "float64" },
  ],
});

/** Recognises a part of a loop's result. */
export const isScanPart = partOp.is;

/** A part of a loop's result as a node. */
export type ScanPart = OpNode<PartAttributes, [Tensor]>;

/** One output of a loop. */
const partOf = (node: Tensor, attributes: ScanAttributes, i: number): Tensor =>
  partOp([node], { ...scanResults(attributes)[i] });

/** The loop as a node. */
function nodeOf({ carries, inputs, shared, outputs, length, reverse }: Loop): ScanNode {
  const body = new ScanBody(
    [...carries.map((c) => c.before), ...inputs.map((x) => x.leaf), ...shared.map((x) => x.leaf)],
    [...carries.map((c) => c.after), ...outputs],
  );
  const given = [
    ...carries.map((c) => c.initial),
    ...inputs.map((x) => x.values),
    ...shared.map((x) => x.value),
  ];
  const attributes = { body, length, carries: carries.length, scanned: inputs.length, reverse };
  const node = scanOp(given, attributes);
  if (!isScan(node)) throw new InternalError("scan: its node is not one");
  return node;
}

/** Runs a loop as an op. */
export function loop(spec: Loop): Recurred {
  const node = nodeOf(spec);
  const parts = node.attributes.body.outputs.map((_, i) => partOf(node, node.attributes, i));
  return { carries: parts.slice(0, spec.carries.length), outputs: parts.slice(spec.carries.length) };
}

/**
 * Elements from `start` up to `end` of the last axis of values that were put side by side: where they are one of the joined tensors, that
 * tensor. Undefined where they are known to be 0.
 */
function pieceOf(t: Tensor, axis: number, start: number, end: number): Tensor | undefined {
  if (isConstant(t) && t.attributes.values.every((v) => v === 0)) return undefined;
  if (start === 0 && end === t.shape[axis]) return t;
  if (concat.is(t) && t.attributes.axis === axis) {
    let at = 0;
    for (const part of t.inputs) {
      const size = part.shape[axis];
      if (start >= at && end <= at + size) return pieceOf(part, axis, start - at, end - at);
      at += size;
    }
  }
  if (pad.is(t) && t.attributes.axis === axis) {
    const { before } = t.attributes;
    const size = t.inputs[0].shape[axis];
    if (end <= before || start >= before + size) return undefined;
    if (start >= before && end <= before + size)
      return pieceOf(t.inputs[0], axis, start - before, end - before);
  }
  if (add.is(t) && t.inputs.every((x) => sameShape(x.shape, t.shape))) {
    const [a, b] = t.inputs.map((x) => pieceOf(x, axis, start, end));
    return a === undefined ? b : b === undefined ? a : add(a, b);
  }
  return slice(t, { axis, start, end });
}

/**
 * The gradients of a loop. The cotangents of the carries come from a loop in the opposite order. Given them, each step is independent of the
 * others, so the gradients of inputs and shared values are those of all steps at once.
 */
function derivativeOf(
  g: Tensor,
  output: Tensor,
  inputs: readonly Tensor[],
  attributes: ScanAttributes,
): (Tensor | undefined)[] {
  const { body, length, carries, scanned, reverse } = attributes;
  const given = scanResults(attributes).map(({ start, shape, dtype }) => {
    const piece = isFloat(dtype) ? pieceOf(g, 0, start, start + sizeOf(shape)) : undefined;
    return piece === undefined ? undefined : reshape(piece, shape);
  });
  if (given.every((x) => x === undefined)) return inputs.map(() => undefined);
  const kept = keptValues(output, inputs, attributes);
  const states = body.inputs.slice(0, carries);
  const moving = states.flatMap((before, i) => (isFloat(before.dtype) ? [{ before, i }] : []));
  const steps = body.inputs
    .slice(carries, carries + scanned)
    .map((leaf, i) => ({ leaf, values: inputs[carries + i] }));
  const common = body.inputs
    .slice(carries + scanned)
    .map((leaf, i) => ({ leaf, value: inputs[carries + scanned + i] }));
  const valuesOf = (node: Tensor): Tensor => {
    const values = kept.get(node);
    if (values === undefined) throw new InternalError("scan: the carries of all steps were not kept");
    return values;
  };

  // The objective of one step: what its outputs are weighed with, and its carries by what comes after.
  const after = moving.map(({ before }) => input("cotangent of a carry", before.shape, before.dtype));
  const weights = given.flatMap((values, i) => {
    if (values === undefined || i < carries) return [];
    const { shape, dtype } = body.outputs[i];
    return [{ leaf: input("cotangent of an output", shape, dtype), values, i }];
  });
  const objective = [
    ...moving.map(({ i }, k) => sum(mul(body.outputs[i], after[k]))),
    ...weights.map(({ leaf, i }) => sum(mul(body.outputs[i], leaf))),
  ].reduce(add);
  const inner = [...kept].filter(([node]) => !body.inputs.includes(node));
  const read = inner.map(([node, values]) => ({ node, leaf: input("kept", node.shape, node.dtype), values }));
  const back = substituteAll(
    grad(
      objective,
      moving.map(({ before }) => before),
    ),
    new Map([
      ...read.map(({ node, leaf }) => [node, leaf] as const),
      ...common.map(({ leaf, value }) => [leaf, value] as const),
    ]),
  );
  const reversed = recur(
    {
      carries: moving.map(({ before, i }, k) => ({
        before: after[k],
        after: back[k],
        initial: given[i] ?? zeros(before.shape, before.dtype),
      })),
      inputs: [
        ...states.map((leaf) => ({ leaf, values: valuesOf(leaf) })),
        ...steps,
        ...read.map(({ leaf, values }) => ({ leaf, values })),
        ...weights.map(({ leaf, values }) => ({ leaf, values })),
      ],
      outputs: after,
      length,
      reverse: !reverse,
    },
    loop,
  );

  // All steps at once, from leaves that stand for the inputs alone: an input may itself be computed from another one.
  const fresh = (t: Tensor): Tensor => input("input of a loop", t.shape, t.dtype);
  const stepLeaves = steps.map(({ values }) => fresh(values));
  const commonLeaves = common.map(({ value }) => fresh(value));
  const batch = new Batch(
    length,
    new Map([
      ...states.map((leaf) => [leaf, valuesOf(leaf)] as const),
      ...steps.map(({ leaf }, i) => [leaf, stepLeaves[i]] as const),
    ]),
  );
  const separate = substituteAll(
    [...body.outputs, ...read.map(({ node }) => node)],
    new Map(common.map(({ leaf }, i) => [leaf, commonLeaves[i]])),
  );
  const total = [
    ...moving.map(({ i }, k) =>
      sum(mul(expand(batch.lift(separate[i]), reversed.outputs[k].shape), reversed.outputs[k])),
    ),
    ...weights.map(({ i, values }) => sum(mul(expand(batch.lift(separate[i]), values.shape), values))),
  ].reduce(add);
  const wanted = [...stepLeaves, ...commonLeaves].filter((t) => isFloat(t.dtype));
  const recomputed = read.flatMap(({ values }, k) => {
    const node = batch.core(separate[body.outputs.length + k]);
    return node !== undefined && sameShape(node.shape, values.shape) ? [[node, values] as const] : [];
  });
  const gradients = substituteAll(
    grad(total, wanted),
    new Map([
      ...recomputed,
      ...stepLeaves.map((leaf, i) => [leaf, steps[i].values] as const),
      ...commonLeaves.map((leaf, i) => [leaf, common[i].value] as const),
    ]),
  );
  const result = inputs.map((): Tensor | undefined => undefined);
  moving.forEach(({ i }, k) => {
    result[i] = reversed.carries[k];
  });
  [...stepLeaves, ...commonLeaves].forEach((leaf, i) => {
    const at = wanted.indexOf(leaf);
    if (at >= 0) result[carries + i] = gradients[at];
  });
  return result;
}

/** Values in all steps, [length, …], of nodes of the body: those that the loop returns, among them its carries before each step. */
function keptValues(
  output: Tensor,
  inputs: readonly Tensor[],
  attributes: ScanAttributes,
): ReadonlyMap<Tensor, Tensor> {
  const { body, carries, scanned } = attributes;
  const states = body.inputs.slice(0, carries);
  const missing = states.filter((leaf) => !body.outputs.includes(leaf, carries));
  const whole =
    missing.length === 0
      ? attributes
      : { ...attributes, body: new ScanBody(body.inputs, [...body.outputs, ...missing]) };
  const node = missing.length === 0 ? output : scanOp(inputs, whole);
  const others = body.inputs.slice(carries, carries + scanned);
  return new Map(
    whole.body.outputs.flatMap((t, i) =>
      i < carries || others.includes(t) || isConstant(t) ? [] : [[t, partOf(node, whole, i)] as const],
    ),
  );
}

/** The loop over a batch: carries get the axis if they begin with it or any step adds it. */
function batchOf(lanes: readonly Lane[], attributes: ScanAttributes, size: number): Tensor {
  const { body, carries, scanned } = attributes;
  const isStep = (i: number): boolean => i >= carries && i < carries + scanned;
  const batched = lanes.map((lane) => lane.batched);
  const sources = lanes.map((lane, i) => {
    if (!lane.batched) return lane.all;
    if (!isStep(i)) return lane.all;
    const all = repeatAlong(lane, [0]);
    return transpose(all, [1, 0, ...Array.from({ length: all.rank - 2 }, (_, k) => k + 2)]);
  });
  for (;;) {
    const leaves = body.inputs.map((leaf, i) => {
      if (!batched[i]) return leaf;
      if (i < carries) return input("carry", [size, ...leaf.shape], leaf.dtype);
      return input("batched", isStep(i) ? sources[i].shape.slice(1) : sources[i].shape, leaf.dtype);
    });
    const batch = new Batch(
      size,
      new Map(body.inputs.flatMap((leaf, i) => (batched[i] ? [[leaf, leaves[i]] as const] : []))),
    );
    const grown = body.outputs.flatMap((t, i) =>
      i < carries && !batched[i] && batch.core(t) !== undefined ? [i] : [],
    );
    for (const i of grown) batched[i] = true;
    if (grown.length > 0) continue;
    const whole = (t: Tensor, i: number): Tensor => {
      const all = batch.lift(t);
      return i < carries && batched[i] && all === t ? expand(t, [size, ...t.shape]) : all;
    };
    const outputs = body.outputs.map(whole);
    const given = sources.map((t, i) => (i >= carries || !batched[i] ? t : fullBatch(lanes[i], size)));
    const next: ScanAttributes = { ...attributes, body: new ScanBody(leaves, outputs) };
    const node = scanOp(given, next);
    const parts = outputs.map((t, i) => {
      const part = partOf(node, next, i);
      const has = t !== body.outputs[i];
      const moved =
        has && i >= carries
          ? transpose(part, [1, 0, ...Array.from({ length: part.rank - 2 }, (_, k) => k + 2)])
          : part;
      const all = has ? moved : expand(moved, [size, ...moved.shape]);
      return cast(reshape(all, [size, all.size / size]), node.dtype);
    });
    return concat(parts, 1);
  }
}

/** Bodies for the conformance tests: a carry with an input and a weight; two carries that change places, in reverse. */
function cases(): OpCase[] {
  const leaf = (...shape: number[]): Tensor => input("case", shape, "float64");
  const [h, x, w] = [leaf(2), leaf(2), leaf(2)];
  const next = tanh(add(mul(h, w), x));
  const [a, b, step] = [leaf(), leaf(), leaf(3)];
  return [
    {
      inputs: [[2], [4, 2], [2]],
      attributes: {
        body: new ScanBody([h, x, w], [next, mul(next, x), h]),
        length: 4,
        carries: 1,
        scanned: 1,
        reverse: false,
      },
      dtype: "float64",
    },
    {
      inputs: [[], [], [3, 3]],
      attributes: {
        body: new ScanBody([a, b, step], [b, add(mul(a, 0.5), sum(mul(step, b))), a, b]),
        length: 3,
        carries: 2,
        scanned: 1,
        reverse: true,
      },
      dtype: "float64",
    },
    {
      inputs: [[2], [1, 2]],
      attributes: {
        body: new ScanBody([h, x], [mul(h, x)]),
        length: 1,
        carries: 1,
        scanned: 1,
        reverse: false,
      },
      dtype: "float64",
    },
  ];
}
