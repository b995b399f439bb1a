import { UsageError } from "../errors.ts";
import { elu, leakyRelu, relu, sigmoid, silu, softplus, type Tensor, tanh } from "../tensor/index.ts";
import { type ActivationName, activationNames } from "./activation-names.ts";
import type { Layer } from "./layer.ts";

const functions = {
  relu: (x: Tensor) => relu(x),
  tanh: (x: Tensor) => tanh(x),
  sigmoid: (x: Tensor) => sigmoid(x),
  softplus: (x: Tensor) => softplus(x),
  /** Slope 0.01 below 0. */
  leakyRelu: (x: Tensor) => leakyRelu(x),
  elu: (x: Tensor) => elu(x),
  silu: (x: Tensor) => silu(x),
  identity: (x: Tensor) => x,
} satisfies Readonly<Record<ActivationName, (x: Tensor) => Tensor>>;

/** An element-wise function as a layer. Throws UsageError listing the known names. */
export function activation(name: ActivationName): Layer {
  if (!Object.hasOwn(functions, name))
    throw new UsageError(`activation: expected one of ${activationNames.join(", ")}; found '${name}'.`);
  return { apply: (x) => functions[name](x) };
}
