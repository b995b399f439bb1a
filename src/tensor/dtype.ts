import { ShapeError } from "../errors.ts";

/** Element types. `host` computes all of them in float64 (integers are exact to 2^53); `native` computes in the type itself. */
export type DType = "float32" | "float64" | "int32" | "int64" | "bool";

const dtypes: readonly DType[] = ["float32", "float64", "int32", "int64", "bool"];

/** @throws ShapeError unless it is one of the element types. */
export function checkDTypeName(what: string, dtype: DType): void {
  if (!dtypes.includes(dtype))
    throw new ShapeError(`${what}: there is no dtype '${String(dtype)}'; use ${dtypes.join(", ")}.`);
}

/** The arrays that hold elements of each dtype. */
export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A JavaScript value with a tensor's structure: a number, a boolean, or equally long arrays of those. */
export type Nested = number | boolean | readonly Nested[];

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";
export const isInteger = (dtype: DType): boolean => dtype === "int32" || dtype === "int64";

/** A typed array of the kind that holds `dtype`, filled with zeros. */
export function allocate(dtype: DType, size: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(size);
    case "float64":
      return new Float64Array(size);
    case "int32":
      return new Int32Array(size);
    case "int64":
      return new BigInt64Array(size);
    case "bool":
      return new Uint8Array(size);
  }
}

/** Converts numbers to the typed array that holds `dtype`: rounds to float32, truncates to integers, tests for bool. */
export function convert(values: ArrayLike<number | bigint>, dtype: DType): TypedArray {
  const out = allocate(dtype, values.length);
  if (out instanceof BigInt64Array) {
    for (let i = 0; i < out.length; i++) {
      const v = values[i];
      out[i] = typeof v === "bigint" ? v : BigInt(Math.trunc(v));
    }
  } else if (dtype === "bool") {
    for (let i = 0; i < out.length; i++) out[i] = Number(values[i]) !== 0 ? 1 : 0;
  } else {
    for (let i = 0; i < out.length; i++) out[i] = Number(values[i]);
  }
  return out;
}
