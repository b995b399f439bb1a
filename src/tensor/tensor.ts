import type { DType } from "./dtype.ts";
import type { Attributes, Op } from "./op.ts";
import { formatShape, type Shape, sizeOf } from "./shape.ts";

let nextId = 0;

/**
 * A symbolic tensor: an expression, not memory. It is one node of a graph: an op, the tensors it reads and its
 * attributes. Nothing is computed until the graph is compiled or `value()` is called, so there is nothing to
 * dispose, and every shape is known while the expression is being written.
 *
 * Arithmetic reads as methods (`x.mul(2).add(1)`, installed by `methods.ts`) or as functions (`add(mul(x, 2), 1)`).
 */
export class Tensor {
  /** Increases with every node, so ascending ids are a topological order of any graph. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly shape: Shape;
  readonly dtype: DType;

  /** Use the op functions; this constructor does not check its arguments. */
  constructor(op: Op, inputs: readonly Tensor[], attributes: Attributes, shape: Shape, dtype: DType) {
    this.id = nextId++;
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.shape = shape;
    this.dtype = dtype;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Op, dtype and shape, as messages print them. */
  toString(): string {
    return `Tensor(${this.op.name} ${this.dtype} ${formatShape(this.shape)})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
