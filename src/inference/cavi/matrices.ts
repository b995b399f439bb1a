/** Cholesky factors and solutions for matrices that are known up to a positive factor. */
import { cholesky, expand, eye, type NodeOf, type Tensor, triangularSolve } from "../../tensor/index.ts";
import { isKnown } from "./atoms.ts";
import { asProduct, power } from "./functions.ts";
import { fromTensor, toTensor } from "./known.ts";
import { multiply, type Polynomial, term } from "./polynomial.ts";
import { product } from "./structure.ts";

/** Matrices that are known up to a factor; the factor does not vary along their last two axes. */
function scaled(p: Polynomial, [rows, columns]: readonly number[]) {
  const t = asProduct(p);
  const matrix = p.axes.slice(-2);
  if (t === undefined) return undefined;
  const theirs = t.factors.filter((f) => !isKnown(f.atom));
  if (theirs.some((f) => f.indices.some((i) => matrix.includes(i)))) return undefined;
  const ours = toTensor({
    axes: p.axes,
    terms: term(
      t.coefficient,
      t.factors.filter((f) => isKnown(f.atom)),
    ),
  });
  return {
    matrix: expand(ours, [...ours.shape.slice(0, -2), rows, columns]),
    factor: {
      axes: [...p.axes.slice(0, -2), undefined, undefined],
      terms: term(1, theirs),
    } satisfies Polynomial,
  };
}

/** T⁻¹ b: linear in b, if T is a triangle known up to a factor. */
export function solve(
  [l, b]: readonly Polynomial[],
  node: NodeOf<typeof triangularSolve>,
): Polynomial | undefined {
  const found = scaled(l, node.inputs[0].shape.slice(-2));
  const inverse = found && power(found.factor, -1);
  if (found === undefined || inverse === undefined) return undefined;
  const n = node.inputs[0].shape[node.inputs[0].rank - 1];
  const inverted = triangularSolve(found.matrix, eye(n, found.matrix.dtype), node.attributes);
  return multiply(inverse, product(fromTensor(inverted), b));
}

/** √c L, if the matrix is c L Lᵀ with a known L Lᵀ and a positive c. */
export function factorised(a: Polynomial, node: Tensor): Polynomial | undefined {
  const found = scaled(a, node.shape.slice(-2));
  const root = found && power(found.factor, 0.5);
  return found && root && multiply(root, fromTensor(cholesky(found.matrix)));
}
