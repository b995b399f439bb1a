/** Conversions between tensors and polynomials that depend on no latent site. */
import { simplify } from "../../compile/index.ts";
import { InternalError } from "../../errors.ts";
import {
  add,
  cast,
  eye,
  isConstant,
  isInput,
  maximum,
  mul,
  pow,
  reciprocal,
  reshape,
  scalar,
  square,
  type Tensor,
} from "../../tensor/index.ts";
import { type Index, isBinary, known, newIndex } from "./atoms.ts";
import { contract, type Operand } from "./contract.ts";
import {
  equalIndices,
  type Factor,
  namesOf,
  number,
  type Polynomial,
  single,
  type Term,
  term,
} from "./polynomial.ts";

/**
 * Replaces ln 0 where a term multiplies it by an indicator. Its exponential is 0 as well, and its product with a probability of 0
 * is 0, while that of −∞ is NaN.
 */
const LOG_ZERO = -1e100;

const holdsFinite = (t: Tensor): boolean =>
  isInput(t) || (isConstant(t) && t.attributes.values.every(Number.isFinite));

function power(t: Tensor, exponent: number): Tensor {
  if (exponent === 1) return t;
  if (exponent === 2) return square(t);
  return exponent === -1 ? reciprocal(t) : pow(t, exponent);
}

function operandOf({ atom, indices, exponent }: Factor, switched: boolean): Operand {
  switch (atom.kind) {
    case "selector":
      return { at: atom.at, indices };
    case "case":
      return { tensor: cast(atom.cases.masks[atom.branch], "float64"), indices };
    case "delta":
      return { tensor: eye(indices[0].size, "float64"), indices };
    case "known": {
      const t = power(cast(atom.tensor, "float64"), exponent);
      return { tensor: switched && !holdsFinite(atom.tensor) ? maximum(t, LOG_ZERO) : t, indices };
    }
    default:
      throw new InternalError(`cavi: ${atom.key} is not known`);
  }
}

/** The known factors of a term, as operands of a contraction. */
export const knownOperands = (t: Term, factors: readonly Factor[] = t.factors): Operand[] => {
  const switched = t.factors.some((f) => isBinary(f.atom));
  return factors.map((f) => operandOf(f, switched));
};

/** A new index for each axis whose size is not 1. */
export const axesOf = (shape: readonly number[]): (Index | undefined)[] =>
  shape.map((n) => (n === 1 ? undefined : newIndex(n)));

/** A tensor without dimensions of size 1, as stored in atoms. */
export const squeezed = (t: Tensor): Tensor =>
  reshape(
    t,
    t.shape.filter((n) => n !== 1),
  );

/** Whether a constant is the identity matrix, apart from dimensions of size 1. */
const isIdentity = (t: Tensor): boolean => {
  const [n, m] = t.shape.filter((size) => size !== 1);
  if (!isConstant(t) || n !== m || t.size !== n * m) return false;
  return t.attributes.values.every((v, i) => v === (i % (n + 1) === 0 ? 1 : 0));
};

/** A known tensor as a polynomial with `axes`; a number if all its elements are equal. */
export function fromTensor(tensor: Tensor, axes: Polynomial["axes"] = axesOf(tensor.shape)): Polynomial {
  const [t] = simplify([tensor]);
  if (isConstant(t) && t.size > 0) {
    const { values } = t.attributes;
    if (Number.isFinite(values[0]) && values.every((v) => v === values[0]))
      return { axes, terms: number(values[0]).terms };
  }
  const varies = axes.map((i, n) => (t.shape[n] === 1 ? undefined : i));
  const [j, k, ...others] = namesOf(varies);
  if (others.length === 0 && isIdentity(t)) return { axes, terms: term(1, [equalIndices(j, k)]) };
  return { axes, terms: single(known(squeezed(t)), varies).terms };
}

/** A known polynomial as a float64 tensor, with size 1 along each axis that it does not vary along. */
export function toTensor({ axes, terms }: Polynomial): Tensor {
  const parts = terms.map((t) => {
    const product = contract(knownOperands(t), axes);
    return t.coefficient === 1 ? product : mul(product, t.coefficient);
  });
  if (parts.length === 0)
    return reshape(
      scalar(0, "float64"),
      axes.map(() => 1),
    );
  return parts.reduce((a, b) => add(a, b));
}

/** Whether a tensor is 0, 1, …, n − 1: reading at these positions only renames an index. */
export const isRange = (t: Tensor, n: number): boolean =>
  isConstant(t) && t.size === n && t.attributes.values.every((v, i) => v === i);
