/** Numbers of a dtype: where saturating maps are held, and plain numbers as parameters. */
import type { DType } from "../../tensor/dtype.ts";
import { constant, isConstant } from "../../tensor/leaf.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** 1 − the largest number below 1. */
export const gapBelowOne = (dtype: DType): number => (dtype === "float64" ? 2 ** -53 : 2 ** -24);

/** A parameter that is plain numbers, in the dtype of the value that it meets. */
export const inDType = (parameter: Tensor, dtype: DType): Tensor =>
  isConstant(parameter) && parameter.dtype !== dtype
    ? constant(parameter.attributes.values, parameter.shape, dtype)
    : parameter;
