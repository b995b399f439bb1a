/** Helpers for batching rules: the inputs of an op with a batch axis on the left, and ways to align them. */
import { expand, reshape } from "./ops/movement.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * One input of an op over a batch. If a value does not vary along one of its own axes, it may have size 1 there, as in broadcasting. It is
 * not repeated until an op needs that.
 */
export interface Lane {
  /** The input of a single application; it has the shape of one element of the batch. */
  readonly single: Tensor;
  /** The input for the whole batch: [size, …], each further axis as in `single` or 1. If the input is not batched, `single` itself. */
  readonly all: Tensor;
  readonly batched: boolean;
}

/** The shape of `all` without its batch axis. */
export const ownShape = ({ all, batched }: Lane): Shape => (batched ? all.shape.slice(1) : all.shape);

/** `all`, repeated along the given axes of `single` if it has size 1 there. Default all axes. */
export function repeatAlong(lane: Lane, axes?: readonly number[]): Tensor {
  const { single, all, batched } = lane;
  if (!batched) return all;
  const own = ownShape(lane).map((n, i) => (axes === undefined || axes.includes(i) ? single.shape[i] : n));
  return expand(all, [all.shape[0], ...own]);
}

/** The input as [size, …single], whether it is batched or not. */
export const fullBatch = (lane: Lane, size: number): Tensor =>
  lane.batched ? repeatAlong(lane) : expand(lane.all, [size, ...lane.all.shape]);

/** A batched `t` [size, …] with axes of size 1 inserted after the first, so that `rank` axes follow it and all align at the right. */
export function padRank(t: Tensor, rank: number): Tensor {
  const missing = rank - (t.rank - 1);
  return missing <= 0
    ? t
    : reshape(t, [t.shape[0], ...new Array<number>(missing).fill(1), ...t.shape.slice(1)]);
}

/**
 * The inputs of an op whose kernel reads them side by side, element by element: each in the shape of the result, [size, …shape], because it does not
 * broadcast.
 */
export const jointBatch = (lanes: readonly Lane[], shape: Shape, size: number): Tensor[] =>
  alignBatch(lanes, shape.length).map((t) => expand(t, [size, ...shape]));

/** The inputs of an op that broadcasts, with their batch axes aligned. Inputs that are not batched are left as they are. */
export const alignBatch = (lanes: readonly Lane[], rank: number): Tensor[] =>
  lanes.map(({ all, batched }) => (batched ? padRank(all, rank) : all));
