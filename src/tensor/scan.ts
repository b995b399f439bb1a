import { ShapeError } from "../errors.ts";
import { checkOptions, flag, type OptionRules, whole } from "../options.ts";
import { input, isNoise, noise, zeros } from "./leaf.ts";
import { isScan, loop } from "./ops/scan.ts";
import { type Recurred, type Recurrence, recur, type Scanned } from "./recurrence.ts";
import { formatShape, sameShape } from "./shape.ts";
import { nodesOf } from "./substitute.ts";
import { Tensor } from "./tensor.ts";

/** A tensor, or tensors in an array or in an object with names. */
export type Tensors = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** What the body of a {@link scan} returns. */
export interface Step<C extends Tensors, Y extends Tensors> {
  /** What the next step begins with: the shapes and dtypes of `initial`. */
  readonly carry: C;
  /** What this step gives to the result. Default: nothing. */
  readonly output?: Y;
}

/** Options of {@link scan}. */
export interface ScanOptions {
  /** Number of steps. Default: the size of the first axis of the inputs; required where there are none. */
  readonly length?: number;
  /** Whether the last step comes first; outputs keep the places of their inputs. Default false. */
  readonly reverse?: boolean;
}

const scanRules: OptionRules<ScanOptions> = { length: whole(0), reverse: flag };

/** The result of a {@link scan}. */
export interface Scan<C extends Tensors, Y extends Tensors> {
  /** The carry after the last step. */
  readonly carry: C;
  /** The outputs of all steps, each [length, …]. */
  readonly outputs: Y;
}

/** The tensors of a structure, in order. */
export const listOf = (t: Tensors | undefined): readonly Tensor[] =>
  t === undefined ? [] : t instanceof Tensor ? [t] : Object.values(t);

/** Other tensors in the same structure. */
export function like<T extends Tensors | undefined>(structure: T, list: readonly Tensor[]): T {
  if (structure === undefined) return structure;
  if (structure instanceof Tensor) return list[0] as Tensor & T;
  if (Array.isArray(structure)) return [...list] as readonly Tensor[] as T;
  return Object.fromEntries(Object.keys(structure).map((key, i) => [key, list[i]])) as T;
}

const namesOf = (t: Tensors | undefined): string[] =>
  t === undefined || t instanceof Tensor ? [""] : Object.keys(t).map((key) => ` '${key}'`);

function checkTensors(what: string, given: unknown): void {
  const ok =
    given instanceof Tensor ||
    (typeof given === "object" && given !== null && Object.values(given).every((t) => t instanceof Tensor));
  if (!ok)
    throw new ShapeError(
      `scan: ${what} must be a tensor, or an array or object of tensors; found ${String(given)}.`,
    );
}

function lengthOf(inputs: Tensors | undefined, { length }: ScanOptions): number {
  const names = namesOf(inputs);
  let found = length;
  listOf(inputs).forEach((t, i) => {
    if (t.rank === 0)
      throw new ShapeError(
        `scan: input${names[i]} is a number; inputs have a value for each step, [length, …].`,
      );
    found ??= t.shape[0];
    if (t.shape[0] !== found)
      throw new ShapeError(
        `scan: input${names[i]} ${formatShape(t.shape)} has values for ${t.shape[0]} steps, where there are ${found}.`,
      );
  });
  if (found === undefined)
    throw new ShapeError("scan: without inputs the number of steps must be said: { length: 10 }.");
  return found;
}

function checkCarry(before: Tensors, after: Tensors): void {
  const [names, list] = [namesOf(before), listOf(after)];
  if (listOf(before).length !== list.length || names.join() !== namesOf(after).join())
    throw new ShapeError(
      `scan: the carry begins with ${listOf(before).length} tensors, and the body returned ${list.length}; return those of the beginning, in the same structure.`,
    );
  listOf(before).forEach((t, i) => {
    const next = list[i];
    if (t.dtype === next.dtype && sameShape(t.shape, next.shape)) return;
    throw new ShapeError(
      `scan: carry${names[i]} begins as ${t.dtype} ${formatShape(t.shape)}, and the body returned ${next.dtype} ${formatShape(next.shape)}. ` +
        "A carry keeps its shape and dtype: begin with the shape that it has later (expand), or cast.",
    );
  });
}

/**
 * A loop over steps: the body is traced once, for one step, and the number of steps does not change the size of the graph. Each step gets
 * what the step before returned as its carry, and its own part of the inputs, without their first axis. Values from outside the body can be
 * read in it. Noise that the body makes is drawn for each step.
 *
 * Only what depends on the carry runs in order. Everything else is computed for all steps at once, so memory grows with the number of steps,
 * for the derivative as well. Derivatives of every order are those of the unrolled steps. On the native executor the loop is ONNX's `Scan`.
 *
 * @param initial the carry of the first step
 * @param inputs [length, …] each; undefined if there are none, with `length` among the options
 * @param body from a carry and one step of the inputs to the next carry and this step's output
 *
 * @example
 * // Variances of a GARCH(1, 1): v' = ω + α y² + β v.
 * const { outputs } = scan(first, returns, (v, y) => ({
 *   carry: omega.add(alpha.mul(y.mul(y))).add(beta.mul(v)),
 *   output: v,
 * }));
 *
 * @throws ShapeError when inputs differ in length, or the carry changes its shape, dtype or structure.
 */
export function scan<C extends Tensors, X extends Tensors | undefined, Y extends Tensors>(
  initial: C,
  inputs: X,
  body: (carry: C, input: X) => Step<C, Y>,
  options: ScanOptions = {},
): Scan<C, Y> {
  const steps = traceSteps(initial, inputs, body, options);
  const { carries, outputs, length } = steps;
  if (length === 0)
    return steps.result({
      carries: steps.initial,
      outputs: outputs.map((t) => zeros([0, ...t.shape], t.dtype)),
    });
  const noises = noiseOf(steps, [...carries.map(({ after }) => after), ...outputs]);
  return steps.result(recur({ ...steps, inputs: [...steps.inputs, ...noises] }, loop));
}
/** @internal */
scan.is = isScan;

/** One step of a loop, traced. */
export interface TracedSteps<C extends Tensors, Y extends Tensors> extends Recurrence {
  readonly initial: readonly Tensor[];
  /** Noise whose id is not below this was made in the body. */
  readonly firstId: number;
  /** What the loop returns, in the structure that the body has. */
  result(done: Recurred): Scan<C, Y>;
}

/** Traces the body of a loop for one step. */
export function traceSteps<C extends Tensors, X extends Tensors | undefined, Y extends Tensors>(
  initial: C,
  inputs: X,
  body: (carry: C, input: X) => Step<C, Y>,
  options: ScanOptions,
): TracedSteps<C, Y> {
  checkOptions("scan", options, scanRules);
  checkTensors("the first carry", initial);
  if (inputs !== undefined) checkTensors("the inputs", inputs);
  if (typeof body !== "function") throw new ShapeError(`scan: the body is a function; found ${typeof body}.`);
  const length = lengthOf(inputs, options);
  const { id: firstId } = zeros([]);
  const first = listOf(initial);
  const before = first.map((t) => input("carry", t.shape, t.dtype));
  const parts = listOf(inputs).map(
    (t): Scanned => ({ leaf: input("step", t.shape.slice(1), t.dtype), values: t }),
  );
  const step = body(
    like(initial, before),
    like(
      inputs,
      parts.map(({ leaf }) => leaf),
    ),
  );
  checkTensors("the carry that the body returns (as { carry, output })", step?.carry);
  checkCarry(initial, step.carry);
  if (step.output !== undefined) checkTensors("the output of the body", step.output);
  const after = listOf(step.carry);
  return {
    initial: first,
    carries: before.map((leaf, i) => ({ before: leaf, after: after[i], initial: first[i] })),
    inputs: parts,
    outputs: listOf(step.output),
    length,
    reverse: options.reverse ?? false,
    firstId,
    result: (done) => ({
      carry: like(initial, done.carries),
      outputs: like(step.output as Y, done.outputs),
    }),
  };
}

/** Noise that was made in the body of a loop: each step has draws of its own. */
export function noiseOf(
  { firstId, length }: Pick<TracedSteps<Tensors, Tensors>, "firstId" | "length">,
  expressions: readonly Tensor[],
): Scanned[] {
  const leaves = new Set(expressions.flatMap((t) => [...nodesOf(t)]));
  return [...leaves].filter(isNoise).flatMap((leaf) => {
    if (leaf.id < firstId) return [];
    const { kind, site, shape, dtype } = leaf.attributes;
    return [{ leaf, values: noise(kind, site, [length, ...shape], dtype) }];
  });
}
