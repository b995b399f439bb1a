/**
 * Sums of gradients. The gradient of a slice is as long as the sliced array and mostly zeros, so adding up the gradients of n slices of an
 * array of n elements would cost n². Instead, slices that do not overlap are put side by side, and gathered rows are scattered in one op.
 */
import { full, isConstant } from "./leaf.ts";
import { type NodeOf, rebuild } from "./op.ts";
import { add } from "./ops/arithmetic.ts";
import { cast } from "./ops/cast.ts";
import { scatterAdd } from "./ops/gather.ts";
import { reshape } from "./ops/movement.ts";
import { concat, pad } from "./ops/parts.ts";
import type { Tensor } from "./tensor.ts";

type Padded = NodeOf<typeof pad>;
type Scattered = NodeOf<typeof scatterAdd>;

const startOf = (t: Padded): number => t.attributes.before;
const endOf = (t: Padded): number => t.shape[t.attributes.axis] - t.attributes.after;

/**
 * Slices of slices, such as the elements of a matrix: those of one row are added up along the other axis first. Whole rows stay as they
 * are, because layers of rows take fewer operations.
 */
function nestedFirst(padded: readonly Padded[]): Padded[] {
  const nested = padded.filter(({ inputs: [x] }) => pad.is(x));
  const whole = padded.filter(({ inputs: [x] }) => !pad.is(x));
  const rows = grouped(nested, (t) => startOf(t) * (t.shape[t.attributes.axis] + 1) + endOf(t));
  const sums = rows.map((row) =>
    row.length === 1 ? row[0] : rebuild(row[0], [addUp(row.map(({ inputs: [x] }) => x))]),
  );
  return [...whole, ...(sums as Padded[])];
}

/** Sorts slices along one axis into layers in which no two overlap, and returns each layer as one tensor. */
function layers(padded: readonly Padded[]): Tensor[] {
  const made: Padded[][] = [];
  for (const t of [...padded].sort((a, b) => startOf(a) - startOf(b))) {
    const layer = made.find((l) => endOf(l[l.length - 1]) <= startOf(t));
    if (layer === undefined) made.push([t]);
    else layer.push(t);
  }
  return made.map((layer) => {
    if (layer.length === 1) return layer[0];
    const [{ shape, dtype, attributes }] = layer;
    const { axis } = attributes;
    const gap = (size: number): Tensor[] =>
      size === 0
        ? []
        : [
            full(
              shape.map((n, i) => (i === axis ? size : n)),
              0,
              dtype,
            ),
          ];
    let at = 0;
    const pieces = layer.flatMap((t) => {
      const before = gap(startOf(t) - at);
      at = endOf(t);
      return [...before, t.inputs[0]];
    });
    return concat([...pieces, ...gap(shape[axis] - at)], axis);
  });
}

/** Whether rows are added to zeros. */
const isScattered = (t: Tensor): t is Scattered => {
  if (!scatterAdd.is(t)) return false;
  const [target] = t.inputs;
  return isConstant(target) && target.attributes.values.every((v) => v === 0);
};

function scatterTogether(scattered: readonly Scattered[]): Tensor {
  const [{ inputs, shape }] = scattered;
  const row = shape.slice(1);
  const at = scattered.map(({ inputs: [, indices] }) => cast(reshape(indices, [indices.size]), "int64"));
  const updates = scattered.map(({ inputs: [, indices, rows] }) => reshape(rows, [indices.size, ...row]));
  return scatterAdd(inputs[0], concat(at), concat(updates));
}

/** Groups of parts that share a key, in order of appearance. */
function grouped<T>(parts: readonly T[], keyOf: (part: T) => number): T[][] {
  const groups = new Map<number, T[]>();
  for (const part of parts) {
    const group = groups.get(keyOf(part));
    if (group === undefined) groups.set(keyOf(part), [part]);
    else group.push(part);
  }
  return [...groups.values()];
}

/** The sum of gradients of one tensor. */
export function addUp(parts: readonly Tensor[]): Tensor {
  const padded = parts.filter((t) => pad.is(t));
  const scattered = parts.filter(isScattered);
  const rest = parts.filter((t) => !pad.is(t) && !isScattered(t));
  const terms = [
    ...rest,
    ...grouped(padded, (t) => t.attributes.axis).flatMap((group) => layers(nestedFirst(group))),
    ...(scattered.length > 1 ? [scatterTogether(scattered)] : scattered),
  ];
  return terms.reduce((a, b) => add(a, b));
}
