/** The axis of steps: users have it before those of a vector or matrix, the loops of the filter first. */
import { reshape, type Tensor, transpose } from "../../tensor/index.ts";

/** The last two axes exchanged. */
export const swap = (t: Tensor): Tensor =>
  transpose(t, [...Array.from({ length: t.rank - 2 }, (_, i) => i), t.rank - 1, t.rank - 2]);

/** Moves the axis of steps, before the last `after` axes, to the front. */
export const toFront = (t: Tensor, after: number): Tensor => {
  const at = t.rank - after - 1;
  return transpose(t, [at, ...Array.from({ length: t.rank }, (_, i) => i).filter((i) => i !== at)]);
};
/** Moves the first axis before the last `after` axes. */
export const toPlace = (t: Tensor, after: number): Tensor => {
  const rest = Array.from({ length: t.rank - 1 }, (_, i) => i + 1);
  return transpose(t, [...rest.slice(0, rest.length - after), 0, ...rest.slice(rest.length - after)]);
};
/** Ones after the first axis, so that what follows it aligns with more dimensions. */
export const padded = (t: Tensor, rank: number): Tensor =>
  t.rank >= rank
    ? t
    : reshape(t, [t.shape[0], ...new Array<number>(rank - t.rank).fill(1), ...t.shape.slice(1)]);

/** The covariance of a scale: the scale times its transpose. */
export const covarianceOf = (scale: Tensor): Tensor => scale.matmul(swap(scale));
