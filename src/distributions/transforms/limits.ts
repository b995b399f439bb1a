/** Plain numbers as parameters of a transform, and what its parameters do at the ends of its domain. */
import { constant, type DType, isConstant, stopGradient, type Tensor, where } from "../../tensor/index.ts";

/** A plain-number parameter as a tensor in the dtype of the value that it is combined with. */
export const inDType = (parameter: Tensor, dtype: DType): Tensor =>
  isConstant(parameter) && parameter.dtype !== dtype
    ? constant(parameter.attributes.values, parameter.shape, dtype)
    : parameter;

/** f(x), without derivatives in f's parameters at ends that these do not move; `inside` is a number that stands for x there. */
export const limitOf = (f: (x: Tensor) => Tensor, x: Tensor, isEnd: Tensor, inside: number): Tensor =>
  where(isEnd, stopGradient(f(x)), f(where(isEnd, inside, x)));
