/** Where the windows of a convolution lie: strides, padding and dilation of each axis, and the sizes that follow. */
import { ShapeError } from "../../errors.ts";
import { anything, type OptionRules, whole } from "../../options.ts";
import { sameDType } from "../leaf.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkDType } from "./elementwise.ts";

/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

/**
 * Zeros around the image. A number or [height, width]: the same on both sides of an axis. `"valid"`: none. `"same"`: enough to make the
 * output ⌈size / stride⌉ (of the transpose: size · stride); if their number is odd, one more at the end, as in TensorFlow.
 */
export type Padding = Pair | "same" | "valid";

/** Strides, padding and dilation of a convolution. */
export interface Conv2dOptions {
  /** Step between windows. Default 1. */
  readonly strides?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  /** Step between the taps of the kernel. Default 1. */
  readonly dilations?: Pair;
  /** Equal parts of the channels, each with kernels of its own, w [out, in / groups, …]. Default 1. */
  readonly groups?: number;
}

/** The option names of {@link conv2d}. */
export const conv2dRules: OptionRules<Conv2dOptions> = {
  strides: anything,
  padding: anything,
  dilations: anything,
  groups: whole(1),
};

/** Options of {@link conv2dTranspose}. */
export interface Conv2dTransposeOptions extends Omit<Conv2dOptions, "groups"> {
  /** Rows and columns added at the end, fewer than the stride: images of several sizes have as many windows, and this selects one size. */
  readonly outputPadding?: Pair;
}

/** The option names of {@link conv2dTranspose}. */
export const conv2dTransposeRules: OptionRules<Conv2dTransposeOptions> = {
  strides: anything,
  padding: anything,
  dilations: anything,
  outputPadding: anything,
};

/** The geometry of a window along one axis. */
export interface Axis {
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}
export type ConvAttributes = { readonly axes: readonly [Axis, Axis] };
export type TransposeAttributes = ConvAttributes & { readonly outputPadding: readonly [number, number] };

/** The number of places that a kernel of `taps` spans. */
export const reach = (taps: number, { dilation }: Axis): number => (taps - 1) * dilation + 1;

/** Places left over after the first window; negative if it does not fit. */
export const slack = (size: number, taps: number, axis: Axis): number =>
  size + axis.before + axis.after - reach(taps, axis);

export const convSize = (size: number, taps: number, axis: Axis): number =>
  Math.floor(slack(size, taps, axis) / axis.stride) + 1;

export const transposeSize = (size: number, taps: number, axis: Axis, extra: number): number =>
  (size - 1) * axis.stride + reach(taps, axis) - axis.before - axis.after + extra;

export const pairOf = (what: string, name: string, value: Pair, least: number): readonly [number, number] => {
  const pair = typeof value === "number" ? ([value, value] as const) : value;
  if (pair.length !== 2 || !pair.every((n) => Number.isInteger(n) && n >= least)) {
    throw new ShapeError(
      `${what}: ${name} must be a whole number of at least ${least}, or two of them, [height, width]; found ` +
        `${typeof value === "number" ? value : formatShape(value)}.`,
    );
  }
  return pair;
};

/** Resolves options to numbers for each axis; `total` is the amount of padding that "same" needs there. */
export function resolveAxes(
  what: string,
  { strides = 1, padding = 0, dilations = 1 }: Conv2dOptions,
  total: (axis: Axis, i: 0 | 1) => number,
): readonly [Axis, Axis] {
  const [stride, dilation] = [pairOf(what, "strides", strides, 1), pairOf(what, "dilations", dilations, 1)];
  if (typeof padding === "string" && padding !== "same" && padding !== "valid") {
    throw new ShapeError(`${what}: padding must be "same", "valid" or numbers, found "${padding}".`);
  }
  const width = typeof padding === "string" ? ([0, 0] as const) : pairOf(what, "padding", padding, 0);
  const resolve = (i: 0 | 1): Axis => {
    const axis = { stride: stride[i], dilation: dilation[i], before: width[i], after: width[i] };
    if (padding !== "same") return axis;
    const all = Math.max(0, total(axis, i));
    return { ...axis, before: Math.floor(all / 2), after: Math.ceil(all / 2) };
  };
  return [resolve(0), resolve(1)];
}

/** Checks that both tensors have rank 4, one float dtype, and matching channels. */
export function inferOperands(what: string, x: Tensor, w: Tensor, layout: string, channels: number): void {
  checkDType(what, sameDType(what, [x, w]), "float");
  if (x.rank !== 4 || w.rank !== 4) {
    throw new ShapeError(
      `${what}: expected x [batch, channels, height, width] and w ${layout}, found ${formatShape(x.shape)} and ${formatShape(w.shape)}.`,
    );
  }
  if (x.shape[1] !== w.shape[channels]) {
    throw new ShapeError(
      `${what}: x ${formatShape(x.shape)} has ${x.shape[1]} channels, w ${formatShape(w.shape)} (${layout}) expects ` +
        `${w.shape[channels]}; the channels are axis 1 of x.`,
    );
  }
}

export function checkOutput(what: string, x: Tensor, w: Tensor, sizes: readonly number[]): void {
  if (sizes.every((n) => n >= 1)) return;
  throw new ShapeError(
    `${what}: image ${formatShape(x.shape.slice(2))} with kernel ${formatShape(w.shape.slice(2))} leaves an output of ` +
      `${formatShape(sizes)}; use a smaller kernel, stride or dilation, or ${what === "conv2d" ? "more" : "less"} padding.`,
  );
}
