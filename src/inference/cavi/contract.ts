/** Einstein sums as expressions: a product of indexed tensors, summed over the indices that are not in the result. */
import { InternalError } from "../../errors.ts";
import {
  add,
  cast,
  eye,
  gather,
  isConstant,
  less,
  matmul,
  mul,
  oneHot,
  ones,
  reshape,
  scalar,
  scatterAdd,
  sizeOf,
  sum,
  type Tensor,
  transpose,
  where,
  zeros,
} from "../../tensor/index.ts";
import type { Index } from "./atoms.ts";

/** A float64 tensor with named axes. */
interface Dense {
  readonly tensor: Tensor;
  readonly indices: readonly Index[];
}

/** Known indicators: 1 at (b, i) if the integer `at[b]` is i; i is the last index. They are written out only if nothing cheaper is found. */
interface Selection {
  readonly at: Tensor;
  readonly indices: readonly Index[];
}

export type Operand = Dense | Selection;

const without = (list: readonly Index[], gone: readonly Index[]): Index[] =>
  list.filter((i) => !gone.includes(i));

const common = (a: readonly Index[], b: readonly Index[]): Index[] => a.filter((i) => b.includes(i));

const sizes = (indices: readonly Index[]): number[] => indices.map((i) => i.size);

const isSelection = (o: Operand): o is Selection => "at" in o;

function dense(o: Operand): Dense {
  if (!isSelection(o)) return o;
  return { tensor: oneHot(fromStart(o), categoryOf(o).size, "float64"), indices: o.indices };
}

const categoryOf = (s: Selection): Index => s.indices[s.indices.length - 1];

const rowsOf = (s: Selection): readonly Index[] => s.indices.slice(0, -1);

/** Negative whole numbers count from the end, as in `gather`. */
const fromStart = (s: Selection): Tensor =>
  isConstant(s.at) && s.at.attributes.values.every((v) => v >= 0)
    ? s.at
    : where(less(s.at, 0), add(s.at, categoryOf(s).size), s.at);

/** The axes in another order; axes that the operand does not have get size 1. */
function arranged({ tensor, indices }: Dense, order: readonly (Index | undefined)[]): Tensor {
  const own = order.filter((i) => i !== undefined && indices.includes(i));
  const turned = transpose(
    tensor,
    own.map((i) => indices.indexOf(i as Index)),
  );
  return reshape(
    turned,
    order.map((i) => (i !== undefined && indices.includes(i) ? i.size : 1)),
  );
}

/** If an index occurs at two axes of one tensor, keeps the diagonal. */
function withoutRepeats(o: Dense): Dense {
  const second = o.indices.findIndex((i, n) => o.indices.indexOf(i) < n);
  if (second < 0) return o;
  const first = o.indices.indexOf(o.indices[second]);
  const { size } = o.indices[first];
  const shape = o.indices.map((_, n) => (n === first || n === second ? size : 1));
  const diagonal = mul(o.tensor, reshape(eye(size, "float64"), shape));
  return withoutRepeats({
    tensor: sum(diagonal, second),
    indices: o.indices.filter((_, n) => n !== second),
  });
}

/** A tensor of ones with the given indices. */
const everywhere = (indices: readonly Index[]): Dense => ({
  tensor: ones(sizes(indices), "float64"),
  indices,
});

/** The number of elements that an operand stores. */
const sizeOfOperand = (o: Operand): number => (isSelection(o) ? o.at.size : sizeOf(sizes(o.indices)));

/** Sums over axes that no other operand has. */
function summedOver(o: Dense, gone: readonly Index[]): Dense {
  const axes = o.indices.flatMap((i, n) => (gone.includes(i) ? [n] : []));
  return { tensor: sum(o.tensor, axes), indices: without(o.indices, gone) };
}

/** The product of known indicators with a tensor, if it amounts to reading or adding rows. */
function selected(s: Selection, o: Dense, gone: readonly Index[]): Dense | undefined {
  const [category, rows] = [categoryOf(s), rowsOf(s)];
  if (gone.length === 1 && gone[0] === category && common(rows, o.indices).length === 0) {
    const axis = o.indices.indexOf(category);
    return {
      tensor: gather(o.tensor, s.at, axis),
      indices: [...o.indices.slice(0, axis), ...rows, ...o.indices.slice(axis + 1)],
    };
  }
  const addsRows = rows.every((i) => gone.includes(i)) && gone.length === rows.length;
  if (addsRows && !o.indices.includes(category)) {
    const rest = without(o.indices, rows);
    const updates = arranged(o, [...rows, ...rest]);
    const target = zeros([category.size, ...sizes(rest)], "float64");
    return { tensor: scatterAdd(target, s.at, updates), indices: [category, ...rest] };
  }
  return undefined;
}

/** The product of two indicators of the same rows, summed over the rows: the number of times that each pair of categories occurs. */
function crossed(a: Selection, b: Selection, gone: readonly Index[]): Dense | undefined {
  const rows = rowsOf(a);
  const same =
    rows.length === rowsOf(b).length && rows.every((i) => rowsOf(b).includes(i) && gone.includes(i));
  if (!same || gone.length !== rows.length) return undefined;
  const [p, q] = [categoryOf(a), categoryOf(b)];
  const second = arranged({ tensor: fromStart(b), indices: rowsOf(b) }, rows);
  const at = add(mul(fromStart(a), q.size), cast(second, a.at.dtype));
  const table = scatterAdd(zeros([p.size * q.size], "float64"), at, ones(sizes(rows), "float64"));
  return { tensor: reshape(table, [p.size, q.size]), indices: [p, q] };
}

/** One operand of a batched matrix product: [batch, left, right]. It is read transposed if that saves a copy. */
function matrix(o: Dense, batch: readonly Index[], left: readonly Index[], right: readonly Index[]) {
  const swapped = [...batch, ...right, ...left].every((i, n) => i === o.indices[n]);
  const [p, q] = swapped ? [right, left] : [left, right];
  return {
    tensor: reshape(arranged(o, [...batch, ...p, ...q]), [
      ...sizes(batch),
      sizeOf(sizes(p)),
      sizeOf(sizes(q)),
    ]),
    swapped,
  };
}

/** The product of two operands, summed over `gone`, which both have. */
function pair(a: Operand, b: Operand, gone: readonly Index[]): Dense {
  if (isSelection(a) !== isSelection(b)) {
    const [s, o] = isSelection(a) ? [a, b] : [b as Selection, a];
    const found = selected(s, o as Dense, gone);
    if (found !== undefined) return found;
  }
  if (isSelection(a) && isSelection(b)) {
    const found = crossed(a, b, gone);
    if (found !== undefined) return found;
  }
  const [x, y] = [dense(a), dense(b)];
  const batch = without(common(x.indices, y.indices), gone);
  const left = without(x.indices, y.indices);
  const right = without(y.indices, x.indices);
  if (gone.length > 0 && left.length > 0 && right.length > 0) {
    const [m, n] = [matrix(x, batch, left, gone), matrix(y, batch, gone, right)];
    const tensor = matmul(m.tensor, n.tensor, { transposeA: m.swapped, transposeB: n.swapped });
    const indices = [...batch, ...left, ...right];
    return { tensor: reshape(tensor, sizes(indices)), indices };
  }
  // The operand with more axes keeps its order.
  const [big, small] = x.indices.length >= y.indices.length ? [x, y] : [y, x];
  const order = [...without(small.indices, big.indices), ...big.indices];
  const product = mul(arranged(big, order), arranged(small, order));
  return summedOver({ tensor: product, indices: order }, gone);
}

/**
 * Π operands, summed over every index that is not in `output`. The result has the shape that `output` names, with size 1 where no operand
 * varies. Operands are multiplied two at a time, in each step the pair with the smallest result (like `opt_einsum`'s greedy path). Data are
 * multiplied with data before anything that changes, so those products are computed only once.
 */
export function contract(operands: readonly Operand[], output: readonly (Index | undefined)[] = []): Tensor {
  let left: Operand[] = operands.map((o) => (isSelection(o) ? o : withoutRepeats(o)));
  const isKept = (i: Index, others: readonly Operand[]): boolean =>
    output.includes(i) || others.some((o) => o.indices.includes(i));
  const alone = (o: Operand, others: readonly Operand[]): Operand => {
    const gone = o.indices.filter((i) => !isKept(i, others));
    if (gone.length === 0) return o;
    // Multiply by ones: for indicators this counts them.
    return isSelection(o) ? pair(o, everywhere(gone), gone) : summedOver(o, gone);
  };
  while (left.length > 1) {
    left = left.map((o, n) =>
      alone(
        o,
        left.filter((_, m) => m !== n),
      ),
    );
    let best: { readonly gain: number; readonly at: readonly [number, number] } | undefined;
    for (let n = 0; n < left.length; n++) {
      for (let m = n + 1; m < left.length; m++) {
        const others = left.filter((_, k) => k !== n && k !== m);
        const union = [...new Set([...left[n].indices, ...left[m].indices])];
        const rest = sizeOf(sizes(union.filter((i) => isKept(i, others))));
        const gain = sizeOfOperand(left[n]) + sizeOfOperand(left[m]) - rest;
        if (best === undefined || gain > best.gain) best = { gain, at: [n, m] };
      }
    }
    if (best === undefined) throw new InternalError("a contraction found no pair");
    const [a, b] = best.at.map((n) => left[n]);
    const others = left.filter((o) => o !== a && o !== b);
    const gone = common(a.indices, b.indices).filter((i) => !isKept(i, others));
    left = [...others, pair(a, b, gone)];
  }
  const [last] = left;
  if (last === undefined)
    return reshape(
      scalar(1, "float64"),
      output.map(() => 1),
    );
  return arranged(dense(alone(last, [])), output);
}
