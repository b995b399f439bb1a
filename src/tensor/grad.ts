import { InternalError, ShapeError } from "../errors.ts";
import { addUp } from "./add-up.ts";
import { isFloat } from "./dtype.ts";
import { full, isConstant, zeros } from "./leaf.ts";
import { add, neg, sub } from "./ops/arithmetic.ts";
import { cast } from "./ops/cast.ts";
import { matmul } from "./ops/matmul.ts";
import { expand, reshape, transpose } from "./ops/movement.ts";
import { sum } from "./ops/reduce.ts";
import { digamma, erf, lgamma, polygamma } from "./ops/special.ts";
import { where } from "./ops/where.ts";
import { formatShape, type Shape, sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Sums a gradient over the dimensions along which the value was repeated. */
function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const offset = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((n, i) =>
    i < offset || (shape[i - offset] === 1 && n !== 1) ? [i] : [],
  );
  return reshape(sum(gradient, axes), shape);
}

/** The nodes that `output` depends on and that depend on one of `wrt`, in topological order. */
function between(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  const targets = new Set(wrt);
  // Nodes older than all of these cannot depend on them, so that part of the graph need not be walked, however large it is.
  const oldest = wrt.reduce((least, t) => Math.min(least, t.id), Number.POSITIVE_INFINITY);
  const depends = new Map<Tensor, boolean>();
  const nodes: Tensor[] = [];
  const stack: Tensor[] = [output];
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    if (depends.has(node)) {
      stack.pop();
      continue;
    }
    if (node.id < oldest) {
      depends.set(node, false);
      continue;
    }
    const pending = node.inputs.filter((x) => !depends.has(x));
    if (pending.length > 0) {
      for (const x of pending) stack.push(x);
      continue;
    }
    stack.pop();
    const relevant = targets.has(node) || node.inputs.some((x) => depends.get(x));
    depends.set(node, relevant);
    if (relevant) nodes.push(node);
  }
  return nodes.sort((a, b) => a.id - b.id);
}

/**
 * For nodes that compute the same as an earlier one, that one: a program that writes `x.mul(2)` in a loop has many of them, and each would
 * pass on a gradient of its whole size. Nodes of `wrt` stay apart, because each has a gradient of its own, and so do slices and rows, whose
 * gradients `addUp` joins with fewer operations.
 */
function duplicates(nodes: readonly Tensor[], wrt: ReadonlySet<Tensor>): ReadonlyMap<Tensor, Tensor> {
  const first = new Map<string, Tensor>();
  const same = new Map<Tensor, Tensor>();
  const nameOf = (x: Tensor): string => {
    const number = isConstant(x) && x.size === 1 ? x.attributes.values[0] : undefined;
    return number === undefined || Object.is(number, -0)
      ? `${(same.get(x) ?? x).id}`
      : `${x.dtype} ${x.shape} ${number}`;
  };
  for (const node of nodes) {
    if (wrt.has(node) || !canRepeat(node)) continue;
    const key = `${node.op.name} ${node.inputs.map(nameOf).join(";")} ${JSON.stringify(node.attributes)}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, node);
    else same.set(node, known);
  }
  return same;
}

/** Ops that work on whole arrays, and whose attributes are numbers and words. */
const canRepeat = (t: Tensor): boolean =>
  (typeof t.op.host === "object" && "expression" in t.op.host) ||
  [reshape, transpose, expand, cast, sum, matmul].some((f) => f.is(t));

/** Whether an op maps elements one by one, so that a NaN stays in its own place. */
const isElementwise = (t: Tensor): boolean =>
  (typeof t.op.host === "object" && "expression" in t.op.host) ||
  [lgamma, digamma, erf].some((f) => f.is(t)) ||
  polygamma.is(t);

/** Ops whose derivatives are always finite: a gradient of 0 stays 0. */
const isHarmless = (t: Tensor): boolean => add.is(t) || sub.is(t) || neg.is(t) || cast.is(t);

/** The side of a `where` that a gradient comes from. */
interface Mask {
  readonly condition: Tensor;
  readonly side: boolean;
}

/**
 * A part of a tensor's gradient. `mask` is set if it has come only through a `where` and element-wise ops. It should then be 0 wherever that
 * side was not taken. `isDirty` says that an infinite derivative may have multiplied it since, which turns such a 0 into NaN.
 */
interface Part {
  readonly value: Tensor;
  readonly mask?: Mask;
  readonly isDirty?: boolean;
}

/** The value of a part, with 0 where its side of the `where` was not taken. */
function settle({ value, mask, isDirty = false }: Part): Tensor {
  if (mask === undefined || !isDirty) return value;
  return mask.side ? where(mask.condition, value, 0) : where(mask.condition, 0, value);
}

/** The sum of parts. If all come from the same side of the same `where`, the sum keeps that mask. */
function combine(parts: readonly Part[]): Part {
  const [first, ...others] = parts;
  if (others.length === 0) return first;
  const { mask } = first;
  const isSame = ({ mask: other }: Part): boolean =>
    other !== undefined && other.condition === mask?.condition && other.side === mask.side;
  if (mask === undefined || !others.every(isSame)) return { value: addUp(parts.map(settle)) };
  return { value: addUp(parts.map(({ value }) => value)), mask, isDirty: parts.some((p) => p.isDirty) };
}

/** Passes a node's gradient on to its inputs. */
function partsOf(node: Tensor, part: Part, isWanted: (x: Tensor) => boolean): (Part | undefined)[] {
  const isBranch = where.is(node);
  const keeps = isElementwise(node) && !isBranch;
  const given = keeps ? part.value : settle(part);
  const parts = node.op.derivative(given, node, node.inputs, node.attributes);
  return node.inputs.map((x, i): Part | undefined => {
    const value = parts[i];
    if (value === undefined || !isWanted(x)) return undefined;
    if (value.dtype !== x.dtype)
      throw new InternalError(`derivative of ${node.op.name} has dtype ${value.dtype}, not ${x.dtype}`);
    const fits = sameShape(value.shape, x.shape);
    if (isBranch) {
      const mask = { condition: node.inputs[0], side: i === 1 };
      return fits ? { value, mask } : { value: unbroadcast(value, x.shape) };
    }
    if (!keeps || part.mask === undefined) return { value: unbroadcast(value, x.shape) };
    const next: Part = { value, mask: part.mask, isDirty: part.isDirty || !isHarmless(node) };
    return fits ? next : { value: unbroadcast(settle(next), x.shape) };
  });
}

/** Where no compiler looks, `wrt` is easily forgotten, or given as one tensor. */
function checkOperands(name: string, output: Tensor, wrt: readonly Tensor[]): void {
  if (!(output instanceof Tensor))
    throw new ShapeError(`${name}: expected a tensor to differentiate, found ${typeof output}.`);
  if (!Array.isArray(wrt) || !wrt.every((t) => t instanceof Tensor))
    throw new ShapeError(
      `${name}: expected an array of tensors to differentiate by, as in ${name}(loss, [x]).`,
    );
}

/**
 * Reverse-mode derivatives as a graph transformation: for each of `wrt`, the gradient of `output` weighted by
 * `cotangent` (a vector-Jacobian product). The result is an expression like any other, so it can be differentiated again.
 * The gradient is zero for a tensor that `output` does not depend on, and on the side of a `where` that is not taken.
 */
export function vjp(output: Tensor, cotangent: Tensor, wrt: readonly Tensor[]): Tensor[] {
  checkOperands("vjp", output, wrt);
  for (const t of wrt) {
    if (!isFloat(t.dtype)) throw new ShapeError(`grad: ${t} is ${t.dtype}; only floats have derivatives.`);
  }
  const nodes = between(output, wrt);
  const relevant = new Set(nodes);
  const gradients = new Map<Tensor, Part[]>([[output, [{ value: cotangent }]]]);
  const totals = new Map<Tensor, Tensor>();
  const wanted = new Set(wrt);
  const same = duplicates(nodes, wanted);
  const pass = (to: Tensor, part: Part): void => {
    const sofar = gradients.get(to);
    if (sofar === undefined) gradients.set(to, [part]);
    else sofar.push(part);
  };
  for (const node of nodes.reverse()) {
    const parts = gradients.get(node);
    if (parts === undefined) continue;
    gradients.delete(node);
    const whole = combine(parts);
    if (wanted.has(node)) totals.set(node, settle(whole));
    if (!node.inputs.some((x) => relevant.has(x))) continue;
    const first = same.get(node);
    // A mask is of one path through the graph, so a part that has one goes its own way.
    if (first !== undefined && whole.mask === undefined) pass(first, whole);
    else
      partsOf(node, whole, (x) => relevant.has(x)).forEach((part, i) => {
        if (part !== undefined) pass(node.inputs[i], part);
      });
  }
  return wrt.map((t) => totals.get(t) ?? zeros(t.shape, t.dtype));
}

/**
 * The gradient of a scalar with respect to each of `wrt`. Each gradient has its tensor's shape.
 *
 * @example
 * const x = parameter([3], normal());
 * const [g] = grad(sum(mul(x, x)), [x]); // 2 x
 *
 * @throws ShapeError when the output is not a scalar.
 */
export function grad(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  checkOperands("grad", output, wrt);
  if (output.size !== 1) {
    throw new ShapeError(
      `grad: expected a scalar, found shape ${formatShape(output.shape)}; reduce it (sum or mean) first.`,
    );
  }
  return vjp(output, full(output.shape, 1, output.dtype), wrt);
}
