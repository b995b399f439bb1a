/**
 * Layers and initialisers.
 *
 * @module tightbound/nn
 */
import "../ambient.ts";

export {
  type ActivationName,
  activation,
  activationNames,
  type BatchNorm,
  type BatchNormOptions,
  batchNorm,
  type Convolution2d,
  type ConvolutionTranspose2d,
  convolution2d,
  convolutionTranspose2d,
  countParameters,
  type Dense,
  type DropoutOptions,
  dense,
  dropout,
  evaluation,
  flattenLayer,
  type Gru,
  type GruOptions,
  gru,
  initializers,
  type Layer,
  type LayerContext,
  type LayerNorm,
  type Lstm,
  type LstmOptions,
  type LstmState,
  layerNorm,
  lstm,
  type MlpOptions,
  mlp,
  type NamedParameter,
  type NormOptions,
  parametersOf,
  reshapeLayer,
  type Sequential,
  sequential,
  type TrainingContext,
  trainingContext,
  type WeightOptions,
} from "../nn/index.ts";
