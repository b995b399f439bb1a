import { neg, sub, type Tensor } from "../../tensor/index.ts";

/** What is minimised so that a bound grows: its negative. For a difference a − b it is b − a, which is one op and not two. */
export const lossOf = (bound: Tensor): Tensor =>
  sub.is(bound) ? sub(bound.inputs[1], bound.inputs[0]) : neg(bound);
