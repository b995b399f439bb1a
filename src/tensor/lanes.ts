/** What batching rules are made of: inputs of an op with an axis on the left, and ways to bring them together. */
import { expand, reshape } from "./ops/movement.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * One input of an op over a batch. A value that does not vary along one of its own axes need not be repeated: it may have size 1
 * there, as a broadcast has, and stays small for as long as the ops that read it allow.
 */
export interface Lane {
  /** The input of a single application: its shape is what one element of the batch has. */
  readonly single: Tensor;
  /** The input of all: [size, …], each further axis that of `single` or 1. Where the input is not batched, `single` itself. */
  readonly all: Tensor;
  readonly batched: boolean;
}

/** The shape of `all` without its batch axis. */
export const ownShape = ({ all, batched }: Lane): Shape => (batched ? all.shape.slice(1) : all.shape);

/** `all` repeated along the given axes of `single`, where it had size 1 for more. Default all of them. */
export function along(lane: Lane, axes?: readonly number[]): Tensor {
  const { single, all, batched } = lane;
  if (!batched) return all;
  const own = ownShape(lane).map((n, i) => (axes === undefined || axes.includes(i) ? single.shape[i] : n));
  return expand(all, [all.shape[0], ...own]);
}

/** The input as [size, …single], whether it is batched or not. */
export const everywhere = (lane: Lane, size: number): Tensor =>
  lane.batched ? along(lane) : expand(lane.all, [size, ...lane.all.shape]);

/** A batched `t` [size, …] with ones behind its first axis, up to `rank` axes after it: so that the others align at the right. */
export function raised(t: Tensor, rank: number): Tensor {
  const missing = rank - (t.rank - 1);
  return missing <= 0
    ? t
    : reshape(t, [t.shape[0], ...new Array<number>(missing).fill(1), ...t.shape.slice(1)]);
}

/** The inputs of an op that broadcasts, aligned so that batch meets batch: what is not batched is left as it is. */
export const aligned = (lanes: readonly Lane[], rank: number): Tensor[] =>
  lanes.map(({ all, batched }) => (batched ? raised(all, rank) : all));
