import { ShapeError } from "../errors.ts";
import { isFloat } from "./dtype.ts";
import { arange, sameDType } from "./leaf.ts";
import { mul } from "./ops/arithmetic.ts";
import { gather } from "./ops/gather.ts";
import { matmul } from "./ops/matmul.ts";
import { reshape, transpose } from "./ops/movement.ts";
import { sum } from "./ops/reduce.ts";
import { formatShape, sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** As many tensors as the left side of an {@link einsum} has parts. */
export type EinsumOperands<S extends string> = string extends S
  ? readonly Tensor[]
  : S extends `${infer Left}->${string}`
    ? EinsumOperands<Left>
    : S extends `${string},${infer Rest}`
      ? [Tensor, ...EinsumOperands<Rest>]
      : [Tensor];

/** A tensor whose axes have letters, each once. */
interface Lettered {
  readonly t: Tensor;
  readonly letters: readonly string[];
}

/** Numbers of operands up to which every order is compared. */
const MOST_COMPARED = 6;

/**
 * A sum of products, named by its indices: `einsum("bij,bjk->bik", a, b)` is a batch of matrix products. Each letter is an axis; letters that
 * are not on the right of `->` are summed over. Without `->`, the result has the letters that occur once, in alphabetical order. A
 * letter twice in one operand is its diagonal.
 *
 * Operands are combined two at a time, in the order that takes the fewest multiplications (for more than six, the cheapest pair first), as matrix
 * products where something is summed over and as products element by element where nothing is.
 *
 * @example
 * const covariance = einsum("ni,nj->ij", rows, rows);
 *
 * @throws ShapeError when the letters do not fit the operands' axes, or a letter has two sizes.
 */
export function einsum<const S extends string>(spec: S, ...operands: EinsumOperands<S>): Tensor {
  const tensors: readonly Tensor[] = operands;
  const { inputs, output } = parse(spec, tensors);
  sameDType("einsum", tensors);
  const sizes = new Map<string, number>();
  tensors.forEach((t, i) => {
    inputs[i].forEach((letter, axis) => {
      const size = sizes.get(letter) ?? t.shape[axis];
      if (size !== t.shape[axis])
        throw new ShapeError(
          `einsum '${spec}': '${letter}' is ${size} in one operand and ${t.shape[axis]} in operand ${i} ${formatShape(t.shape)}.`,
        );
      sizes.set(letter, size);
    });
  });
  const terms = tensors.map((t, i) => onceEach(t, inputs[i]));
  const own = terms.map((term, i) =>
    summed(term, [...output, ...terms.flatMap((o, j) => (j === i ? [] : o.letters))]),
  );
  const result = summed(contracted(own, output, sizes), output);
  const order = output.map((letter) => result.letters.indexOf(letter));
  return order.length < 2 ? result.t : transpose(result.t, order);
}

function parse(spec: string, tensors: readonly Tensor[]): { inputs: string[][]; output: string[] } {
  const wrong = (why: string): never => {
    throw new ShapeError(`einsum '${String(spec)}': ${why}. Write letters for axes, as in "ij,jk->ik".`);
  };
  if (typeof spec !== "string") return wrong("expected a text");
  if (!tensors.every((t) => t instanceof Tensor)) return wrong("expected tensors after it");
  const plain = spec.replaceAll(" ", "");
  const [left, right, more] = plain.split("->");
  if (more !== undefined) return wrong("'->' occurs twice");
  if (/[^a-zA-Z,]/.test(left + (right ?? ""))) return wrong("it may have letters, commas and '->' only");
  const inputs = left.split(",").map((part) => [...part]);
  if (inputs.length !== tensors.length)
    return wrong(`it has ${inputs.length} operands, and ${tensors.length} tensors were given`);
  inputs.forEach((letters, i) => {
    if (letters.length !== tensors[i].rank)
      wrong(`operand ${i} has ${letters.length} letters and shape ${formatShape(tensors[i].shape)}`);
  });
  const all = inputs.flat();
  const output =
    right === undefined
      ? all.filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort()
      : [...right];
  if (new Set(output).size < output.length) return wrong("a letter of the result occurs twice");
  const unknown = output.find((letter) => !all.includes(letter));
  if (unknown !== undefined) return wrong(`'${unknown}' is in no operand`);
  return { inputs, output };
}

/** Diagonals of axes that have the same letter. */
function onceEach(t: Tensor, letters: readonly string[]): Lettered {
  const axis = letters.findIndex((letter, i) => letters.indexOf(letter) < i);
  if (axis < 0) return { t, letters };
  const first = letters.indexOf(letters[axis]);
  const rest = letters.map((_, i) => i).filter((i) => i !== axis && i !== first);
  const n = t.shape[axis];
  const front = transpose(t, [first, axis, ...rest]);
  const rows = reshape(front, [n * n, ...rest.map((i) => t.shape[i])]);
  const diagonal = gather(rows, mul(arange(n, "int64"), n + 1), 0);
  return onceEach(diagonal, [letters[axis], ...rest.map((i) => letters[i])]);
}

/** Sums over the letters that are not among `kept`. */
function summed({ t, letters }: Lettered, kept: readonly string[]): Lettered {
  const gone = letters.flatMap((letter, i) => (kept.includes(letter) ? [] : [i]));
  return { t: sum(t, gone), letters: letters.filter((letter) => kept.includes(letter)) };
}

const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])];

/** The letters of a product of two terms: those that anything else needs. */
function productLetters(a: readonly string[], b: readonly string[], needed: readonly string[]): string[] {
  return union(a, b).filter((letter) => needed.includes(letter));
}

type Pair = readonly [number, number];

/** The order of pairs that takes the fewest multiplications; a product is put at the end of the list. */
function bestOrder(
  letters: readonly (readonly string[])[],
  output: readonly string[],
  sizes: ReadonlyMap<string, number>,
): { readonly cost: number; readonly pairs: readonly Pair[] } {
  if (letters.length < 2) return { cost: 0, pairs: [] };
  const isCompared = letters.length <= MOST_COMPARED;
  const choices: { readonly cost: number; readonly pair: Pair; readonly next: (readonly string[])[] }[] = [];
  for (let i = 0; i < letters.length; i++) {
    for (let j = i + 1; j < letters.length; j++) {
      const rest = letters.filter((_, k) => k !== i && k !== j);
      const both = union(letters[i], letters[j]);
      const cost = sizeOf(both.map((letter) => sizes.get(letter) ?? 1));
      const product = productLetters(letters[i], letters[j], [...output, ...rest.flat()]);
      choices.push({ cost, pair: [i, j], next: [...rest, product] });
    }
  }
  choices.sort((a, b) => a.cost - b.cost);
  let best: { cost: number; pairs: readonly Pair[] } | undefined;
  for (const { cost, pair, next } of isCompared ? choices : choices.slice(0, 1)) {
    if (best !== undefined && cost >= best.cost) break;
    const then = bestOrder(next, output, sizes);
    const total = cost + then.cost;
    if (best === undefined || total < best.cost) best = { cost: total, pairs: [pair, ...then.pairs] };
  }
  return best ?? { cost: 0, pairs: [] };
}

function contracted(
  terms: readonly Lettered[],
  output: readonly string[],
  sizes: ReadonlyMap<string, number>,
): Lettered {
  let left = [...terms];
  const { pairs } = bestOrder(
    terms.map(({ letters }) => letters),
    output,
    sizes,
  );
  for (const [i, j] of pairs) {
    const rest = left.filter((_, k) => k !== i && k !== j);
    const needed = [...output, ...rest.flatMap(({ letters }) => letters)];
    left = [...rest, product(left[i], left[j], needed, sizes)];
  }
  return left[0];
}

/** The product of two terms, summed over the letters that nothing else needs. */
function product(
  a: Lettered,
  b: Lettered,
  needed: readonly string[],
  sizes: ReadonlyMap<string, number>,
): Lettered {
  const shapeOf = (letters: readonly string[]): number[] => letters.map((letter) => sizes.get(letter) ?? 1);
  const count = (letters: readonly string[]): number => sizeOf(shapeOf(letters));
  const both = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = both.filter((letter) => needed.includes(letter));
  const inner = both.filter((letter) => !needed.includes(letter));
  const rows = a.letters.filter((letter) => !both.includes(letter));
  const columns = b.letters.filter((letter) => !both.includes(letter));
  const letters = [...batch, ...rows, ...columns];
  const laid = ({ t, letters: own }: Lettered, order: readonly string[]): Tensor =>
    t.rank < 2
      ? t
      : transpose(
          t,
          order.map((letter) => own.indexOf(letter)),
        );
  if (inner.length > 0 && isFloat(a.t.dtype)) {
    const left = reshape(laid(a, [...batch, ...rows, ...inner]), [
      ...shapeOf(batch),
      count(rows),
      count(inner),
    ]);
    const right = reshape(laid(b, [...batch, ...inner, ...columns]), [
      ...shapeOf(batch),
      count(inner),
      count(columns),
    ]);
    return { t: reshape(matmul(left, right), shapeOf(letters)), letters };
  }
  // Element by element, each operand of size 1 along the letters that it lacks.
  const all = [...letters, ...inner];
  const beside = (term: Lettered): Tensor => {
    const present = all.filter((letter) => term.letters.includes(letter));
    return reshape(
      laid(term, present),
      all.map((letter) => (present.includes(letter) ? (sizes.get(letter) ?? 1) : 1)),
    );
  };
  return summed({ t: mul(beside(a), beside(b)), letters: all }, letters);
}
