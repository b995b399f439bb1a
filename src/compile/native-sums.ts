/** Rewrites sums to forms that ONNX Runtime computes fastest, according to profiles of its CPU kernels. */
import {
  abs,
  add,
  commonTail,
  exp,
  matmul,
  mul,
  type NodeOf,
  neg,
  ones,
  reducedShape,
  reshape,
  sameShape,
  sizeOf,
  slice,
  softplusTail,
  sub,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { applyRule, type Replacement, replaceNodes, topological } from "./graph.ts";
import { log1pOfPositive } from "./native-logistic.ts";

/** The largest number of rows of a sum that becomes a product with ones, because the ones are stored in the model. */
const MOST_ROWS = 2 ** 16;

type Sum = NodeOf<typeof sum>;

/** From this number of elements on, the logarithms saved cost more than the additional nodes. */
const MANY_TAILS = 2 ** 12;

/**
 * A sum of ln(1 + e), e = e^−|x|, over an axis that can be halved a few times. For two halves a and b, ln(1 + a) + ln(1 + b) is
 * ln(1 + (a + b + a b)). All terms are positive, so no digits are lost, and the runtime's slow logarithm is computed for only an
 * eighth of the elements.
 */
function sumOfTails(t: Tensor, { axes, keepDims }: Sum["attributes"]): Tensor | undefined {
  const axis = axes.findLast((a) => t.shape[a] % 2 === 0);
  if (axis === undefined || t.size < MANY_TAILS) return undefined;
  let e = exp(neg(abs(t.inputs[0])));
  for (let halvings = 0; halvings < 3 && e.shape[axis] % 2 === 0; halvings++) {
    const half = e.shape[axis] / 2;
    const [a, b] = [slice(e, { axis, end: half }), slice(e, { axis, start: half })];
    e = add(add(a, b), mul(a, b));
  }
  return sum(log1pOfPositive(e), axes, { keepDims });
}

/** Sums are split this deep. Deeper ones, such as of thousands of columns, have no form that pays, and would be as many calls inside each other. */
const DEEPEST = 100;

/** Σ(a ± b) as Σa ± Σb, if one of the two has a cheaper form of its own. */
function splitSum(node: Sum, isUsedOnce: (t: Tensor) => boolean): Tensor | undefined {
  type Reduced = { readonly total: Tensor; readonly cheaper: boolean };
  const reduce = (t: Tensor, attributes: Sum["attributes"], depth: number): Reduced => {
    const { axes, keepDims } = attributes;
    if (depth < DEEPEST && isUsedOnce(t)) {
      const tails = softplusTail.is(t) ? sumOfTails(t, attributes) : undefined;
      if (tails !== undefined) return { total: tails, cheaper: true };
      if ((add.is(t) || sub.is(t)) && t.inputs.every((x) => sameShape(x.shape, t.shape))) {
        const [a, b] = t.inputs.map((x) => reduce(x, attributes, depth + 1));
        if (a.cheaper || b.cheaper) {
          const combine = add.is(t) ? add : sub;
          return { total: combine(a.total, b.total), cheaper: true };
        }
      }
      if (neg.is(t)) {
        const { total, cheaper } = reduce(t.inputs[0], attributes, depth + 1);
        if (cheaper) return { total: neg(total), cheaper };
      }
      if (reshape.is(t)) {
        const [x] = t.inputs;
        const moved = axes.map((a) => a + x.rank - t.rank);
        if (axes.every((a) => t.rank - a <= commonTail(x.shape, t.shape))) {
          const { total, cheaper } = reduce(x, { axes: moved, keepDims }, depth + 1);
          if (cheaper) return { total: reshape(total, reducedShape(t.shape, axes, keepDims)), cheaper };
        }
      }
    }
    return { total: sum(t, axes, { keepDims }), cheaper: false };
  };
  const { total, cheaper } = reduce(node.inputs[0], node.attributes, 0);
  return cheaper ? total : undefined;
}

/**
 * A sum over leading axes as a row of ones times a matrix. The runtime's ReduceSum passes over its result once for each row, the product
 * once for every four, without calls in between; measured 2 to 7 times as fast at 10 rows, and never slower.
 */
function leadingSum(node: Sum): Tensor | undefined {
  const { axes } = node.attributes;
  const [x] = node.inputs;
  if (axes.length === x.rank || axes.some((a) => a >= axes.length)) return undefined;
  const rows = sizeOf(x.shape.slice(0, axes.length));
  if (rows === 0 || rows > MOST_ROWS) return undefined;
  return reshape(matmul(ones([1, rows]), reshape(x, [rows, x.size / rows])), node.shape);
}

/** Σ over A ∪ B of x as Σ over B of (Σ over A of x), if the latter is computed anyway: it is the smaller tensor. */
function shareSums(outputs: readonly Tensor[]): Tensor[] {
  const bySource = new Map<Tensor, Sum[]>();
  for (const node of topological(outputs)) {
    if (!sum.is(node) || node.attributes.keepDims) continue;
    const [x] = node.inputs;
    bySource.set(x, [...(bySource.get(x) ?? []), node]);
  }
  const plan = new Map<Tensor, Replacement>();
  for (const sums of bySource.values()) {
    for (const whole of sums) {
      const { axes } = whole.attributes;
      const parts = sums.filter(
        ({ attributes: part }) => part.axes.length < axes.length && part.axes.every((a) => axes.includes(a)),
      );
      if (parts.length === 0) continue;
      const part = parts.reduce((a, b) => (b.size < a.size ? b : a));
      const kept = part.inputs[0].shape.map((_, i) => i).filter((i) => !part.attributes.axes.includes(i));
      const rest = kept.flatMap((axis, i) => (axes.includes(axis) ? [i] : []));
      plan.set(whole, { from: [part], make: ([s]) => sum(s, rest) });
    }
  }
  return plan.size === 0 ? [...outputs] : replaceNodes(outputs, plan);
}

/** Applies the rules to simplified outputs. */
export const rewriteSums = (outputs: readonly Tensor[]): readonly Tensor[] =>
  applyRule(shareSums(outputs), (node, isUsedOnce) =>
    sum.is(node) && node.dtype === "float32" ? (splitSum(node, isUsedOnce) ?? leadingSum(node)) : undefined,
  );
