/**
 * Layers and initialisers.
 *
 * @module
 */
export { activation } from "./activation.ts";
export { type ActivationName, activationNames } from "./activation-names.ts";
export { checkCount } from "./check.ts";
export {
  type Convolution2d,
  type ConvolutionTranspose2d,
  convolution2d,
  convolutionTranspose2d,
} from "./convolution.ts";
export { type Dense, dense, type WeightOptions } from "./dense.ts";
export { type DropoutOptions, dropout } from "./dropout.ts";
export { type Gru, type GruOptions, gru } from "./gru.ts";
// Under one name, because a rule such as `zeros` has the same name as the tensor function.
export * as initializers from "./initializers.ts";
export { glorotUniform, normal, zeros } from "./initializers.ts";
export {
  evaluation,
  type Layer,
  type LayerContext,
  type TrainingContext,
  trainingContext,
} from "./layer.ts";
export { type Lstm, type LstmOptions, type LstmState, lstm } from "./lstm.ts";
export { type MlpOptions, mlp } from "./mlp.ts";
export {
  type BatchNorm,
  type BatchNormOptions,
  batchNorm,
  type LayerNorm,
  layerNorm,
  type NormOptions,
} from "./normalization.ts";
export { countParameters, type NamedParameter, parametersOf } from "./parameters.ts";
export { flattenLayer, reshapeLayer, type Sequential, sequential } from "./sequential.ts";
