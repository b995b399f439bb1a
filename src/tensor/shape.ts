import { ShapeError } from "../errors.ts";

/** Sizes of a tensor's dimensions, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The index along each dimension of the element that is at `flat` in row-major order. */
export function indexAt(flat: number, shape: Shape): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const size of [...shape].reverse()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/**
 * Strides for reading `shape` while a loop walks the broadcast shape `out`: 0 along repeated dimensions.
 *
 * @param own the strides of `shape`; by default those of elements in order
 */
export function broadcastStrides(
  shape: Shape,
  out: Shape,
  own: readonly number[] = stridesOf(shape),
): number[] {
  const offset = out.length - shape.length;
  return out.map((_, i) => (i < offset || shape[i - offset] === 1 ? 0 : own[i - offset]));
}

/**
 * The NumPy broadcast of shapes: aligned at the right, a dimension of size 1 repeats.
 * @throws ShapeError naming both shapes, the dimension that differs, and the ways out.
 */
export function broadcastShapes(what: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 1; i <= shape.length; i++) {
      const n = shape[shape.length - i];
      const m = out[rank - i];
      if (n === m || n === 1) continue;
      if (m !== 1) {
        throw new ShapeError(
          `${what}: shapes ${shapes.map(formatShape).join(" and ")} do not broadcast: ` +
            `dimension ${-i} is ${m} in one and ${n} in another. ` +
            "Shapes are aligned at the right; make the sizes equal, or one of them 1 (unsqueeze or reshape), or transpose.",
        );
      }
      out[rank - i] = n;
    }
  }
  return out;
}

/** @throws ShapeError when the value is not a tensor, so that it has no rank. */
function checkRank(what: string, rank: unknown): void {
  if (rank === undefined)
    throw new ShapeError(`${what}: expected a tensor; for plain numbers use tensor(…).`);
}

/** Resolves an axis, which may be negative. @throws ShapeError when it is outside the rank. */
export function normalizeAxis(what: string, axis: number, rank: number): number {
  checkRank(what, rank);
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(
      `${what}: axis ${axis} is outside a tensor of rank ${rank}; ` +
        (rank === 0 ? "a scalar has no axes." : `use ${-rank} to ${rank - 1}.`),
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/** Resolves axes to an ascending list without duplicates; `undefined` means all of them. */
export function normalizeAxes(
  what: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  checkRank(what, rank);
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (Array.isArray(axes) ? axes : [axes]).map((a) => normalizeAxis(what, a, rank));
  const unique = [...new Set(list)].sort((a, b) => a - b);
  if (unique.length !== list.length) {
    throw new ShapeError(`${what}: axes [${list.join(", ")}] name one dimension twice; name each once.`);
  }
  return unique;
}

/** The shape that a reduction over `axes` (ascending, resolved) leaves. */
export const reducedShape = (shape: Shape, axes: readonly number[], keepDims: boolean): number[] =>
  keepDims ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));

/** The largest number of elements that an array in memory can have. */
const MOST_ELEMENTS = 2 ** 32;

/** @throws ShapeError unless it is an array of whole numbers of at least 0, whose product does not exceed the largest array. */
export function checkShape(what: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(`${what}: a shape is an array of sizes, such as [2, 3]; found ${String(shape)}.`);
  if (!shape.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new ShapeError(`${what}: shape ${formatShape(shape)} must hold whole numbers of at least 0.`);
  }
  if (sizeOf(shape) > MOST_ELEMENTS) {
    throw new ShapeError(
      `${what}: shape ${formatShape(shape)} has ${sizeOf(shape)} elements; an array has at most 2^32.`,
    );
  }
}

/** @throws ShapeError unless `value` is a whole number of at least `least`; `name` is the argument's name, for the message. */
export function checkWhole(
  what: string,
  name: string,
  value: number,
  least = Number.NEGATIVE_INFINITY,
): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  const bound = least === Number.NEGATIVE_INFINITY ? "" : ` of at least ${least}`;
  throw new ShapeError(`${what}: ${name} must be a whole number${bound}, found ${String(value)}.`);
}

/** The number of trailing axes with equal sizes in both shapes. */
export function commonTail(a: Shape, b: Shape): number {
  let n = 0;
  while (n < Math.min(a.length, b.length) && a[a.length - 1 - n] === b[b.length - 1 - n]) n++;
  return n;
}

/** For each member of a broadcast batch, the offset of the matrix that it reads in a tensor of this shape. */
export function batchStarts(shape: Shape, batch: Shape): number[] {
  const strides = broadcastStrides(shape.slice(0, -2), batch);
  const matrix = sizeOf(shape.slice(-2));
  return Array.from({ length: sizeOf(batch) }, (_, index) => {
    let rest = index;
    let at = 0;
    for (let d = batch.length - 1; d >= 0; d--) {
      at += (rest % batch[d]) * strides[d];
      rest = Math.floor(rest / batch[d]);
    }
    return at * matrix;
  });
}
