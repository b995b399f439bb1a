/** Graph simplification: common subexpressions, constant folding, and algebra that saves passes over memory. */
import {
  add,
  broadcastShapes,
  type ConstantAttributes,
  commonTail,
  concat,
  constant,
  type DType,
  div,
  expand,
  full,
  gather,
  isConstant,
  isFloat,
  isImplicit,
  type Leaf,
  log,
  log1p,
  matmul,
  meanOverRanks,
  mul,
  neg,
  on,
  pow,
  rebuild,
  reshape,
  sameShape,
  scalar,
  scan,
  scatterAdd,
  sigmoid,
  softplus,
  sqrt,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
  zeros,
} from "../tensor/index.ts";
import { evaluateConstant } from "./constant-value.ts";
import { isElementwise, rewrite, uniform } from "./graph.ts";
import { bodyRewrite, withOwnConstants, withoutUnread } from "./scan-bodies.ts";
import { isNeverMinusZero, isNeverNegative } from "./signs.ts";

/** The largest folded constant, in elements: folding saves computing it on every call, but it takes memory. */
const LARGEST_FOLD = 2 ** 20;

/** Whether a float of this dtype holds a number of this size with full precision: no overflow, not subnormal. */
export const isNormal = (value: number, dtype: DType): boolean => {
  const [least, most] = dtype === "float32" ? [2 ** -126, 2 ** 127] : [2 ** -1022, 2 ** 1023];
  const size = Math.abs(value);
  return size >= least && size < most;
};

/**
 * Whether (x · a) · b is x · (a · b) for every x, but for rounding. The product of two factors in range may be out of it, and a factor below 1
 * may make x vanish: x · 0.5 · 2 is 0 for the least number.
 */
function canCombine(a: number, b: number, dtype: DType): boolean {
  if (a === 0) return Number.isFinite(b);
  if (b === 0) return Math.abs(a) <= 1;
  return Math.abs(a) >= 1 && Math.abs(b) >= 1 && isNormal(a * b, dtype);
}

/** Whether adding `zero` to `x` gives `x`: −0 + 0 is 0, so that only −0 leaves every number as it is. */
const addsNothing = (zero: Tensor, x: Tensor): boolean => {
  const c = uniform(zero);
  return Object.is(c, -0) || (c === 0 && isNeverMinusZero(x));
};

/** `x`, expanded to the shape of the replaced node if it has another. */
const fitted = (x: Tensor, node: Tensor): Tensor =>
  sameShape(x.shape, node.shape) ? x : expand(x, node.shape);

/** The rules, by op. Each returns a cheaper node of the same shape and dtype, or undefined. */
const rules: readonly ((node: Tensor) => Tensor | undefined)[] = [
  on(add, (node) => {
    const [a, b] = node.inputs;
    if (addsNothing(b, a)) return fitted(a, node);
    if (addsNothing(a, b)) return fitted(b, node);
    if (neg.is(b)) return sub(a, b.inputs[0]);
    if (neg.is(a)) return sub(b, a.inputs[0]);
    return undefined;
  }),
  on(sub, (node) => {
    const [a, b] = node.inputs;
    const [from, taken] = [uniform(a), uniform(b)];
    if (Object.is(taken, 0) || (taken === 0 && isNeverMinusZero(a))) return fitted(a, node);
    // 0 − 0 is 0, and the negative of 0 is −0.
    if (Object.is(from, -0) || (from === 0 && !isFloat(node.dtype))) return fitted(neg(b), node);
    if (neg.is(b)) return add(a, b.inputs[0]);
    return undefined;
  }),
  on(mul, (node) => {
    const [a, b] = node.inputs;
    for (const [x, y] of [
      [a, b],
      [b, a],
    ]) {
      const c = uniform(y);
      if (c === undefined) continue;
      if (c === 1) return fitted(x, node);
      if (c === -1) return fitted(neg(x), node);
      if (y.rank > 0) continue;
      if (neg.is(x)) return mul(x.inputs[0], scalar(-c, node.dtype));
      if (!mul.is(x)) continue;
      const [p, q] = x.inputs;
      const [inner, rest] = uniform(q) !== undefined ? [uniform(q), p] : [uniform(p), q];
      if (inner !== undefined && sameShape(rest.shape, node.shape) && canCombine(inner, c, node.dtype))
        return mul(rest, scalar(c * inner, node.dtype));
    }
    return undefined;
  }),
  on(div, (node) => {
    const [a, b] = node.inputs;
    const c = uniform(b);
    if (c === 1) return fitted(a, node);
    // A power of two has an exact reciprocal.
    if (c !== undefined && Number.isInteger(Math.log2(Math.abs(c))) && isNormal(1 / c, node.dtype))
      return mul(a, full(b.shape, 1 / c, node.dtype));
    return undefined;
  }),
  on(neg, (node) => {
    const [x] = node.inputs;
    if (neg.is(x)) return x.inputs[0];
    if (mul.is(x)) {
      const [a, b] = x.inputs;
      if (b.rank === 0 && isConstant(b)) return mul(a, scalar(-b.attributes.values[0], node.dtype));
      if (a.rank === 0 && isConstant(a)) return mul(b, scalar(-a.attributes.values[0], node.dtype));
    }
    return undefined;
  }),
  on(pow, (node) => {
    const [x, y] = node.inputs;
    const c = uniform(y);
    if (c === 1) return fitted(x, node);
    if (c === 2) return fitted(mul(x, x), node);
    // √ of −∞ is NaN and √ of −0 is −0; the power is neither.
    if (c === 0.5 && isNeverNegative(x)) return fitted(sqrt(x), node);
    return undefined;
  }),
  on(sum, (node) => {
    const [x] = node.inputs;
    const outer = node.attributes;
    // If all summed axes were made by a reshape, sum before it.
    if (reshape.is(x) && !outer.keepDims) {
      const [y] = x.inputs;
      const tail = commonTail(x.shape, y.shape);
      const [made, before] = [x.rank - tail, y.rank - tail];
      if (made > 0 && outer.axes.filter((a) => a < made).length === made) {
        const rest = outer.axes.filter((a) => a >= made).map((a) => a - made + before);
        const axes = [...Array.from({ length: before }, (_, i) => i), ...rest];
        // The sum of a single −0 is 0.
        return axes.length > 0 ? sum(y, axes) : add(y, scalar(0, y.dtype));
      }
    }
    if (!sum.is(x)) return undefined;
    // A sum of a sum is one sum over both sets of axes; kept axes have the same numbers before and after.
    const inner = x.attributes;
    if (inner.keepDims && inner.axes.every((a) => outer.axes.includes(a)))
      return sum(x.inputs[0], outer.axes, { keepDims: outer.keepDims });
    if (inner.keepDims !== outer.keepDims) return undefined;
    const kept = x.inputs[0].shape.map((_, i) => i).filter((i) => inner.keepDims || !inner.axes.includes(i));
    const axes = [...new Set([...inner.axes, ...outer.axes.map((a) => kept[a])])];
    return sum(x.inputs[0], axes, { keepDims: outer.keepDims });
  }),
  on(reshape, (node) => {
    const [x] = node.inputs;
    if (sameShape(x.shape, node.shape)) return x;
    return reshape.is(x) ? reshape(x.inputs[0], node.shape) : undefined;
  }),
  on(transpose, (node) => {
    const [x] = node.inputs;
    if (!transpose.is(x)) return undefined;
    return transpose(
      x.inputs[0],
      node.attributes.permutation.map((p) => x.attributes.permutation[p]),
    );
  }),
  on(expand, (node) => {
    const [x] = node.inputs;
    if (expand.is(x)) return expand(x.inputs[0], node.shape);
    const c = uniform(x);
    return c === undefined ? undefined : full(node.shape, c, node.dtype);
  }),
  on(matmul, (node) => {
    const { transposeA, transposeB } = node.attributes;
    const [a, b] = node.inputs.map((t) => (swapsLastTwo(t) ? t.inputs[0] : t));
    if (a === node.inputs[0] && b === node.inputs[1]) return undefined;
    return matmul(a, b, {
      transposeA: transposeA !== (a !== node.inputs[0]),
      transposeB: transposeB !== (b !== node.inputs[1]),
    });
  }),
  on(gather, (node) => {
    const [x, at] = node.inputs;
    return countsUpTo(at, x.shape[node.attributes.axis]) ? reshape(x, node.shape) : undefined;
  }),
  on(concat, (node) => {
    const parts = node.inputs.filter((t) => t.size > 0);
    return parts.length < node.inputs.length ? concat(parts, node.attributes.axis) : undefined;
  }),
  on(scatterAdd, (node) => {
    const [target, at, updates] = node.inputs;
    if (updates.size === 0) return target;
    return uniform(target) === 0 && countsUpTo(at, target.shape[0])
      ? add(reshape(updates, node.shape), target)
      : undefined;
  }),
  // Logarithms of the logistic function and of its complement: exact even if the function itself has rounded to 0 or 1.
  on(log, ({ inputs: [x] }) => (sigmoid.is(x) ? sub(0, softplus(neg(x.inputs[0]))) : undefined)),
  on(log1p, ({ inputs: [x] }) =>
    neg.is(x) && sigmoid.is(x.inputs[0]) ? neg(softplus(x.inputs[0].inputs[0])) : undefined,
  ),
  on(where, (node) => {
    // Inside a side of a `where`, a nested `where` with the same condition is already decided.
    const [c, a, b] = node.inputs;
    const taken = where.is(a) && a.inputs[0] === c ? a.inputs[1] : a;
    const other = where.is(b) && b.inputs[0] === c ? b.inputs[2] : b;
    if (taken === a && other === b) return undefined;
    const better = where(c, taken, other);
    return sameShape(better.shape, node.shape) ? better : undefined;
  }),
  on(stopGradient, (node) => node.inputs[0]),
  (node) => (isImplicit(node) ? node.inputs[0] : undefined),
  on(meanOverRanks, (node) => (node.attributes.ranks === 1 ? node.inputs[0] : undefined)),
  on(scan, (node) => {
    const own = withOwnConstants(node);
    if (own !== undefined) return own;
    const body = simplerBody(node.attributes.body);
    return body === node.attributes.body
      ? undefined
      : rebuild(node, node.inputs, { ...node.attributes, body });
  }),
];

const simplerBody = bodyRewrite((outputs) => simplify(outputs));

/** The result of the first rule that applies to a node. */
function applyRules(node: Tensor): Tensor | undefined {
  for (const rule of rules) {
    const better = rule(node);
    if (better !== undefined) return better;
  }
  return undefined;
}

/** Whether t is 0, 1, …, size − 1: rows read or written at these indices stay as they are. */
const countsUpTo = (t: Tensor, size: number): boolean =>
  isConstant(t) && t.size === size && t.attributes.values.every((v, i) => v === i);

function swapsLastTwo(t: Tensor): boolean {
  if (!transpose.is(t)) return false;
  const last = t.rank - 1;
  return t.attributes.permutation.every((p, i) => p === (i === last ? last - 1 : i === last - 1 ? last : i));
}

/** Element-wise ops broadcast by themselves, so an operand that was repeated before is read in its own shape instead. */
function withoutExpands(node: Tensor): Tensor | undefined {
  if (!isElementwise(node)) return undefined;
  const inputs = [...node.inputs];
  let changed = false;
  inputs.forEach((x, i) => {
    const c = x.rank > 0 ? uniform(x) : undefined;
    const smaller = expand.is(x) ? x.inputs[0] : c !== undefined ? full([], c, x.dtype) : undefined;
    if (smaller === undefined) return;
    const shapes = inputs.map((t, j) => (j === i ? smaller.shape : t.shape));
    if (!sameShape(broadcastShapes(node.op.name, ...shapes), node.shape)) return;
    inputs[i] = smaller;
    changed = true;
  });
  return changed ? rebuild(node, inputs) : undefined;
}

/**
 * Replaces nodes that depend only on constants by their value. A tensor without elements counts as constant, whatever it is computed
 * from, and so does anything computed from such tensors (a sum over no terms), so executors need not handle axes of size 0.
 */
function fold(node: Tensor): Tensor | undefined {
  if (node.inputs.length === 0) return undefined;
  if (node.size === 0) return zeros(node.shape, node.dtype);
  if (isElementwise(node)) {
    const values = node.inputs.map(uniform);
    if (values.every((v) => v !== undefined)) {
      const one = rebuild(
        node,
        node.inputs.map((x, i) => full([], values[i] ?? 0, x.dtype)),
      );
      return full(node.shape, evaluateConstant(one)[0], node.dtype);
    }
  }
  if (!node.inputs.every((x) => isConstant(x) || x.size === 0)) return undefined;
  const known = node.inputs.reduce((total, x) => total + x.size, 0);
  if (known > 0 && node.size > Math.max(LARGEST_FOLD, known)) return undefined;
  const inputs = node.inputs.map((x) => (isConstant(x) ? x : zeros(x.shape, x.dtype)));
  return constant(evaluateConstant(rebuild(node, inputs)), node.shape, node.dtype);
}

/** A key for what a node computes; nodes with equal keys have equal values. */
function keyer(): (node: Tensor) => string {
  const arrays = new Map<Float64Array, number>();
  return (node) => {
    if (isConstant(node)) return constantKey(node, arrays);
    if (node.inputs.length === 0) return `leaf ${node.id}`;
    return `${node.op.name} ${node.inputs.map((x) => x.id).join(",")} ${JSON.stringify(node.attributes)}`;
  };
}

/** A number in a key. It distinguishes 0 and −0, because 1 / 0 is not 1 / −0. */
const digits = (v: number): string => (Object.is(v, -0) ? "-0" : String(v));

const writtenOut = new WeakMap<Float64Array, string>();
/** Small arrays in a key, which every pass asks for again. */
function digitsOf(values: Float64Array): string {
  const before = writtenOut.get(values);
  if (before !== undefined) return before;
  const text = Array.from(values, digits).join(",");
  writtenOut.set(values, text);
  return text;
}

function constantKey(node: Leaf<ConstantAttributes>, arrays: Map<Float64Array, number>): string {
  const { values } = node.attributes;
  const shape: readonly [string, DType] = [node.shape.join(","), node.dtype];
  const first = uniform(node);
  if (first !== undefined) return `full ${shape} ${digits(first)}`;
  if (values.length <= 64) return `constant ${shape} ${digitsOf(values)}`;
  if (!arrays.has(values)) arrays.set(values, arrays.size);
  return `constant ${shape} #${arrays.get(values)}`;
}

/**
 * The same outputs from a smaller graph: equal nodes are merged, constants folded and needless passes removed; nodes that no output
 * needs are not visited. Infinities, NaN and the signs of zeros stay as they are, and the rest but for rounding. There are two exceptions: sums of
 * sums are taken in another order, and the logarithm of a logistic function is right also where that function has rounded to 0 or 1.
 */
export function simplify(outputs: readonly Tensor[]): readonly Tensor[] {
  const [first] = outputs;
  const before = first && simplified.get(first);
  if (before?.outputs.length === outputs.length && before.outputs.every((t, i) => t === outputs[i]))
    return before.simple;
  const simple = simplifyNew(outputs);
  if (first) simplified.set(first, { outputs: [...outputs], simple });
  return simple;
}

/** The last result by first output: whoever chooses an executor for a graph, or asks what it costs, then compiles it. */
const simplified = new WeakMap<Tensor, { outputs: readonly Tensor[]; simple: readonly Tensor[] }>();

function simplifyNew(outputs: readonly Tensor[]): Tensor[] {
  const known = new Map<string, Tensor>();
  const keyOf = keyer();
  const canonical = (node: Tensor): Tensor => {
    const key = keyOf(node);
    const found = known.get(key);
    if (found !== undefined) return found;
    const better = fold(node) ?? withoutExpands(node) ?? applyRules(node);
    const result = better === undefined ? node : rewriteNew(better);
    known.set(key, result);
    return result;
  };
  // A rule may return several new nodes; those not seen before are simplified in the same way.
  const rewriteNew = (node: Tensor): Tensor => {
    if (done.has(node)) return node;
    const inputs = node.inputs.map(rewriteNew);
    const same = inputs.every((x, i) => x === node.inputs[i]);
    const result = canonical(same ? node : rebuild(node, inputs));
    done.add(result);
    return result;
  };
  const done = new Set<Tensor>();
  return rewrite(withoutUnread(outputs), (node, inputs) => {
    const same = inputs.every((x, i) => x === node.inputs[i]);
    const result = canonical(same ? node : rebuild(node, inputs));
    done.add(result);
    return result;
  });
}
