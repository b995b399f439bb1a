/**
 * A recurrence, taken apart. Only what a step needs from the step before it has to be computed in order; the rest is computed for all steps
 * at once, by batching rules along a time axis. So the loop that remains is as small as it can be: a carry that only delays an input leaves
 * none at all, products of inputs with weights become one product over all steps, and so do the gradients of the weights.
 */
import { isFloat } from "./dtype.ts";
import { input, isConstant } from "./leaf.ts";
import type { OpTest } from "./op.ts";
import { pow, sqrt } from "./ops/arithmetic.ts";
import { conv2d } from "./ops/conv.ts";
import { cholesky, triangularSolve } from "./ops/linalg.ts";
import { matmul } from "./ops/matmul.ts";
import { expand, squeeze, unsqueeze } from "./ops/movement.ts";
import { concat, slice } from "./ops/parts.ts";
import { logOfTerms, softmax } from "./ops/reduce.ts";
import { digamma, erf, lgamma } from "./ops/special.ts";
import { cos, exp, expm1, log, log1p, sigmoid, sin, softplus, tanh } from "./ops/transcendental.ts";
import { substituteAll } from "./substitute.ts";
import type { Tensor } from "./tensor.ts";
import { Batch } from "./vmap.ts";

/** A value that each step takes from the step before it. */
export interface Carry {
  /** The value at the beginning of a step: a leaf of the body. */
  readonly before: Tensor;
  /** The value at its end. */
  readonly after: Tensor;
  /** The value at the beginning of the first step. */
  readonly initial: Tensor;
}

/** A leaf of the body, and its values in all steps, [length, …]. */
export interface Scanned {
  readonly leaf: Tensor;
  readonly values: Tensor;
}

export interface Recurrence {
  readonly carries: readonly Carry[];
  readonly inputs: readonly Scanned[];
  /** Expressions of one step. */
  readonly outputs: readonly Tensor[];
  /** At least 1. */
  readonly length: number;
  /** Whether the last step comes first. */
  readonly reverse: boolean;
}

/** What has to be computed in order. */
export interface Loop extends Omit<Recurrence, "outputs"> {
  /** Leaves of the body for values from outside that are the same in all steps. */
  readonly shared: readonly { readonly leaf: Tensor; readonly value: Tensor }[];
  readonly outputs: readonly Tensor[];
}

/** Results of a recurrence. */
export interface Recurred {
  /** The carries after the last step. */
  readonly carries: readonly Tensor[];
  /** The outputs of all steps, [length, …]. */
  readonly outputs: readonly Tensor[];
}

/** The nodes of some expressions that depend on `sources`, these included, inputs before users. */
export function dependents(expressions: readonly Tensor[], sources: ReadonlySet<Tensor>): Set<Tensor> {
  const seen = new Map<Tensor, boolean>();
  const found = new Set<Tensor>();
  const stack = [...expressions];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const pending = seen.has(node) || sources.has(node) ? [] : node.inputs.filter((x) => !seen.has(x));
    if (pending.length > 0) {
      for (const x of pending) stack.push(x);
      continue;
    }
    stack.pop();
    if (seen.has(node)) continue;
    const depends = sources.has(node) || node.inputs.some((x) => seen.get(x));
    seen.set(node, depends);
    if (depends) found.add(node);
  }
  return found;
}

/** A function, because the native forms of some of these ops are loops themselves. */
const costly = (): readonly OpTest<Tensor>[] => [
  ...[cholesky, conv2d, cos, digamma, erf, exp, expm1, lgamma, log, log1p, logOfTerms, matmul, pow, sigmoid],
  ...[sin, softmax, softplus, sqrt, tanh, triangularSolve],
];

/** Whether keeping a value for all steps costs less than computing it again. */
const isCostly = (t: Tensor): boolean => costly().some((op) => op.is(t));

/** `init` followed by all steps' values but the last: what each step begins with. */
function delayed(initial: Tensor, after: Tensor, reverse: boolean): Tensor {
  const first = unsqueeze(initial, 0);
  return reverse
    ? concat([slice(after, { axis: 0, start: 1 }), first])
    : concat([first, slice(after, { axis: 0, end: -1 })]);
}

/** One step of values over time. */
export const stepOf = (values: Tensor, step: number): Tensor =>
  squeeze(slice(values, { axis: 0, start: step, end: step + 1 }), 0);

/**
 * Computes a recurrence.
 *
 * @param run computes the loop that is left, if there is one
 */
export function recur(given: Recurrence, run: (loop: Loop) => Recurred): Recurred {
  const { length, reverse } = given;
  const last = reverse ? 0 : length - 1;
  const { carries, outputs } = withoutConstantCarries(given);
  const batch = new Batch(length, new Map(given.inputs.map(({ leaf, values }) => [leaf, values])));
  const overTime = (t: Tensor): Tensor => {
    const all = batch.lift(t);
    return all === t ? expand(t, [length, ...t.shape]) : all;
  };
  const final = new Map<Carry, Tensor>();

  // Carries that depend on no carry: each is an expression of the inputs, delayed by a step.
  let left = carries.filter(({ before, after }) => before !== after);
  let carried = new Set<Tensor>();
  for (let found = true; found; ) {
    carried = dependents(
      left.map(({ after }) => after),
      new Set(left.map(({ before }) => before)),
    );
    const free = left.filter(({ after }) => !carried.has(after));
    found = free.length > 0;
    left = left.filter((c) => !free.includes(c));
    for (const c of free) {
      const all = overTime(c.after);
      batch.replace(c.before, delayed(c.initial, all, reverse));
      final.set(c, stepOf(all, last));
    }
  }
  if (left.length > 0) {
    const { loop, wanted } = loopOf({ ...given, outputs }, left, carried, batch);
    const done = run(loop);
    left.forEach((c, i) => {
      final.set(c, done.carries[i]);
    });
    wanted.forEach((node, i) => {
      batch.replace(node, done.outputs[i]);
    });
  }
  return {
    carries: carries.map((c) => final.get(c) ?? c.initial),
    outputs: outputs.map(overTime),
  };
}

/** Carries that stay what they were at the beginning are values from outside. */
function withoutConstantCarries({ carries, outputs }: Recurrence): Pick<Recurrence, "carries" | "outputs"> {
  const constant = carries.filter(({ before, after }) => before === after);
  if (constant.length === 0) return { carries, outputs };
  const parts = new Map(constant.map(({ before, initial }) => [before, initial]));
  const replaced = substituteAll([...carries.map(({ after }) => after), ...outputs], parts);
  return {
    carries: carries.map((c, i) => (constant.includes(c) ? c : { ...c, after: replaced[i] })),
    outputs: replaced.slice(carries.length),
  };
}

/**
 * The loop that computes `carries`.
 *
 * @param carried nodes that depend on the carries
 * @param batch from values of a step to values of all steps
 * @returns the loop, and the nodes whose values in all steps are its first outputs
 */
function loopOf(
  { length, reverse, outputs, inputs: scanned }: Recurrence,
  carries: readonly Carry[],
  carried: ReadonlySet<Tensor>,
  batch: Batch,
): { readonly loop: Loop; readonly wanted: readonly Tensor[] } {
  const states = carries.map(({ before }) => before);
  const inside = [...carried].filter((t) => !states.includes(t));
  const own = new Set<Tensor>(carried);

  // What outputs read of the loop; a derivative may read the rest.
  const read = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const stack = [...outputs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (own.has(node) || states.includes(node)) read.add(node);
    else stack.push(...node.inputs);
  }
  // The floats of a loop have one precision: values of another one that nobody else reads are computed again.
  const costlyOnes = inside.filter(isCostly);
  const float = [...states, ...read, ...costlyOnes].find((t) => isFloat(t.dtype))?.dtype;
  const kept = costlyOnes.filter((t) => !isFloat(t.dtype) || t.dtype === float);
  const wanted = [...new Set([...read, ...states, ...kept])];

  // What is older than the body comes from outside, constants as well: a derivative, a batch or another value may be asked for there.
  const oldest = Math.min(...states.map(({ id }) => id), ...scanned.map(({ leaf }) => leaf.id));
  const isOwnConstant = (t: Tensor): boolean => isConstant(t) && t.id > oldest;

  const inputs: Scanned[] = [];
  const shared: { leaf: Tensor; value: Tensor }[] = [];
  const parts = new Map<Tensor, Tensor>(states.map((t) => [t, t]));
  for (const node of inside) {
    for (const x of node.inputs) {
      if (own.has(x) || parts.has(x) || isOwnConstant(x)) continue;
      const values = batch.core(x);
      if (values === undefined) {
        const leaf = input("shared by all steps", x.shape, x.dtype);
        shared.push({ leaf, value: x });
        parts.set(x, leaf);
      } else {
        // An axis along which a value does not vary has size 1 and is repeated in the loop.
        const leaf = input("input of a step", values.shape.slice(1), x.dtype);
        inputs.push({ leaf, values });
        parts.set(x, expand(leaf, x.shape));
      }
    }
  }
  const rebuilt = substituteAll([...carries.map(({ after }) => after), ...wanted], parts);
  return {
    loop: {
      carries: carries.map((c, i) => ({ ...c, after: rebuilt[i] })),
      inputs,
      shared,
      outputs: rebuilt.slice(carries.length),
      length,
      reverse,
    },
    wanted,
  };
}
