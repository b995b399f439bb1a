/**
 * Regroups sums and products so that fewer passes go over large tensors: an executor that runs one op at a time, like ONNX Runtime,
 * is limited by memory bandwidth. The results are equal in exact arithmetic. In float32 they differ by rounding; they differ by more only if
 * an intermediate value is within 2¹⁶ of the ends of the range.
 */
import {
  add,
  broadcastShapes,
  commonTail,
  expand,
  isConstant,
  mul,
  neg,
  rebuild,
  reshape,
  sameShape,
  scalar,
  sizeOf,
  sub,
  type Tensor,
} from "../tensor/index.ts";
import { applyRule, isElementwise, type UseRule, uniform } from "./graph.ts";
import { isNormal, simplify } from "./simplify.ts";

/** Numbers from this to its reciprocal move an intermediate value no further than that towards the ends of the range. */
const FEW = 2 ** -16;

/** Element-wise ops do not depend on the shape: if all operands were reshaped in the same way, reshape the result instead. */
const reshapeAfter: UseRule = (node) => {
  const isReshape = (x: Tensor) => reshape.is(x) && sameShape(x.shape, node.shape);
  const { shape } = node.inputs.find(isReshape)?.inputs[0] ?? node;
  if (shape === node.shape) return undefined;
  const tail = commonTail(shape, node.shape);
  const inputs = node.inputs.map((x) => {
    if (isReshape(x) && sameShape(x.inputs[0].shape, shape)) return x.inputs[0];
    return x.rank <= tail && x.rank < node.rank ? x : undefined;
  });
  return inputs.every((x) => x !== undefined) ? reshape(rebuild(node, inputs), node.shape) : undefined;
};

/** f(repeated x, c) is f(x, c) repeated. */
const expandAfter: UseRule = (node, isUsedOnce) => {
  const inputs = node.inputs.map((x) => (expand.is(x) && isUsedOnce(x) ? x.inputs[0] : x));
  if (inputs.every((x, i) => x === node.inputs[i])) return undefined;
  return expand(rebuild(node, inputs), node.shape);
};

/**
 * (p + s) + t as p + (s + t), if s and t are smaller than p: one pass over p less. This combines a bias with the rows of an enumerated
 * value, and leaves the product without an addition. p may be reshaped in between. Constants stay where they are: x + 1 − 1 may be
 * meant to round.
 */
const smallTermsFirst: UseRule = (node, isUsedOnce) => {
  if (!add.is(node)) return undefined;
  for (const [x, t] of [node.inputs, [...node.inputs].reverse()]) {
    const inner = reshape.is(x) ? x.inputs[0] : x;
    if (!add.is(inner) || inner.size !== node.size || !isUsedOnce(x) || !isUsedOnce(inner)) continue;
    const [p, s] =
      inner.inputs[0].size < inner.inputs[1].size ? [inner.inputs[1], inner.inputs[0]] : inner.inputs;
    if (p.size !== node.size || s.rank > commonTail(inner.shape, x.shape)) continue;
    if (isConstant(s) || isConstant(t)) continue;
    if (sizeOf(broadcastShapes("add", s.shape, t.shape)) < node.size)
      return add(reshape(p, x.shape), add(s, t));
  }
  return undefined;
};

/** x + x as x · 2, so that the constant can be moved elsewhere. */
const twice: UseRule = (node) => {
  const [a, b] = node.inputs;
  return add.is(node) && a === b ? mul(a, scalar(2, node.dtype)) : undefined;
};

/** (x · a) · b as x · (a · b), for numbers a and b: also where x · a loses digits near 0, or near the largest number. */
const joinFactors: UseRule = (node) => {
  if (!mul.is(node)) return undefined;
  for (const [x, second] of [node.inputs, [...node.inputs].reverse()]) {
    const b = uniform(second);
    if (b === undefined || second.rank > 0 || !mul.is(x)) continue;
    const [p, q] = x.inputs;
    const [a, rest] = uniform(q) !== undefined ? [uniform(q), p] : [uniform(p), q];
    if (a === undefined || !sameShape(rest.shape, node.shape) || !isNormal(a * b, node.dtype)) continue;
    const [small, large] = [Math.min(Math.abs(a), Math.abs(b)), Math.max(Math.abs(a), Math.abs(b))];
    if (large <= 1 || (small >= FEW && large <= 1 / FEW)) return mul(rest, scalar(a * b, node.dtype));
  }
  return undefined;
};

/** Moves a constant factor of a product to its smaller factor, where it costs less and may combine with another constant. */
const numbersToSmaller: UseRule = (node, isUsedOnce) => {
  if (!mul.is(node)) return undefined;
  for (const [x, number] of [node.inputs, [...node.inputs].reverse()]) {
    const c = Math.abs(uniform(number) ?? 0);
    if (number.rank > 0 || c < FEW || c > 1 / FEW || !mul.is(x) || !isUsedOnce(x)) continue;
    const [small, large] = x.inputs[0].size < x.inputs[1].size ? x.inputs : [...x.inputs].reverse();
    if (x.inputs.some((t) => uniform(t) !== undefined)) continue;
    if (small.size < x.size) return mul(mul(small, number), large);
  }
  return undefined;
};

/** a·c ± b·c as (a ± b)·c, where b may be 1. */
const commonFactor: UseRule = (node, isUsedOnce) => {
  if (!add.is(node) && !sub.is(node)) return undefined;
  const [p, q] = node.inputs;
  const [plus, minus] = add.is(node) ? [add, sub] : [sub, add];
  const factors = (t: Tensor) => (mul.is(t) && isUsedOnce(t) ? [t.inputs, [...t.inputs].reverse()] : []);
  for (const [a, c] of factors(p)) {
    if (c === q && c.size < node.size) return mul(plus(a, 1), c);
    for (const [b, d] of factors(q)) {
      if (c === d) return mul(plus(a, b), c);
      if (c === negated(d)) return mul(minus(a, b), c);
      if (negated(c) === d) return add.is(node) ? mul(sub(b, a), d) : mul(add(a, b), c);
    }
  }
  return undefined;
};
const negated = (t: Tensor): Tensor | undefined => (neg.is(t) ? t.inputs[0] : undefined);

const rules: readonly UseRule[] = [
  expandAfter,
  smallTermsFirst,
  twice,
  joinFactors,
  numbersToSmaller,
  commonFactor,
  reshapeAfter,
];

/** Applies the rules to simplified outputs until none applies, and simplifies the result. */
export function regroup(outputs: readonly Tensor[]): readonly Tensor[] {
  for (let roots = outputs; ; ) {
    let fired = false;
    const next = applyRule(roots, (node, isUsedOnce) => {
      if (!isElementwise(node)) return undefined;
      for (const rule of rules) {
        const better = rule(node, isUsedOnce);
        if (better !== undefined) {
          fired = true;
          return better;
        }
      }
      return undefined;
    });
    if (!fired) return roots;
    roots = simplify(next);
  }
}
