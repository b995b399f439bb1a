import { ShapeError } from "../errors.ts";
import { checkOptions, knownOptions, type OptionRule } from "../options.ts";
import {
  add,
  type Conv2dOptions,
  type Conv2dTransposeOptions,
  conv2d,
  conv2dRules,
  conv2dTranspose,
  conv2dTransposeRules,
  formatShape,
  type Pair,
  parameter,
  reshape,
  type Shape,
  type Tensor,
} from "../tensor/index.ts";
import { checkCount } from "./check.ts";
import { type WeightOptions, weightRules } from "./dense.ts";
import { glorotUniform, transposedKernel, zeros } from "./initializers.ts";
import type { Layer } from "./layer.ts";

export interface Convolution2d extends Layer {
  /** [outputs, inputs / groups, kernel height, kernel width] */
  readonly weight: Tensor;
  /** [outputs] */
  readonly bias?: Tensor;
}

export interface ConvolutionTranspose2d extends Layer {
  /** [inputs, outputs, kernel height, kernel width] */
  readonly weight: Tensor;
  /** [outputs] */
  readonly bias?: Tensor;
}

/** What both layers share: everything except the op and the order of the kernel's axes. */
function convolution(
  name: string,
  [inputs, outputs]: readonly [number, number],
  kernel: Pair,
  options: WeightOptions,
  transposed: boolean,
  rules: Readonly<Record<string, OptionRule>>,
  op: (x: Tensor, w: Tensor) => Tensor,
  groups = 1,
): Convolution2d {
  checkOptions(name, options, { ...weightRules, ...rules });
  const taps: Shape = typeof kernel === "number" ? [kernel, kernel] : kernel;
  checkCount(name, "inputs", inputs);
  checkCount(name, "outputs", outputs);
  if (inputs % groups !== 0 || outputs % groups !== 0)
    throw new ShapeError(
      `${name}: ${groups} groups must divide the ${inputs} inputs and the ${outputs} outputs.`,
    );
  for (const size of taps) checkCount(name, "the kernel's size", size);
  const { bias = true, weightInit = glorotUniform, biasInit = zeros, dtype = "float32" } = options;
  const weight = transposed
    ? parameter([inputs, outputs, ...taps], transposedKernel(weightInit), { dtype })
    : parameter([outputs, inputs / groups, ...taps], weightInit, { dtype });
  const offset = bias ? parameter([outputs], biasInit, { dtype }) : undefined;
  return {
    weight,
    ...(offset && { bias: offset }),
    apply(x) {
      if (x.rank !== 4 || x.shape[1] !== inputs) {
        throw new ShapeError(
          `${name}: expected [batch, ${inputs}, height, width], found ${formatShape(x.shape)}; ` +
            "channels come before the image's axes.",
        );
      }
      const y = op(x, weight);
      return offset === undefined ? y : add(y, reshape(offset, [outputs, 1, 1]));
    },
  };
}

/**
 * A convolution with a kernel of size `kernel` (or [height, width]) and a bias for each output channel.
 * x [batch, inputs, height, width] → [batch, outputs, height', width'], see the op {@link conv2d}.
 *
 * @example
 * convolution2d(1, 32, 3, { strides: 2, padding: "same" }).apply(input("x", [128, 1, 28, 28])); // [128, 32, 14, 14]
 */
export const convolution2d = (
  inputs: number,
  outputs: number,
  kernel: Pair,
  options: WeightOptions & Conv2dOptions = {},
): Convolution2d =>
  convolution(
    "convolution2d",
    [inputs, outputs],
    kernel,
    options,
    false,
    conv2dRules,
    (x, w) => conv2d(x, w, knownOptions(options, conv2dRules)),
    options.groups,
  );

/**
 * A transposed convolution: with strides it enlarges the image. x [batch, inputs, height, width] →
 * [batch, outputs, height', width'], see the op {@link conv2dTranspose}.
 *
 * @example
 * convolutionTranspose2d(32, 1, 3, { strides: 2, padding: "same" }).apply(h); // h [128, 32, 14, 14]: [128, 1, 28, 28]
 */
export const convolutionTranspose2d = (
  inputs: number,
  outputs: number,
  kernel: Pair,
  options: WeightOptions & Conv2dTransposeOptions = {},
): ConvolutionTranspose2d =>
  convolution(
    "convolutionTranspose2d",
    [inputs, outputs],
    kernel,
    options,
    true,
    conv2dTransposeRules,
    (x, w) => conv2dTranspose(x, w, knownOptions(options, conv2dTransposeRules)),
  );
