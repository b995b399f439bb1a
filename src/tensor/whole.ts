/** Whole numbers on the host, which computes in float64: 32-bit ones wrap as natively, 64-bit ones are refused where float64 is not exact. */
import { UsageError } from "../errors.ts";
import type { DType } from "./dtype.ts";

/** The largest whole number up to which float64 holds all. */
const EXACT = 2 ** 53;

/** The number itself, without the sign of a zero, which integers do not have. @throws UsageError when a 64-bit integer is beyond what float64 holds exactly */
export function exactWhole(value: number): number {
  if (Math.abs(value) <= EXACT) return value + 0;
  throw new UsageError(
    `host: a 64-bit integer became ${value}. The host computes in float64, where whole numbers are exact up to 2⁵³ (${EXACT}). Use the native ` +
      "executor, which has 64-bit integers, or floats.",
  );
}

/** The same of an integer as it is given. @throws UsageError when it is beyond what float64 holds exactly */
export const exactNumber = (value: bigint): number => exactWhole(Number(value));

/** The code of an element of a dtype, where arithmetic can lead out of its range. `X` is {@link exactWhole}. */
export function inRange(code: string, dtype: DType): string {
  if (dtype === "int32") return `(${code} | 0)`;
  return dtype === "int64" ? `X(${code})` : code;
}

/** The code that brings a sum or product of 32-bit integers to the nearest limit, as the runtime does, and checks a 64-bit one. */
export function heldInRange(code: string, dtype: DType): string {
  if (dtype === "int32") return `(Math.min(Math.max(${code}, ${-(2 ** 31)}), ${2 ** 31 - 1}) + 0)`;
  return dtype === "int64" ? `X(${code})` : code;
}
