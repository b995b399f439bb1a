/** Plain numbers as parameters of a transform. */
import type { DType } from "../../tensor/dtype.ts";
import { constant, isConstant } from "../../tensor/leaf.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A parameter that is plain numbers, in the dtype of the value that it meets. */
export const inDType = (parameter: Tensor, dtype: DType): Tensor =>
  isConstant(parameter) && parameter.dtype !== dtype
    ? constant(parameter.attributes.values, parameter.shape, dtype)
    : parameter;
