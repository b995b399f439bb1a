/** Triangles and diagonals of matrices; leading axes are a batch. */
import { ShapeError } from "../../errors.ts";
import { constant } from "../leaf.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sum } from "./reduce.ts";
import { where } from "./where.ts";

/** Keeps the elements (i, j) of the last two axes that satisfy `keep`; the others become 0. */
function masked(what: string, x: Tensor, keep: (i: number, j: number) => boolean): Tensor {
  if (x.rank < 2)
    throw new ShapeError(`${what}: expected at least two axes, found shape ${formatShape(x.shape)}.`);
  const [rows, columns] = x.shape.slice(-2);
  const mask = Array.from({ length: rows * columns }, (_, k) =>
    keep(Math.floor(k / columns), k % columns) ? 1 : 0,
  );
  return where(constant(mask, [rows, columns], "bool"), x, 0);
}

/** The lower triangle of the last two axes, up to the `offset`-th diagonal above the main one; zeros elsewhere. */
export const tril = (x: Tensor, offset = 0): Tensor => masked("tril", x, (i, j) => j - i <= offset);

/** The upper triangle of the last two axes, from the `offset`-th diagonal above the main one; zeros elsewhere. */
export const triu = (x: Tensor, offset = 0): Tensor => masked("triu", x, (i, j) => j - i >= offset);

/** The main diagonal of square matrices. Shape [..., n, n] → [..., n]. */
export function diagonal(x: Tensor): Tensor {
  checkSquare("diagonal", x);
  return sum(
    masked("diagonal", x, (i, j) => i === j),
    -1,
  );
}

/** @throws ShapeError unless these are square matrices. */
export function checkSquare(what: string, x: Tensor): void {
  const [rows, columns] = x.shape.slice(-2);
  if (x.rank < 2 || rows !== columns) {
    throw new ShapeError(`${what}: expected square matrices [..., n, n], found ${formatShape(x.shape)}.`);
  }
}
