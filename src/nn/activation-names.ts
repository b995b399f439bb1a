/** The names that `activation` knows. They stand alone, so that a command line is read without loading the layers. */
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

/** An activation function by its name. */
export type ActivationName = (typeof activationNames)[number];
