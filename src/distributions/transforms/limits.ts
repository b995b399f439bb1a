/** Plain numbers as parameters of a transform. */
import { constant, type DType, isConstant, type Tensor } from "../../tensor/index.ts";

/** A plain-number parameter as a tensor in the dtype of the value that it is combined with. */
export const inDType = (parameter: Tensor, dtype: DType): Tensor =>
  isConstant(parameter) && parameter.dtype !== dtype
    ? constant(parameter.attributes.values, parameter.shape, dtype)
    : parameter;
