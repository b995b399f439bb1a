/** The names that `activation` accepts. They are in a file of their own so that a command line can be parsed without loading the layers. */
export const activationNames = [
  "relu",
  "tanh",
  "sigmoid",
  "softplus",
  "leakyRelu",
  "elu",
  "silu",
  "identity",
] as const;

/** The name of an activation function. */
export type ActivationName = (typeof activationNames)[number];
