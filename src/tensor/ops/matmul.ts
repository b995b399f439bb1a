import { ShapeError } from "../../errors.ts";
import { checkOptions, flag, type OptionRules } from "../../options.ts";
import { alignBatch, type Lane, ownShape, repeatAlong } from "../lanes.ts";
import { sameDType } from "../leaf.ts";
import { defineOp, type NodeOf } from "../op.ts";
import { broadcastShapes, broadcastStrides, formatShape, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add } from "./arithmetic.ts";
import { checkDType } from "./elementwise.ts";
import { isVectorised, productKernel, sides } from "./host-product.ts";
import { reshape, transpose } from "./movement.ts";

/** Which operands are transposed. */
export interface MatmulOptions {
  /** Read `a` with its last two axes exchanged. */
  readonly transposeA?: boolean;
  /** Read `b` with its last two axes exchanged. Default false. */
  readonly transposeB?: boolean;
}

const rules: OptionRules<MatmulOptions> = {
  transposeA: flag,
  transposeB: flag,
};
/** @internal */
export type MatmulAttributes = Required<MatmulOptions>;

/** A batched operand, repeated along the axis that the product sums over. Its other axes may still have size 1. */
const summable = (lane: Lane, columns: boolean): Lane => ({
  ...lane,
  all: repeatAlong(lane, [lane.single.rank - (columns ? 1 : 2)]),
});

/** A product over a batch. If the other operand is a single matrix, the batch is merged with the rows, which makes it one product. */
function batchProduct(
  [left, right]: readonly Lane[],
  { transposeA, transposeB }: MatmulAttributes,
  node: Tensor,
): Tensor {
  const [a, b] = [summable(left, !transposeA), summable(right, transposeB)];
  if (!b.batched && b.single.rank === 2) {
    const rows = transposeA ? transpose(a.all) : a.all;
    const product = matmul(reshape(rows, [-1, rows.shape[rows.rank - 1]]), b.all, { transposeB });
    return reshape(product, [...rows.shape.slice(0, -1), product.shape[1]]);
  }
  const columns = ownShape(b)[b.single.rank - (transposeB ? 2 : 1)];
  if (!a.batched && a.single.rank === 2 && columns === 1) {
    // A matrix times many vectors: stack the vectors as rows.
    const size = b.all.size / sides(a.single, transposeA)[1];
    const product = matmul(reshape(b.all, [size, -1]), a.all, { transposeB: !transposeA });
    return reshape(product, [...b.all.shape.slice(0, -2), product.shape[1], 1]);
  }
  const [x, y] = alignBatch([a, b], node.rank);
  return matmul(x, y, { transposeA, transposeB });
}

const matmulOp = defineOp<MatmulAttributes, [Tensor, Tensor]>({
  name: "matmul",
  infer: ([a, b], { transposeA, transposeB }) => {
    const dtype = sameDType("matmul", [a, b]);
    checkDType("matmul", dtype, "float");
    const [m, k] = sides(a, transposeA);
    const [k2, n] = sides(b, transposeB);
    if (a.rank < 2 || b.rank < 2 || k !== k2) {
      const show = (t: Tensor, flag: boolean) => `${formatShape(t.shape)}${flag ? " transposed" : ""}`;
      const what = `matmul: ${show(a, transposeA)} by ${show(b, transposeB)}:`;
      throw new ShapeError(
        a.rank < 2 || b.rank < 2
          ? `${what} both need at least two axes. For a vector, add one: unsqueeze(v, -1) is a column, unsqueeze(v, 0) a row.`
          : `${what} the columns of the first (${k}) must equal the rows of the second (${k2}).`,
      );
    }
    return { shape: [...broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n], dtype };
  },
  derivative: (g, _, [a, b], { transposeA, transposeB }) => [
    transposeA
      ? matmul(b, g, { transposeA: transposeB, transposeB: true })
      : matmul(g, b, { transposeB: !transposeB }),
    transposeB
      ? matmul(g, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, g, { transposeA: !transposeA }),
  ],
  batch: batchProduct,
  host: {
    kernel: (node) => {
      const product = productKernel(node, node.attributes);
      return (out, x, y) => {
        out.fill(0);
        product(out, x, y);
      };
    },
  },
  native: {
    onnx: (builder, [x, y], node) => {
      const { transposeA, transposeB } = node.attributes;
      const [a, b] = node.inputs;
      if (a.rank === 2 && b.rank === 2 && (transposeA || transposeB)) {
        return builder.node("Gemm", [x, y], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
      }
      const flipped = (name: string, t: Tensor, flag: boolean): string => {
        if (!flag) return name;
        const last = t.rank - 1;
        return builder.node("Transpose", [name], {
          perm: t.shape.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i)),
        });
      };
      return builder.node("MatMul", [flipped(x, a, transposeA), flipped(y, b, transposeB)]);
    },
  },
  cases: [
    ...[false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) => ({
        inputs: [transposeA ? [4, 3] : [3, 4], transposeB ? [5, 4] : [4, 5]],
        attributes: { transposeA, transposeB },
      })),
    ),
    {
      inputs: [
        [2, 3, 4],
        [4, 5],
      ],
      attributes: { transposeA: false, transposeB: false },
    },
    {
      inputs: [
        [2, 1, 4, 3],
        [3, 4, 5],
      ],
      attributes: { transposeA: true, transposeB: false },
    },
    {
      inputs: [
        [3, 4],
        [2, 5, 4],
      ],
      attributes: { transposeA: false, transposeB: true },
    },
  ],
});

/**
 * The matrix product over the last two axes; leading axes broadcast. Transposition costs nothing: the operand is read in that order. A
 * vector is a row on the left and a column on the right, and the added axis is removed again, so two vectors give a scalar.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkOptions("matmul", options, rules);
  const { transposeA = false, transposeB = false } = options;
  if (a.rank === 1 && b.rank === 1) {
    return reshape(matmul(reshape(a, [1, a.size]), reshape(b, [b.size, 1])), []);
  }
  if (a.rank === 1) {
    const y = matmul(reshape(a, [1, a.size]), b, { transposeB });
    return reshape(y, [...y.shape.slice(0, -2), y.shape[y.rank - 1]]);
  }
  if (b.rank === 1) {
    const y = matmul(a, reshape(b, [b.size, 1]), { transposeA });
    return reshape(y, y.shape.slice(0, -1));
  }
  return matmulOp([a, b], { transposeA, transposeB });
}
/** @internal */
matmul.is = matmulOp.is;

/** Whether the host computes a product with vector instructions. */
export const usesVectors = (node: NodeOf<typeof matmul>): boolean => isVectorised(node, node.attributes);

/** Whether `shape` broadcasts to a matrix without enlarging it. */
const repeatsInto = (shape: Shape, [m, n]: Shape): boolean => {
  const [rows, columns] = [1, 1, ...shape].slice(-2);
  return shape.length <= 2 && (rows === 1 || rows === m) && (columns === 1 || columns === n);
};

const matmulAddOp = defineOp<MatmulAttributes, [Tensor, Tensor, Tensor]>({
  name: "matmulAdd",
  infer: ([a, b, c], attributes) => {
    sameDType("matmulAdd", [a, c]);
    const { shape, dtype } = matmulOp.op.infer([a, b], attributes);
    if (shape.length !== 2 || !repeatsInto(c.shape, shape)) {
      throw new ShapeError(
        `matmulAdd: ${formatShape(c.shape)} does not repeat into the product's ${formatShape(shape)}.`,
      );
    }
    return { shape, dtype };
  },
  derivative: (g, y, [a, b], attributes) => [...matmulOp.op.derivative(g, y, [a, b], attributes), g],
  batch: ([a, b, c], attributes, node) => {
    const product: Lane = {
      single: node,
      all: a.batched || b.batched ? batchProduct([a, b], attributes, node) : matmul(a.all, b.all, attributes),
      batched: a.batched || b.batched,
    };
    const [x, y] = alignBatch([product, c], node.rank);
    return add(x, y);
  },
  host: {
    kernel: (node) => {
      const product = productKernel(node, node.attributes);
      const [m, n] = node.shape;
      const [si, sj] = broadcastStrides(node.inputs[2].shape, node.shape);
      return (out, a, b, c) => {
        for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[i * n + j] = c[i * si + j * sj];
        product(out, a, b);
      };
    },
  },
  native: {
    onnx: (builder, inputs, node) => {
      const { transposeA, transposeB } = node.attributes;
      return builder.node("Gemm", inputs, { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
    },
  },
  cases: [
    { inputs: [[3, 4], [4, 5], [5]], attributes: { transposeA: false, transposeB: false } },
    { inputs: [[3, 4], [4, 5], []], attributes: { transposeA: false, transposeB: false } },
    {
      inputs: [
        [4, 3],
        [4, 5],
        [3, 1],
      ],
      attributes: { transposeA: true, transposeB: false },
    },
    {
      inputs: [
        [3, 4],
        [5, 4],
        [3, 5],
      ],
      attributes: { transposeA: false, transposeB: true },
    },
  ],
});

/** A product that starts from a scalar, as one that starts from a matrix: on WebGPU the runtime's kernel asks for its extents, and ends the process. */
export function startFromMatrix(node: Tensor): Tensor | undefined {
  if (!matmulAddOp.is(node) || node.inputs[2].rank > 0) return undefined;
  const [a, b, c] = node.inputs;
  return matmulAddOp([a, b, reshape(c, [1, 1])], node.attributes);
}

/**
 * `node` = a·b + c as one product that starts from c instead of zero, if `node` is such a sum of matrices; else undefined.
 * For executors that have the fused product.
 */
export function fuseMatmulAdd(node: Tensor, isUsedOnce: (t: Tensor) => boolean): Tensor | undefined {
  if (!add.is(node) || node.rank !== 2) return undefined;
  const [x, y] = node.inputs;
  for (const [product, c] of [
    [x, y],
    [y, x],
  ]) {
    if (!matmulOp.is(product) || !isUsedOnce(product) || !repeatsInto(c.shape, product.shape)) continue;
    return matmulAddOp([...product.inputs, c], product.attributes);
  }
  return undefined;
}

/**
 * A product of two matrices with a transposed right operand, as a plain product of that operand transposed beforehand; undefined for another node, or
 * a product of fewer than `least` multiplications. For executors on which a transposed right operand is slow.
 */
export function transposeFirst(
  node: Tensor,
  least: number,
  transposed: (t: Tensor) => Tensor,
): Tensor | undefined {
  if (!matmulOp.is(node) && !matmulAddOp.is(node)) return undefined;
  const { transposeA, transposeB } = node.attributes;
  const [a, b, ...added] = node.inputs as readonly Tensor[];
  if (!transposeB || a.rank !== 2 || b.rank !== 2 || a.size * b.shape[0] < least) return undefined;
  const attributes = { transposeA, transposeB: false };
  const [c] = added;
  return c === undefined
    ? matmulOp([a, transposed(b)], attributes)
    : matmulAddOp([a, transposed(b), c], attributes);
}
