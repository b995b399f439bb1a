import { InternalError } from "../errors.ts";
import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

export type Attributes = Readonly<Record<string, unknown>>;

/** An attribute of an ONNX node; whole numbers are integers, `{ float }` says otherwise. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** What an op may ask for while it writes itself into an ONNX graph. Names are ONNX value names. */
export interface OnnxBuilder {
  /** Adds a node and returns the name of its (first) output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): string;
  /** A constant of any dtype. */
  constant(values: ArrayLike<number>, shape: Shape, dtype: DType): string;
  /** A one-dimensional int64 constant: shapes, axes, permutations. */
  ints(values: readonly number[]): string;
}

/** A numeric array that a host kernel reads: bound inputs may be of any numeric type. */
export type HostArray = Float64Array | Float32Array | Int32Array | Uint8Array;

/** Fills `out` from the inputs. Shapes and attributes were fixed when the kernel was made. */
export type HostKernel = (out: Float64Array, ...inputs: HostArray[]) => void;

/** How the host executor computes an op. */
export type HostLowering =
  /** A JavaScript expression of one element from the elements of the (broadcast) inputs: fused into loops. */
  | { readonly expression: (inputs: readonly string[], node: Tensor) => string }
  /** A kernel made for the node's shapes. */
  | { readonly kernel: (node: Tensor) => HostKernel }
  /** The input's elements unchanged and in order: no code at all. */
  | "alias"
  /** A leaf: its values are bound from outside. */
  | "leaf";

/** How the native executor computes an op. */
export type NativeLowering =
  | {
      /** Adds ONNX nodes and returns the name of the result. */
      readonly onnx: (builder: OnnxBuilder, inputs: readonly string[], node: Tensor) => string;
      /** Rewrites the node with other ops instead where the runtime has no kernel for its dtype. */
      readonly expand?: (inputs: readonly Tensor[], node: Tensor) => Tensor | undefined;
    }
  /** Always rewritten with other ops before lowering. */
  | { readonly expand: (inputs: readonly Tensor[], node: Tensor) => Tensor }
  | { readonly unsupported: string }
  | "leaf";

/** Example inputs from which the conformance tests draw: adding an op with its cases is what tests it. */
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
 * One op, whole: shape rule, derivative, lowering to ONNX, host kernel and test cases, in one place.
 * A derivative is written with ops, so derivatives of derivatives come for free.
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
  readonly host: HostLowering;
  readonly native: NativeLowering;
  readonly cases: readonly OpCase[];
}

const registry = new Map<string, Op>();

/** All ops, by name, in the order of definition. */
export const ops: ReadonlyMap<string, Op> = registry;

/** Registers an op and returns the function that applies it. */
export function defineOp<A extends Attributes>(
  op: Op<A>,
): ((inputs: readonly Tensor[], attributes: A) => Tensor) & { readonly op: Op } {
  if (registry.has(op.name)) throw new InternalError(`op '${op.name}' is defined twice`);
  const erased: Op = op;
  registry.set(op.name, erased);
  const apply = (inputs: readonly Tensor[], attributes: A): Tensor => {
    const { shape, dtype } = op.infer(inputs, attributes);
    return new Tensor(erased, inputs, attributes, shape, dtype);
  };
  return Object.assign(apply, { op: erased });
}

/** Applies a registered op to other inputs: how graph transformations rebuild a node. */
export function rebuild(node: Tensor, inputs: readonly Tensor[]): Tensor {
  const { shape, dtype } = node.op.infer(inputs, node.attributes);
  return new Tensor(node.op, inputs, node.attributes, shape, dtype);
}
