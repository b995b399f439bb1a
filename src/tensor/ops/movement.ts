/** Ops that only move elements: reshape, transpose, expand. */
import { ShapeError } from "../../errors.ts";
import { ownShape, padRank, repeatAlong } from "../lanes.ts";
import { defineOp } from "../op.ts";
import {
  broadcastStrides,
  checkShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from "../shape.ts";
import type { Tensor } from "../tensor.ts";

type ShapeAttributes = { readonly shape: Shape };

const reshapeOp = defineOp<ShapeAttributes, [Tensor]>({
  name: "reshape",
  infer: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  derivative: (g, _, [x]) => [reshape(g, x.shape)],
  batch: ([x], { shape }) => {
    const { mixed, kept } = regrouped(x.single.shape, ownShape(x), shape);
    return reshape(repeatAlong(x, mixed), [x.all.shape[0], ...kept]);
  },
  host: "alias",
  native: { onnx: (builder, [x], node) => builder.node("Reshape", [x, builder.ints(node.shape)]) },
  cases: [
    { inputs: [[3, 4]], attributes: { shape: [2, 6] } },
    { inputs: [[1]], attributes: { shape: [] } },
  ],
});

/**
 * For a reshape of `from` to the new shape when the value has size 1 along axes that it does not vary along: which of those axes must be
 * repeated first, and the shape of the result. Axes fall into groups of equal products; elements mix only within a group.
 */
function regrouped(
  from: Shape,
  own: Shape,
  to: Shape,
): { readonly mixed: readonly number[]; readonly kept: readonly number[] } {
  if (sizeOf(from) === 0) return { mixed: from.map((_, i) => i), kept: to };
  const mixed: number[] = [];
  const kept: number[] = [];
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    const [startI, startJ] = [i, j];
    let a = from[i++] ?? 1;
    let b = to[j++] ?? 1;
    while (a !== b) {
      if (a < b) a *= from[i++];
      else b *= to[j++];
    }
    const group = Array.from({ length: Math.min(i, from.length) - startI }, (_, k) => startI + k);
    const targets = to.slice(startJ, j);
    const repeated = group.filter((k) => own[k] !== from[k]);
    const varies = group.some((k) => own[k] > 1);
    if (repeated.length > 0 && varies) mixed.push(...repeated);
    kept.push(...(repeated.length > 0 && !varies ? targets.map(() => 1) : targets));
  }
  return { mixed, kept };
}

/** The same elements in another shape. One size may be −1; it is then computed. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (!Array.isArray(shape)) checkShape("reshape", shape);
  const unknown = shape.indexOf(-1);
  const known = sizeOf(shape.filter((n) => n !== -1));
  const full = unknown < 0 ? shape : shape.map((n, i) => (i === unknown ? x.size / known : n));
  checkShape("reshape", full.some((n) => !Number.isInteger(n)) ? [] : full);
  if (sizeOf(full) !== x.size || full.some((n) => !Number.isInteger(n))) {
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} holds ${x.size} elements, ${formatShape(shape)} asks for ` +
        `${unknown < 0 ? known : `a multiple of ${known}`}.`,
    );
  }
  return sameShape(full, x.shape) ? x : reshapeOp([x], { shape: full });
}
/** @internal */
reshape.is = reshapeOp.is;

/** Inserts an axis of size 1 at `axis`. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis("unsqueeze", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Removes an axis of size 1. */
export function squeeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis("squeeze", axis, x.rank);
  if (x.shape[at] !== 1)
    throw new ShapeError(`squeeze: axis ${axis} of ${formatShape(x.shape)} has size ${x.shape[at]}, not 1.`);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}

/** Merges the axes from `start` on into one. */
export function flatten(x: Tensor, start = 0): Tensor {
  const at = x.rank === 0 && start === 0 ? 0 : normalizeAxis("flatten", start, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), sizeOf(x.shape.slice(at))]);
}

type PermutationAttributes = { readonly permutation: readonly number[] };

const transposeOp = defineOp<PermutationAttributes, [Tensor]>({
  name: "transpose",
  infer: ([x], { permutation }) => ({ shape: permutation.map((p) => x.shape[p]), dtype: x.dtype }),
  derivative: (g, _, __, { permutation }) => [
    transpose(
      g,
      permutation.map((_, i) => permutation.indexOf(i)),
    ),
  ],
  batch: ([x], { permutation }) => transpose(x.all, [0, ...permutation.map((p) => p + 1)]),
  host: {
    layout: ({ attributes: { permutation } }, { start, strides }) => ({
      start,
      strides: permutation.map((p) => strides[p]),
    }),
  },
  native: {
    onnx: (builder, inputs, node) => builder.node("Transpose", inputs, { perm: node.attributes.permutation }),
  },
  cases: [
    { inputs: [[3, 4]], attributes: { permutation: [1, 0] } },
    { inputs: [[2, 3, 4]], attributes: { permutation: [2, 0, 1] } },
  ],
});

/** Axes in another order; by default the last two are exchanged. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const axes = normalizeAxes("transpose", permutation, x.rank);
  if (permutation === undefined && x.rank < 2) {
    throw new ShapeError(`transpose: a tensor of shape ${formatShape(x.shape)} has no two axes to exchange.`);
  }
  const order =
    permutation?.map((p) => normalizeAxis("transpose", p, x.rank)) ??
    x.shape.map((_, i) => (i < x.rank - 2 ? i : 2 * x.rank - 3 - i));
  if (axes.length !== x.rank) {
    throw new ShapeError(`transpose: [${order.join(", ")}] is not a permutation of ${x.rank} axes.`);
  }
  return order.every((p, i) => p === i) ? x : transposeOp([x], { permutation: order });
}
/** @internal */
transpose.is = transposeOp.is;

const expandOp = defineOp<ShapeAttributes, [Tensor]>({
  name: "expand",
  infer: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  derivative: (g) => [g],
  // Axes along which the value repeats stay at size 1: the ops that read it broadcast.
  batch: ([x], { shape }) => padRank(x.all, shape.length),
  host: {
    layout: ({ inputs: [x], shape }, { start, strides }) => ({
      start,
      strides: broadcastStrides(x.shape, shape, strides),
    }),
  },
  native: { onnx: (builder, [x], node) => builder.node("Expand", [x, builder.ints(node.shape)]) },
  cases: [
    { inputs: [[3, 1]], attributes: { shape: [2, 3, 4] } },
    { inputs: [[]], attributes: { shape: [3] } },
  ],
});

/** Repeats dimensions of size 1 (and missing leading ones) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkShape("expand", shape);
  const offset = shape.length - x.rank;
  if (offset < 0 || x.shape.some((n, i) => n !== shape[i + offset] && n !== 1)) {
    throw new ShapeError(`expand: ${formatShape(x.shape)} does not expand to ${formatShape(shape)}.`);
  }
  return sameShape(x.shape, shape) ? x : expandOp([x], { shape });
}
/** @internal */
expand.is = expandOp.is;
