/** What the runtime's WebGPU computes wrongly or not at all, in forms that it computes. */
import { expand, pow, sameShape, type Tensor } from "../tensor/index.ts";
import { applyRule } from "./graph.ts";

/** Its power has no kernel for operands of different shapes. */
const wholePower = (node: Tensor): Tensor | undefined => {
  if (!pow.is(node)) return undefined;
  const [base, exponent] = node.inputs;
  if (sameShape(base.shape, exponent.shape)) return undefined;
  return pow(expand(base, node.shape), expand(exponent, node.shape));
};

/** A graph in forms that the WebGPU of the runtime computes. */
export const forWebGpu = (outputs: readonly Tensor[]): readonly Tensor[] => applyRule(outputs, wholePower);
