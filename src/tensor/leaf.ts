import { InternalError, ShapeError } from "../errors.ts";
import { checkDTypeName, type DType, isFloat, type Nested } from "./dtype.ts";
import { defineOp, type OpNode } from "./op.ts";
import { checkShape, checkWhole, formatShape, type Shape, sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** What op functions accept: a tensor, or plain numbers that take the dtype of the other operand. */
export type TensorLike = Tensor | Nested;

/** Independent draws that an initialiser may ask for; float64, the same on every machine. */
export interface Draws {
  /** Uniform on (0, 1). */
  uniform(count: number): Float64Array;
  /** Standard normal. */
  normal(count: number): Float64Array;
}

/** Fills a parameter's first values. `name` is what a report prints. */
export interface Initializer {
  readonly name: string;
  /** The first values of a parameter of this shape, row-major. */
  readonly values: (shape: Shape, draws: Draws) => ArrayLike<number>;
}

/**
 * The distribution of a noise leaf: uniform on the open interval (0, 1), or standard normal. `none`: the draw of a site that has no
 * probability distribution, for graphs that only ask for its shape; it is refused where it would be filled.
 */
export type NoiseKind = "uniform" | "normal" | "none";

type LeafAttributes = { readonly shape: Shape; readonly dtype: DType };
export type ConstantAttributes = LeafAttributes & { readonly values: Float64Array };
export type InputAttributes = LeafAttributes & { readonly name: string };
export type ParameterAttributes = LeafAttributes & {
  readonly initializer: Initializer;
  readonly trainable: boolean;
};
export type NoiseAttributes = LeafAttributes & { readonly kind: NoiseKind; readonly site: string };

function leaf<A extends LeafAttributes>(name: string) {
  return defineOp<A, []>({
    name,
    infer: (_, { shape, dtype }) => {
      checkShape(name, shape);
      checkDTypeName(name, dtype);
      return { shape, dtype };
    },
    derivative: () => [],
    batch: () => {
      throw new InternalError(`${name}: a leaf has no inputs to batch`);
    },
    host: "leaf",
    native: "leaf",
    cases: [],
  });
}

const constantOp = leaf<ConstantAttributes>("constant");
const inputOp = leaf<InputAttributes>("input");
const parameterOp = leaf<ParameterAttributes>("parameter");
const noiseOp = leaf<NoiseAttributes>("noise");

/** A leaf whose op and attributes are known. */
export type Leaf<A extends LeafAttributes> = OpNode<A, []>;

export const isConstant = constantOp.is;
export const isInput = inputOp.is;
export const isParameter = parameterOp.is;
export const isNoise = noiseOp.is;

/** A constant from a flat array. Throws ShapeError when the count does not fit the shape. */
export function constant(values: ArrayLike<number>, shape: Shape, dtype: DType = "float32"): Tensor {
  if (values.length !== sizeOf(shape)) {
    throw new ShapeError(
      `constant: shape ${formatShape(shape)} holds ${sizeOf(shape)} values, found ${values.length}.`,
    );
  }
  return constantOp([], { values: Float64Array.from(values), shape, dtype });
}

/** A constant of one repeated value. */
export function full(shape: Shape, value: number, dtype: DType = "float32"): Tensor {
  checkShape("constant", shape);
  return constantOp([], { values: filled(shape, value), shape, dtype });
}
/** @throws ShapeError when an array cannot hold that many elements. */
function filled(shape: Shape, value: number): Float64Array {
  const size = sizeOf(shape);
  try {
    return new Float64Array(size).fill(value);
  } catch {
    throw new ShapeError(
      `a constant of shape [${shape.join(", ")}] has ${size} elements, more than an array can hold. Use fewer rows or samples at a time.`,
    );
  }
}

/** A constant of zeros. */
export const zeros = (shape: Shape, dtype: DType = "float32"): Tensor => full(shape, 0, dtype);
/** A constant of ones. */
export const ones = (shape: Shape, dtype: DType = "float32"): Tensor => full(shape, 1, dtype);
/** A constant of one number, shape []. */
export const scalar = (value: number, dtype: DType = "float32"): Tensor => full([], value, dtype);

/** 0, 1, …, count − 1. Shape [count]. */
export function arange(count: number, dtype: DType = "int32"): Tensor {
  checkWhole("arange", "the count", count, 0);
  return constant(
    Array.from({ length: count }, (_, i) => i),
    [count],
    dtype,
  );
}

/** The identity matrix. Shape [n, n]. */
export function eye(n: number, dtype: DType = "float32"): Tensor {
  checkWhole("eye", "the number of rows", n, 0);
  return constant(
    Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
    dtype,
  );
}

const isArrayLike = (v: unknown): v is readonly Nested[] => Array.isArray(v) || ArrayBuffer.isView(v);

/** A value that is not a number, for messages. */
const shown = (v: unknown): string =>
  typeof v === "string" ? JSON.stringify(v) : typeof v === "object" && v !== null ? "an object" : String(v);

/**
 * A constant from numbers or nested arrays: `tensor([[1, 2], [3, 4]])` has shape [2, 2].
 * @throws ShapeError when the nesting is ragged or an entry is not a number; the message names the place.
 */
export function tensor(value: Nested, options: { readonly dtype?: DType } = {}): Tensor {
  return nested("tensor", value, options.dtype);
}

/** A constant from numbers or nested arrays; `what` is the name of the calling function, for messages. */
function nested(what: string, value: Nested, dtype?: DType): Tensor {
  const shape: number[] = [];
  for (let v: Nested = value; isArrayLike(v); v = v[0]) {
    shape.push(v.length);
    if (v.length === 0) break;
  }
  const flat: number[] = [];
  const walk = (v: Nested, depth: number, path: string): void => {
    if (!isArrayLike(v)) {
      if (typeof v !== "number" && typeof v !== "boolean" && typeof v !== "bigint") {
        const place = path === "" ? "" : ` at ${path}`;
        throw new ShapeError(
          `${what}: expected a number, or nested arrays of numbers, found ${shown(v)}${place}.`,
        );
      }
      if (depth !== shape.length) {
        throw new ShapeError(
          `${what}: expected an array of ${shape[depth]} at ${path || "the top"}, found ${v}.`,
        );
      }
      flat.push(Number(v));
    } else {
      if (depth >= shape.length || v.length !== shape[depth]) {
        throw new ShapeError(
          `${what}: ragged nested array: expected ${depth < shape.length ? `${shape[depth]} entries` : "a number"} ` +
            `at ${path || "the top"}, found ${v.length} entries.`,
        );
      }
      for (let i = 0; i < v.length; i++) walk(v[i], depth + 1, `${path}[${i}]`);
    }
  };
  walk(value, 0, "");
  const first = flat.length > 0 && typeof deepFirst(value) === "boolean";
  return constant(flat, shape, dtype ?? (first ? "bool" : "float32"));
}

function deepFirst(value: Nested): number | boolean {
  let v = value;
  while (isArrayLike(v)) v = v[0];
  return v;
}

/** A value that the caller feeds on every run: data. */
export const input = (name: string, shape: Shape, dtype: DType = "float32"): Tensor =>
  inputOp([], { name, shape, dtype });

/**
 * A value that training changes. It lives in the arena under the path by which its module is reached
 * (`encoder.layers.0.weight`). With `trainable: false` it is a buffer: saved and restored, never differentiated
 * (running statistics).
 */
export function parameter(
  shape: Shape,
  initializer: Initializer,
  options: { readonly dtype?: DType; readonly trainable?: boolean } = {},
): Tensor {
  return parameterOp([], {
    shape,
    dtype: options.dtype ?? "float32",
    initializer,
    trainable: options.trainable ?? true,
  });
}

/**
 * Random numbers as an input: filled before each run from the counter-based stream that the seed, the step and the
 * site's name define, so that a step is a pure function and every executor sees the same draws.
 */
export const noise = (kind: NoiseKind, site: string, shape: Shape, dtype: DType = "float32"): Tensor =>
  noiseOp([], { kind, site, shape, dtype });

/** Turns operands into tensors; plain numbers take the dtype of the first tensor among them (float32 if none). */
export function operands(what: string, ...values: TensorLike[]): Tensor[] {
  const first = values.find((v) => v instanceof Tensor);
  const dtype = first instanceof Tensor ? first.dtype : "float32";
  return values.map((v) => {
    if (v instanceof Tensor) return v;
    if (typeof v === "number" && !Number.isInteger(v) && Number.isFinite(v) && !isFloat(dtype)) {
      throw new ShapeError(
        `${what}: the number ${v} does not fit dtype ${dtype}; cast the tensor to a float first.`,
      );
    }
    return typeof v === "number"
      ? scalar(v, dtype)
      : nested(what, v, first instanceof Tensor ? dtype : undefined);
  });
}

/** @throws ShapeError unless all dtypes are equal. */
export function sameDType(what: string, tensors: readonly Tensor[]): DType {
  const [first] = tensors;
  for (const t of tensors) {
    if (t.dtype !== first.dtype) {
      throw new ShapeError(
        `${what}: dtypes ${tensors.map((x) => x.dtype).join(" and ")} differ; cast one (x.cast("${first.dtype}")).`,
      );
    }
  }
  return first.dtype;
}
