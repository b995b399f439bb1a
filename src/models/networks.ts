/** Bodies of encoders and decoders: perceptrons and convolutional networks over flat data [batch, features]. */
import { UsageError } from "../errors.ts";
import {
  type ActivationName,
  activation,
  batchNorm,
  convolution2d,
  convolutionTranspose2d,
  dense,
  dropout,
  flattenLayer,
  type Layer,
  reshapeLayer,
  sequential,
} from "../nn/index.ts";
import { formatShape, type Shape, sizeOf, transpose } from "../tensor/index.ts";
import type { MissingMarks } from "./missing-marks.ts";
import type { networkNames } from "./names.ts";

/** A kind of encoder and decoder: `mlp` or `convolutional`. */
export type NetworkName = (typeof networkNames)[number];

export interface NetworkOptions {
  /** Shape of a datum: [features], [height, width] or [height, width, channels]. */
  readonly shape: Shape;
  /** Widths of the hidden dense layers, starting next to the data; the decoder mirrors them. Default [400]. */
  readonly hidden?: readonly number[];
  /** Default `mlp`. */
  readonly network?: NetworkName;
  /** Channels of the convolutions, starting next to the data; each halves height and width. Default [32, 64]. */
  readonly channels?: readonly number[];
  /** Default `relu`. */
  readonly activation?: ActivationName;
  /** Normalise hidden layers over the minibatch. Default false. */
  readonly batchNorm?: boolean;
  /** Fraction of hidden units dropped in training. Default 0. */
  readonly dropout?: number;
}

type Network = Required<NetworkOptions>;

/** The options of a network, defaults filled in. */
export const resolveNetwork = ({
  shape,
  hidden,
  network,
  channels,
  activation,
  batchNorm,
  dropout,
}: NetworkOptions): Network => ({
  shape,
  hidden: hidden ?? [400],
  network: network ?? "mlp",
  channels: channels ?? [32, 64],
  activation: activation ?? "relu",
  batchNorm: batchNorm ?? false,
  dropout: dropout ?? 0,
});

/** One hidden layer of encoder or decoder: dense, normalisation, activation, dropout. */
function hiddenLayer(inputs: number, outputs: number, options: Network, site: string): Layer[] {
  return [
    dense(inputs, outputs, { bias: !options.batchNorm }),
    ...(options.batchNorm ? [batchNorm(outputs)] : []),
    activation(options.activation),
    ...(options.dropout > 0 ? [dropout(options.dropout, { site })] : []),
  ];
}

function hiddenStack(widths: readonly number[], options: Network, site: string): Layer[] {
  return widths
    .slice(1)
    .flatMap((width, i) => hiddenLayer(widths[i], width, options, `${site}/dropout.${i}`));
}

/** A body and the width of its output. */
export interface Body {
  readonly layers: Layer;
  readonly width: number;
}

/** @throws UsageError when it is not a whole number above 0. */
export function checkLatent(model: string, latent: number): void {
  if (!Number.isInteger(latent) || latent < 1) {
    throw new UsageError(`${model}: latent must be a whole number of at least 1, found ${latent}.`);
  }
}

/** [height, width, channels] of an image's shape. */
function imageShape({ shape, channels: convolutions }: Network): [number, number, number] {
  if (convolutions.length === 0) {
    throw new UsageError(
      'a convolutional network needs at least one convolution; found no channels. Use `network: "mlp"`.',
    );
  }
  const [height, width, channels = 1] = shape;
  if (shape.length < 2 || shape.length > 3) {
    throw new UsageError(
      `a convolutional network needs images, [height, width] or [height, width, channels]; found rows of shape ` +
        `${formatShape(shape)}. Use \`network: "mlp"\`.`,
    );
  }
  return [height, width, channels];
}

/** Heights and widths after each halving convolution, the image itself first. */
const pyramid = ([height, width]: readonly number[], count: number): (readonly [number, number])[] =>
  Array.from(
    { length: count + 1 },
    (_, i) => [Math.ceil(height / 2 ** i), Math.ceil(width / 2 ** i)] as const,
  );

const channelsFirst: Layer = { apply: (x) => transpose(x, [0, 3, 1, 2]) };
const channelsLast: Layer = { apply: (x) => transpose(x, [0, 2, 3, 1]) };

/** Data [batch, features] → hidden [batch, width]; `front` is applied to the data before a perceptron. */
export function encoderBody(options: Network, front?: MissingMarks): Body {
  const { shape, hidden, channels } = options;
  const features = sizeOf(shape);
  if (options.network === "mlp") {
    const widths = [front?.width ?? features, ...hidden];
    return {
      layers: sequential(...(front ? [front] : []), ...hiddenStack(widths, options, "encoder")),
      width: widths[widths.length - 1],
    };
  }
  const [height, width, depth] = imageShape(options);
  const sizes = pyramid([height, width], channels.length);
  const convolutions = channels.flatMap((outputs, i) => [
    convolution2d(i === 0 ? depth : channels[i - 1], outputs, 3, {
      strides: 2,
      padding: "same",
      bias: !options.batchNorm,
    }),
    ...(options.batchNorm ? [batchNorm(outputs)] : []),
    activation(options.activation),
  ]);
  const [h, w] = sizes[channels.length];
  const flat = h * w * (channels.at(-1) ?? depth);
  const widths = [flat, ...hidden];
  return {
    layers: sequential(
      reshapeLayer([height, width, depth]),
      channelsFirst,
      ...convolutions,
      flattenLayer,
      ...hiddenStack(widths, options, "encoder"),
    ),
    width: widths[widths.length - 1],
  };
}

/** Latent [batch, latent] → outputs [batch, features]: the encoder's mirror image. */
export function decoder(latent: number, options: Network): Layer {
  const { shape, hidden, channels } = options;
  const features = sizeOf(shape);
  const inward = [...hidden].reverse();
  if (options.network === "mlp") {
    const widths = [latent, ...inward];
    return sequential(...hiddenStack(widths, options, "decoder"), dense(widths[widths.length - 1], features));
  }
  const [height, width, depth] = imageShape(options);
  const sizes = pyramid([height, width], channels.length);
  const [h, w] = sizes[channels.length];
  const deepest = channels.at(-1) ?? depth;
  const widths = [latent, ...inward, h * w * deepest];
  const upward = [...channels].reverse();
  const convolutions = upward.flatMap((inputs, i) => {
    const last = i === upward.length - 1;
    const outputs = last ? depth : upward[i + 1];
    const [fromH, fromW] = sizes[channels.length - i];
    const [toH, toW] = sizes[channels.length - i - 1];
    // A stride of 2 over an odd size gives 2 n − 1; the output padding adds the missing row.
    const outputPadding = [toH - (2 * fromH - 1), toW - (2 * fromW - 1)] as const;
    return [
      convolutionTranspose2d(inputs, outputs, 3, {
        strides: 2,
        padding: 1,
        outputPadding,
        bias: last || !options.batchNorm,
      }),
      ...(last ? [] : [...(options.batchNorm ? [batchNorm(outputs)] : []), activation(options.activation)]),
    ];
  });
  return sequential(
    ...hiddenStack(widths, options, "decoder"),
    reshapeLayer([deepest, h, w]),
    ...convolutions,
    channelsLast,
    flattenLayer,
  );
}
