/** Matrix products on the host: loops for small ones, and for large ones vector instructions in WebAssembly, on copies of what they read. */
import { instantiateKernels, type Kernels, RESERVED_BYTES } from "../../kernels/index.ts";
import { type ConstantAttributes, isConstant, type Leaf } from "../leaf.ts";
import type { HostKernel } from "../op.ts";
import { batchStarts, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Whether the operands of a product are read with their last two axes exchanged. */
export interface Transposed {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The sizes of a product: rows × inner by inner × columns, for each element of a batch. */
interface Sizes {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly count: number;
}

/** [rows, columns] of an operand, after any transposition. */
export function sides(t: Tensor, transposed: boolean): [number, number] {
  const [m, n] = t.shape.slice(-2);
  return transposed ? [n, m] : [m, n];
}

function sizesOf(node: Tensor, { transposeA }: Transposed): Sizes {
  const [a] = node.inputs;
  const [rows, inner] = sides(a, transposeA);
  return { rows, inner, columns: node.shape[node.rank - 1], count: sizeOf(node.shape.slice(0, -2)) };
}

/** Where each matrix of a batch begins in an operand. */
const startsOf = (t: Tensor, node: Tensor): number[] => batchStarts(t.shape, node.shape.slice(0, -2));

/** Products with at most this many columns are computed column by column. */
const FEW_COLUMNS = 4;

/** Loops over [rows, inner, columns] of every matrix of the batch, and adds to the contents of `out`. */
function productLoops(node: Tensor, { transposeA, transposeB }: Transposed): HostKernel {
  const [a, b] = node.inputs;
  const [m, k] = sides(a, transposeA);
  const [, n] = sides(b, transposeB);
  const [ai, ap] = transposeA ? [1, m] : [k, 1];
  const [bp, bj] = transposeB ? [1, k] : [n, 1];
  const count = sizeOf(node.shape.slice(0, -2));
  const [startsA, startsB] = [startsOf(a, node), startsOf(b, node)];
  // The order of the additions is the same in all three. Few columns of a transposed matrix: one pass over it, row by row.
  if (n <= FEW_COLUMNS && transposeA) {
    return (out, x, y) => {
      for (let c = 0; c < count; c++) {
        const first = c * m * n;
        for (let p = 0; p < k; p++) {
          const row = startsA[c] + p * m;
          for (let j = 0; j < n; j++) {
            const v = y[startsB[c] + p * bp + j * bj];
            for (let i = 0; i < m; i++) out[first + i * n + j] += x[row + i] * v;
          }
        }
      }
    };
  }
  // Few columns: four rows side by side, each a sum that stays in a register.
  if (n <= FEW_COLUMNS) {
    return (out, x, y) => {
      for (let c = 0; c < count; c++) {
        const first = c * m * n;
        for (let j = 0; j < n; j++) {
          const start = startsB[c] + j * bj;
          let i = 0;
          for (; i + 3 < m; i += 4) {
            const to = first + i * n + j;
            const row = startsA[c] + i * k;
            // An array of the four would be allocated, each time: a third of the time of a short product.
            let s0 = out[to];
            let s1 = out[to + n];
            let s2 = out[to + 2 * n];
            let s3 = out[to + 3 * n];
            for (let p = 0; p < k; p++) {
              const v = y[start + p * bp];
              s0 += x[row + p] * v;
              s1 += x[row + k + p] * v;
              s2 += x[row + 2 * k + p] * v;
              s3 += x[row + 3 * k + p] * v;
            }
            out[to] = s0;
            out[to + n] = s1;
            out[to + 2 * n] = s2;
            out[to + 3 * n] = s3;
          }
          for (; i < m; i++) {
            const to = first + i * n + j;
            let s = out[to];
            for (let p = 0; p < k; p++) s += x[startsA[c] + i * k + p] * y[start + p * bp];
            out[to] = s;
          }
        }
      }
    };
  }
  return (out, x, y) => {
    for (let c = 0; c < count; c++) {
      for (let i = 0; i < m; i++) {
        const row = (c * m + i) * n;
        for (let p = 0; p < k; p++) {
          const v = x[startsA[c] + i * ai + p * ap];
          const start = startsB[c] + p * bp;
          for (let j = 0; j < n; j++) out[row + j] += v * y[start + j * bj];
        }
      }
    }
  };
}

/** Fewer multiplications than this, in all or of each matrix, are sooner done than handed over; in all with a constant, nothing of which is copied. */
const LEAST = { all: 1024, each: 256, allOfConstant: 256 };
/** Multiplications that take as long as one number copied there and back. */
const COPY = 1.5;
/** Larger operands are not copied: 512 MiB. */
const MOST = 2 ** 26;

/** The operand that never changes, which is copied once. If neither changes, the product is computed once. */
function keptOf([a, b]: readonly Tensor[]): Leaf<ConstantAttributes> | undefined {
  if (isConstant(a)) return isConstant(b) ? undefined : a;
  return isConstant(b) ? b : undefined;
}

/** Whether the host computes a product with vector instructions. */
export function isVectorised(node: Tensor, transposed: Transposed): boolean {
  const { rows, inner, columns, count } = sizesOf(node, transposed);
  const each = rows * inner * columns;
  const [a, b] = node.inputs;
  const kept = keptOf(node.inputs);
  const copied = a.size + b.size + node.size - (kept?.size ?? 0);
  return (
    each >= LEAST.each &&
    each * count >= Math.max(kept === undefined ? LEAST.all : LEAST.allOfConstant, COPY * copied) &&
    a.size + b.size + node.size <= MOST
  );
}

/** The numbers of a page of WebAssembly, 64 KiB, and the first one behind what the kernels need for themselves. */
const PAGE = 8192;
const FIRST = RESERVED_BYTES / 8;

/** A memory with the kernels on it, and at its beginning numbers that stay. */
class Workspace {
  readonly kernels: Kernels;
  /** The first number behind those that stay. */
  readonly free: number;
  readonly #memory = new WebAssembly.Memory({ initial: FIRST / PAGE });
  #numbers = new Float64Array(this.#memory.buffer);

  constructor(kept: ArrayLike<number> = []) {
    this.kernels = instantiateKernels(this.#memory);
    this.free = FIRST;
    this.numbers(kept.length).set(kept, FIRST);
    this.free += kept.length;
  }

  /** All numbers of the memory, of which `count` are free. */
  numbers(count: number): Float64Array {
    const missing = this.free + count - this.#numbers.length;
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / PAGE));
      this.#numbers = new Float64Array(this.#memory.buffer);
    }
    return this.#numbers;
  }
}

/** Of each constant that products read, its workspace: a matrix that is read forwards and in the derivative is copied once. */
const workspaces = new WeakMap<Float64Array, Workspace>();
let shared: Workspace | undefined;

function workspaceOf(kept: Leaf<ConstantAttributes> | undefined): Workspace {
  if (kept === undefined) {
    shared ??= new Workspace();
    return shared;
  }
  const { values } = kept.attributes;
  const known = workspaces.get(values) ?? new Workspace(values);
  workspaces.set(values, known);
  return known;
}

/** One product of matrices at byte addresses, added to what is at `out`. */
type Multiply = (kernels: Kernels, out: number, a: number, b: number, panel: number) => void;

function multiplyOf({ rows, inner, columns }: Sizes, { transposeA, transposeB }: Transposed): Multiply {
  if (columns === 1)
    return transposeA
      ? (kernels, out, a, b) => kernels.transposedTimesVector(out, a, b, inner, rows)
      : (kernels, out, a, b) => kernels.timesVector(out, a, b, rows, inner);
  if (rows === 1)
    return transposeB
      ? (kernels, out, a, b) => kernels.timesVector(out, b, a, columns, inner)
      : (kernels, out, a, b) => kernels.transposedTimesVector(out, b, a, inner, columns);
  const [rowOfA, columnOfA] = transposeA ? [8, 8 * rows] : [8 * inner, 8];
  const [rowOfB, columnOfB] = transposeB ? [8, 8 * inner] : [8 * columns, 8];
  return (kernels, out, a, b, panel) =>
    kernels.timesMatrix(out, a, b, panel, rows, inner, columns, rowOfA, columnOfA, rowOfB, columnOfB);
}

function productVectors(node: Tensor, transposed: Transposed): HostKernel {
  const [a, b] = node.inputs;
  const sizes = sizesOf(node, transposed);
  const { rows, inner, columns, count } = sizes;
  const kept = keptOf(node.inputs);
  const multiply = multiplyOf(sizes, transposed);
  const [startsA, startsB] = [startsOf(a, node), startsOf(b, node)];
  const panel = rows === 1 || columns === 1 ? 0 : 4 * inner;
  const needed = panel + node.size + a.size + b.size - (kept?.size ?? 0);
  let workspace: Workspace | undefined;
  return (out, x, y) => {
    workspace ??= workspaceOf(kept);
    const { kernels, free } = workspace;
    const numbers = workspace.numbers(needed);
    const results = free + panel;
    let end = results + node.size;
    const place = (t: Tensor, values: ArrayLike<number>): number => {
      if (t === kept) return FIRST;
      numbers.set(values, end);
      end += t.size;
      return end - t.size;
    };
    const [left, right] = [place(a, x), place(b, y)];
    numbers.set(out, results);
    for (let c = 0; c < count; c++)
      multiply(
        kernels,
        8 * (results + c * rows * columns),
        8 * (left + startsA[c]),
        8 * (right + startsB[c]),
        8 * free,
      );
    out.set(numbers.subarray(results, results + node.size));
  };
}

/** Adds a product to what is in the first array. */
export const productKernel = (node: Tensor, transposed: Transposed): HostKernel =>
  isVectorised(node, transposed) ? productVectors(node, transposed) : productLoops(node, transposed);
