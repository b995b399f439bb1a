/** Convolution along one axis, as {@link conv2d} of images of one row. */
import { ShapeError } from "../../errors.ts";
import { checkOptions } from "../../options.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { conv2d } from "./conv.ts";
import { conv2dRules } from "./conv-geometry.ts";
import { squeeze, unsqueeze } from "./movement.ts";

/** Stride, padding and dilation of {@link conv1d}. */
export interface Conv1dOptions {
  /** Step between windows. Default 1. */
  readonly strides?: number;
  /** Zeros at both ends, or "same" or "valid". Default 0. */
  readonly padding?: number | "same" | "valid";
  /** Step between the taps of the kernel. Default 1. */
  readonly dilations?: number;
  /** Equal parts of the channels, each with kernels of its own, w [out, in / groups, taps]. Default 1. */
  readonly groups?: number;
}

/**
 * {@link conv2d} along one axis: x [batch, in, length], w [out, in, taps] → [batch, out, length'].
 *
 * @example
 * conv1d(input("x", [8, 1, 100]), w, { padding: "same" }); // w [16, 1, 5]: [8, 16, 100]
 *
 * @throws ShapeError when ranks, dtypes or channels do not match, or the kernel does not fit into the series.
 */
export function conv1d(x: Tensor, w: Tensor, options: Conv1dOptions = {}): Tensor {
  checkOptions("conv1d", options, conv2dRules);
  if (x.rank !== 3 || w.rank !== 3) {
    throw new ShapeError(
      `conv1d: expected x [batch, channels, length] and w [out, in, taps], found ${formatShape(x.shape)} and ${formatShape(w.shape)}.`,
    );
  }
  const { strides = 1, padding = 0, dilations = 1, groups = 1 } = options;
  const y = conv2d(unsqueeze(x, 2), unsqueeze(w, 2), {
    strides: [1, strides],
    padding: typeof padding === "number" ? [0, padding] : padding,
    dilations: [1, dilations],
    groups,
  });
  return squeeze(y, 2);
}
