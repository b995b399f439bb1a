import { InternalError, ShapeError } from "../errors.ts";
import type { DType } from "./dtype.ts";
import type { Lane } from "./lanes.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** What an application of an op is given beside its inputs: axes, a shape. Plain data. */
export type Attributes = Readonly<Record<string, unknown>>;

/** An attribute of an ONNX node; whole numbers are integers, `{ float }` says otherwise. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** What an op can use while it writes itself into an ONNX graph. Names are ONNX value names. */
export interface OnnxBuilder {
  /** Adds a node and returns the name of its (first) output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): string;
  /** Adds a node and returns the names of its first `count` outputs. */
  outputsOf(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): readonly string[];
  /** A constant of any dtype. */
  constant(values: ArrayLike<number>, shape: Shape, dtype: DType): string;
  /**
   * One number to be combined with every element of `like`, with as many dimensions: where the last dimension has size 1, the runtime
   * takes up to twenty times as long if a scalar has fewer. The dtype is that of `like` unless it is given.
   */
  scalar(value: number, like: Tensor, dtype?: DType): string;
  /** A one-dimensional int64 constant: shapes, axes, permutations. */
  ints(values: readonly number[]): string;
}

/** A numeric array that a host kernel reads: bound inputs may have any numeric type. */
export type HostArray = Float64Array | Float32Array | Int32Array | Uint8Array;

/** Fills `out` from the inputs. Shapes and attributes were fixed when the kernel was made. */
export type HostKernel = (out: Float64Array, ...inputs: HostArray[]) => void;

/** A node of a known op: its attributes and number of inputs are typed. */
export type OpNode<
  A extends Attributes = Attributes,
  I extends readonly Tensor[] = readonly Tensor[],
> = Tensor & {
  readonly attributes: A;
  readonly inputs: Readonly<I>;
};

/**
 * Recognises the nodes of one op. The functions that apply an op have this method: after `if (sum.is(t))`, the compiler knows
 * that `t.attributes.axes` are numbers and that `t` has one input.
 */
export interface OpTest<N extends Tensor> {
  /** Whether a node is an application of this op. */
  is(t: Tensor): t is N;
}

/** The nodes that a test accepts: `NodeOf<typeof sum>`. */
export type NodeOf<T> = T extends OpTest<infer N> ? N : never;

/** A rule for the nodes of one op; it returns undefined for all others. */
export const on =
  <N extends Tensor, E extends unknown[], R>(op: OpTest<N>, rule: (node: N, ...extra: E) => R) =>
  (node: Tensor, ...extra: E): R | undefined =>
    op.is(node) ? rule(node, ...extra) : undefined;

/** Where the elements of a tensor lie in an array: the first one, and the distance between neighbours along each dimension. */
export interface HostLayout {
  readonly start: number;
  readonly strides: readonly number[];
}

/** A reduction along axes. */
export interface HostFold {
  readonly axes: readonly number[];
  readonly initial: number;
  /** The expression of what was combined so far with one more element; it may read either twice. */
  combine(sofar: string, element: string): string;
  /** The expression of the result from all combined; default: itself. */
  finish?(total: string): string;
}

/** How the host executor computes an op. */
export type HostLowering<A extends Attributes = Attributes> =
  /** A JavaScript expression of one element from the elements of the (broadcast) inputs: fused into loops. */
  | {
      /** The expression, from those of the inputs' elements. */
      expression(inputs: readonly string[], node: OpNode<A>): string;
    }
  /** A kernel made for the node's shapes. */
  | {
      /** The kernel for the node's shapes and attributes. */
      kernel(node: OpNode<A>): HostKernel;
    }
  /** The input's elements, unchanged, in another order or some of them only: read where they are, if nothing needs them in order. */
  | {
      /** Where the result's elements lie, from where those of the input do. */
      layout(node: OpNode<A>, input: HostLayout): HostLayout;
    }
  /** The inputs' elements side by side; what none of them covers is 0. */
  | {
      /** The place of each input's first element in the result. */
      places(node: OpNode<A>): readonly number[];
    }
  /** The input's elements along some axes, combined one after the other in the input's order. */
  | {
      /** The axes, the first value, and expressions. */
      fold(node: OpNode<A>): HostFold;
    }
  /** The input's elements, unchanged and in order: no code is needed. */
  | "alias"
  /** Neighbouring elements of the input, in order. */
  | {
      /** The place of the first one. */
      view(node: OpNode<A>): number;
    }
  /** A loop over the body in the node's attributes, which the executor compiles. */
  | "loop"
  /** A leaf: its values are bound from outside. */
  | "leaf";

/** How the native executor computes an op. */
export type NativeLowering<A extends Attributes = Attributes> =
  | {
      /** Adds ONNX nodes and returns the name of the result. */
      onnx(builder: OnnxBuilder, inputs: readonly string[], node: OpNode<A>): string;
      /** Rewrites the node with other ops if the runtime has no kernel for its dtype. */
      expand?(inputs: readonly Tensor[], node: OpNode<A>): Tensor | undefined;
    }
  /** The op is always rewritten with other ops before lowering. */
  | {
      /** The same value, expressed with other ops. */
      expand(inputs: readonly Tensor[], node: OpNode<A>): Tensor;
    }
  | { readonly unsupported: string }
  /** A loop over the body in the node's attributes, which the executor compiles. */
  | "loop"
  | "leaf";

/** Example inputs from which the conformance tests draw. A new op is tested by giving it cases. */
export interface OpCase {
  /** Shapes of the inputs, or values that must be exact (indices, conditions). */
  readonly inputs: readonly (
    | Shape
    | { readonly shape: Shape; readonly values: readonly number[]; readonly dtype: DType }
  )[];
  /** Values are drawn from this interval; keep it away from kinks and poles. */
  readonly domain?: readonly [number, number];
  /** Builds the node to test; by default the op applied to the inputs with `attributes`. */
  readonly attributes?: Attributes;
  /** The dtype of the drawn inputs when the op is not for floats. */
  readonly dtype?: DType;
}

/**
 * One op, complete: shape rule, derivative, lowering to ONNX, host kernel and test cases in one place.
 * A derivative is written with ops, so higher derivatives need no further rules.
 */
export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  /** Shape and dtype of the result. Throws ShapeError with the op's name. */
  infer(inputs: readonly Tensor[], attributes: A): { shape: Shape; dtype: DType };
  /**
   * Vector-Jacobian product: from the gradient of a scalar with respect to `output`, its gradients with respect to
   * each input (`undefined`: none, or zero almost everywhere). A gradient may have the broadcast shape; it is summed back.
   */
  derivative(
    gradient: Tensor,
    output: Tensor,
    inputs: readonly Tensor[],
    attributes: A,
  ): readonly (Tensor | undefined)[];
  /**
   * The op over a batch. Some of the inputs have a batch axis of `size` on the left, and so does the output. A batched input may have size 1
   * along an axis of `node` that it does not vary along; so may the result. Inputs that are not batched are shared, not copied.
   *
   * @param node a single application, whose inputs and shape are those of one element of the batch
   * @returns [size, …node.shape]; an axis along which the result does not vary may have size 1
   */
  batch(lanes: readonly Lane[], attributes: A, node: OpNode<A>, size: number): Tensor;
  readonly host: HostLowering<A>;
  readonly native: NativeLowering<A>;
  readonly cases: readonly OpCase[];
}

const registry = new Map<string, Op>();

/** All ops, by name, in the order of definition. */
export const ops: ReadonlyMap<string, Op> = registry;

/** What `defineOp` returns: the function that applies the op, which also recognises the op's nodes. */
export interface DefinedOp<A extends Attributes, I extends readonly Tensor[]> extends OpTest<OpNode<A, I>> {
  (inputs: readonly Tensor[], attributes: A): Tensor;
  readonly op: Op<A>;
}

/** The attributes of an op that has none. */
export type NoAttributes = Readonly<Record<never, never>>;

/**
 * Registers an op and returns the function that applies it. `A` is the type of its attributes and `I` that of its inputs,
 * for example `[Tensor, Tensor]` for an op with two inputs.
 */
export function defineOp<A extends Attributes, I extends readonly Tensor[]>(op: Op<A>): DefinedOp<A, I> {
  if (registry.has(op.name)) throw new InternalError(`op '${op.name}' is defined twice`);
  const erased: Op = op;
  registry.set(op.name, erased);
  const apply = (inputs: readonly Tensor[], attributes: A): Tensor => {
    if (!inputs.every((t) => t instanceof Tensor))
      throw new ShapeError(`${op.name}: expected tensors; for plain numbers use tensor(…).`);
    const { shape, dtype } = op.infer(inputs, attributes);
    return new Tensor(erased, inputs, attributes, shape, dtype);
  };
  const is = (t: Tensor): t is OpNode<A, I> => t.op === erased;
  return Object.assign(apply, { op, is });
}

/** Applies a registered op to other inputs, and to other attributes if given. Graph transformations rebuild nodes with it. */
export function rebuild<N extends Tensor>(
  node: N,
  inputs: readonly Tensor[],
  attributes: N["attributes"] = node.attributes,
): Tensor {
  const { shape, dtype } = node.op.infer(inputs, attributes);
  return new Tensor(node.op, inputs, attributes, shape, dtype);
}
