/** The common mechanism of element-wise ops: broadcasting, dtype rules, ONNX node, fused host expression. */
import { ShapeError } from "../../errors.ts";
import { type DType, isFloat } from "../dtype.ts";
import { alignBatch } from "../lanes.ts";
import { operands, sameDType, type TensorLike } from "../leaf.ts";
import {
  defineOp,
  type NativeLowering,
  type NoAttributes,
  type OpCase,
  type OpNode,
  type OpTest,
  rebuild,
} from "../op.ts";
import { broadcastShapes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { inRange } from "../whole.ts";

/** Which dtypes an op takes. */
export type Accepts = "float" | "number" | "bool" | "any";

export function checkDType(what: string, dtype: DType, accepts: Accepts): void {
  const fits =
    accepts === "any" ||
    (accepts === "float" && isFloat(dtype)) ||
    (accepts === "number" && dtype !== "bool") ||
    (accepts === "bool" && dtype === "bool");
  if (!fits) {
    const expected =
      accepts === "number" ? "a number type" : accepts === "float" ? "float32 or float64" : "bool";
    throw new ShapeError(`${what}: expected ${expected}, found ${dtype}; cast it first (x.cast(…)).`);
  }
}

export interface ElementwiseSpec {
  readonly name: string;
  readonly accepts: Accepts;
  /** The result's dtype if it differs from the operands'. */
  readonly result?: DType;
  /** The JavaScript expression of one element, from those of the inputs. */
  readonly host: (...inputs: string[]) => string;
  /** Whether results for integers can be outside their range; `host` if wrapping what it computes is right for int32, or an expression that is. */
  readonly grows?: "host" | ((...inputs: string[]) => string);
  /** An ONNX operator with the same meaning, or a lowering. */
  readonly native: string | NativeLowering;
  /** Absent: the derivative is zero almost everywhere. `g` is the gradient, `y` the output. */
  readonly derivative?: (g: Tensor, y: Tensor, ...inputs: Tensor[]) => readonly (Tensor | undefined)[];
  readonly cases: readonly OpCase[];
}

function hostOf({ host, grows }: ElementwiseSpec, inputs: readonly string[], dtype: DType): string {
  const code = host(...inputs);
  if (grows === undefined) return code;
  return typeof grows === "function" && dtype === "int32" ? grows(...inputs) : inRange(code, dtype);
}

/** Defines an element-wise op of any number of inputs that broadcast. */
export function elementwise<I extends readonly Tensor[]>(
  spec: ElementwiseSpec,
): ((...inputs: TensorLike[]) => Tensor) & OpTest<OpNode<NoAttributes, I>> {
  const { name, native } = spec;
  const apply = defineOp<NoAttributes, I>({
    name,
    infer: (inputs) => {
      const dtype = sameDType(name, inputs);
      checkDType(name, dtype, spec.accepts);
      return { shape: broadcastShapes(name, ...inputs.map((t) => t.shape)), dtype: spec.result ?? dtype };
    },
    derivative: (g, y, inputs) => spec.derivative?.(g, y, ...inputs) ?? inputs.map(() => undefined),
    batch: (lanes, _, node) => rebuild(node, alignBatch(lanes, node.rank)),
    host: { expression: (inputs, node) => hostOf(spec, inputs, node.dtype) },
    native: typeof native === "string" ? { onnx: (builder, inputs) => builder.node(native, inputs) } : native,
    cases: spec.cases,
  });
  // Pass only as many operands as the op has: `tensors.reduce(add)` passes an index too.
  const arity = spec.host.length;
  const applied = (...inputs: TensorLike[]) =>
    apply(operands(name, ...Array.from({ length: arity }, (_, i) => inputs[i])), {});
  return Object.assign(applied, { is: apply.is });
}

/** An operation on each element; `is` recognises its nodes. */
export type Unary = ((x: TensorLike) => Tensor) & OpTest<OpNode<NoAttributes, [Tensor]>>;
/** An operation on pairs of elements, of shapes that broadcast; numbers take the dtype of the tensor beside them. `is` recognises its nodes. */
export type Binary = ((a: TensorLike, b: TensorLike) => Tensor) &
  OpTest<OpNode<NoAttributes, [Tensor, Tensor]>>;

/** A float function of one variable, tested over `domain`. */
export function unary(
  name: string,
  spec: {
    readonly host: (x: string) => string;
    readonly native: string | NativeLowering;
    readonly derivative?: (g: Tensor, y: Tensor, x: Tensor) => Tensor;
    readonly domain: readonly [number, number];
    readonly accepts?: Accepts;
    readonly grows?: "host";
  },
): Unary {
  const { derivative, grows } = spec;
  return elementwise<[Tensor]>({
    name,
    accepts: spec.accepts ?? "float",
    host: spec.host,
    native: spec.native,
    ...(grows && { grows }),
    ...(derivative && { derivative: (g, y, x) => [derivative(g, y, x)] }),
    cases: [
      { inputs: [[3, 4]], domain: spec.domain },
      { inputs: [[]], domain: spec.domain },
    ],
  });
}

/** Shapes on which every binary op is tested. */
export const binaryCases = (domain: readonly [number, number], dtype?: DType): OpCase[] =>
  [
    [
      [3, 4],
      [3, 4],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [[], [5]],
    [
      [3, 1],
      [1, 4],
    ],
  ].map((inputs) => ({ inputs, domain, ...(dtype && { dtype }) }));
