/** Two-dimensional convolution and its transpose (adjoint). The derivatives of each are written with both. */

import { ShapeError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules, whole } from "../../options.ts";
import { fullBatch, type Lane } from "../lanes.ts";
import { constant, input, sameDType } from "../leaf.ts";
import { type DefinedOp, defineOp, type HostKernel, type OpCase, type OpNode } from "../op.ts";
import { formatShape, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkDType } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { matmul } from "./matmul.ts";
import { reshape, squeeze, transpose, unsqueeze } from "./movement.ts";
import { flip, pad, slice } from "./parts.ts";

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
interface Axis {
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}
type ConvAttributes = { readonly axes: readonly [Axis, Axis] };
type TransposeAttributes = ConvAttributes & { readonly outputPadding: readonly [number, number] };

/** The number of places that a kernel of `taps` spans. */
const reach = (taps: number, { dilation }: Axis): number => (taps - 1) * dilation + 1;

/** Places left over after the first window; negative if it does not fit. */
const slack = (size: number, taps: number, axis: Axis): number =>
  size + axis.before + axis.after - reach(taps, axis);

const convSize = (size: number, taps: number, axis: Axis): number =>
  Math.floor(slack(size, taps, axis) / axis.stride) + 1;

const transposeSize = (size: number, taps: number, axis: Axis, extra: number): number =>
  (size - 1) * axis.stride + reach(taps, axis) - axis.before - axis.after + extra;

/** Checks that both tensors have rank 4, one float dtype, and matching channels. */
function inferOperands(what: string, x: Tensor, w: Tensor, layout: string, channels: number): void {
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

function checkOutput(what: string, x: Tensor, w: Tensor, sizes: readonly number[]): void {
  if (sizes.every((n) => n >= 1)) return;
  throw new ShapeError(
    `${what}: image ${formatShape(x.shape.slice(2))} with kernel ${formatShape(w.shape.slice(2))} leaves an output of ` +
      `${formatShape(sizes)}; use a smaller kernel, stride or dilation, or ${what === "conv2d" ? "more" : "less"} padding.`,
  );
}

/**
 * The bilinear form that both ops use. For every tap, `small` (the windows' side) and `large` (the image's) meet in a rectangle of places.
 * With `scatter`, small · w is added into large; otherwise large · w is added into small.
 */
function convKernel(
  [rows, columns]: readonly [Axis, Axis],
  small: Shape,
  large: Shape,
  taps: Shape,
  scatter: boolean,
): HostKernel {
  const [batch, outer, sh, sw] = small;
  const [, inner, lh, lw] = large;
  const [kh, kw] = taps;
  // The windows whose tap p falls inside the image.
  const range = (p: number, axis: Axis, windows: number, size: number): [number, number] => {
    const at = p * axis.dilation - axis.before;
    return [
      Math.max(0, Math.ceil(-at / axis.stride)),
      Math.min(windows - 1, Math.floor((size - 1 - at) / axis.stride)),
    ];
  };
  const rowRanges = Array.from({ length: kh }, (_, p) => range(p, rows, sh, lh));
  const columnRanges = Array.from({ length: kw }, (_, q) => range(q, columns, sw, lw));
  return (out, x, w) => {
    out.fill(0);
    for (let n = 0; n < batch; n++) {
      for (let o = 0; o < outer; o++) {
        for (let c = 0; c < inner; c++) {
          for (let p = 0; p < kh; p++) {
            const [firstRow, lastRow] = rowRanges[p];
            for (let q = 0; q < kw; q++) {
              const weight = w[((o * inner + c) * kh + p) * kw + q];
              const [first, last] = columnRanges[q];
              for (let i = firstRow; i <= lastRow; i++) {
                const row = i * rows.stride + p * rows.dilation - rows.before;
                const s = ((n * outer + o) * sh + i) * sw;
                const l = ((n * inner + c) * lh + row) * lw + q * columns.dilation - columns.before;
                for (let j = first; j <= last; j++) {
                  if (scatter) out[l + j * columns.stride] += weight * x[s + j];
                  else out[s + j] += weight * x[l + j * columns.stride];
                }
              }
            }
          }
        }
      }
    }
  };
}

const onnxAttributes = ([rows, columns]: readonly [Axis, Axis]) => ({
  strides: [rows.stride, columns.stride],
  pads: [rows.before, columns.before, rows.after, columns.after],
  dilations: [rows.dilation, columns.dilation],
});

const swapChannels = (x: Tensor): Tensor => transpose(x, [1, 0, 2, 3]);

/**
 * The kernel's gradient, Σ over windows of image · gradient. It is a convolution of the image with the gradient as its kernel: batch and
 * channels are exchanged, and so are stride and dilation. If the windows do not reach the end of the image, the result has more taps than
 * the kernel; these are cut off.
 */
function kernelGradient(
  image: Tensor,
  g: Tensor,
  taps: Shape,
  [rows, columns]: readonly [Axis, Axis],
): Tensor {
  const exchange = (axis: Axis): Axis => ({ ...axis, stride: axis.dilation, dilation: axis.stride });
  const all = conv2dOp([swapChannels(image), swapChannels(g)], { axes: [exchange(rows), exchange(columns)] });
  const cut = slice(slice(all, { axis: 2, end: taps[0] }), { axis: 3, end: taps[1] });
  return swapChannels(cut);
}

/** Windows of the image as columns, [batch, channels · taps, windows], with ops that support every dtype. */
function unfold(x: Tensor, taps: Shape, windows: Shape, axes: readonly [Axis, Axis]): Tensor {
  let y = x;
  axes.forEach((axis, i) => {
    y = pad(y, 2 + i, axis.before, axis.after);
  });
  const places = (i: number) =>
    constant(
      Array.from({ length: taps[i] * windows[i] }, (_, k) => {
        return Math.floor(k / windows[i]) * axes[i].dilation + (k % windows[i]) * axes[i].stride;
      }),
      [taps[i], windows[i]],
      "int64",
    );
  const [batch, channels] = x.shape;
  y = gather(gather(y, places(0), 2), places(1), 4);
  return reshape(transpose(y, [0, 1, 2, 4, 3, 5]), [
    batch,
    channels * taps[0] * taps[1],
    windows[0] * windows[1],
  ]);
}

/** For dtypes without a kernel in the runtime (it convolves float32 only): a matrix product with the columns. */
function convByColumns([x, w]: readonly Tensor[], node: OpNode<ConvAttributes>): Tensor | undefined {
  if (x.dtype === "float32") return undefined;
  const { axes } = node.attributes;
  const [channels, ...taps] = [w.shape[0], w.shape[2], w.shape[3]];
  const columns = unfold(x, taps, node.shape.slice(2), axes);
  return reshape(matmul(reshape(w, [channels, -1]), columns), node.shape);
}

/** Applies one kernel to a batch of batches of images, by merging the two batch axes. */
function manyImages(x: Lane, size: number, convolve: (images: Tensor) => Tensor): Tensor {
  const all = fullBatch(x, size);
  const y = convolve(reshape(all, [size * all.shape[1], ...all.shape.slice(2)]));
  return reshape(y, [size, all.shape[1], ...y.shape.slice(1)]);
}

/** Splits the channels of a result that was computed with many kernels side by side. */
function manyKernels(size: number, y: Tensor): Tensor {
  const [images, channels, ...rest] = y.shape;
  return transpose(reshape(y, [images, size, channels / size, ...rest]), [1, 0, 2, 3, 4]);
}

/** Applies one kernel to each batch of images, x [size, images, …] and w [size, out, …], as products with the windows' columns. */
function batchedColumns(x: Tensor, w: Tensor, { axes }: ConvAttributes): Tensor {
  const [size, images] = x.shape;
  const [, outputs, , ...taps] = w.shape;
  const windows = axes.map((axis, i) => convSize(x.shape[3 + i], taps[i], axis));
  const flat = unfold(reshape(x, [size * images, ...x.shape.slice(2)]), taps, windows, axes);
  const columns = reshape(flat, [size, images, ...flat.shape.slice(1)]);
  return reshape(matmul(reshape(w, [size, 1, outputs, -1]), columns), [size, images, outputs, ...windows]);
}

/** Each group of channels with its own kernels: products of a batch of matrices, one for each group. */
function inGroups(x: Tensor, w: Tensor, groups: number, axes: readonly [Axis, Axis]): Tensor {
  const parts = (t: Tensor, axis: number): Tensor =>
    reshape(t, [...t.shape.slice(0, axis), groups, t.shape[axis] / groups, ...t.shape.slice(axis + 1)]);
  if (x.rank !== 4 || w.rank !== 4 || x.shape[1] % groups !== 0 || w.shape[0] % groups !== 0) {
    throw new ShapeError(
      `conv2d: ${groups} groups must divide the channels of x [batch, channels, height, width], found ${formatShape(x.shape)}, and the ` +
        `outputs of w [out, in / groups, kernel height, kernel width], found ${formatShape(w.shape)}.`,
    );
  }
  const images = transpose(parts(x, 1), [1, 0, 2, 3, 4]);
  const kernels = parts(w, 0);
  const one = conv2dOp.op.infer(
    [input("group", images.shape.slice(1), x.dtype), input("group", kernels.shape.slice(1), w.dtype)],
    { axes },
  );
  const y = transpose(batchedColumns(images, kernels, { axes }), [1, 0, 2, 3, 4]);
  return reshape(y, [x.shape[0], w.shape[0], ...one.shape.slice(2)]);
}

const conv2dOp: DefinedOp<ConvAttributes, [Tensor, Tensor]> = defineOp<ConvAttributes, [Tensor, Tensor]>({
  name: "conv2d",
  infer: ([x, w], { axes }) => {
    inferOperands("conv2d", x, w, "[out, in, kernel height, kernel width]", 1);
    const sizes = axes.map((axis, i) => convSize(x.shape[2 + i], w.shape[2 + i], axis));
    checkOutput("conv2d", x, w, sizes);
    return { shape: [x.shape[0], w.shape[0], ...sizes], dtype: x.dtype };
  },
  derivative: (g, _, [x, w], { axes }) => {
    const rest = (i: 0 | 1) => slack(x.shape[2 + i], w.shape[2 + i], axes[i]) % axes[i].stride;
    return [
      convTransposeOp([g, w], { axes, outputPadding: [rest(0), rest(1)] }),
      kernelGradient(x, g, w.shape.slice(2), axes),
    ];
  },
  batch: ([x, w], attributes, _, size) => {
    if (!w.batched) return manyImages(x, size, (images) => conv2dOp([images, w.all], attributes));
    const kernels = fullBatch(w, size);
    if (!x.batched) {
      const [, outputs, ...rest] = kernels.shape;
      return manyKernels(size, conv2dOp([x.all, reshape(kernels, [size * outputs, ...rest])], attributes));
    }
    return batchedColumns(fullBatch(x, size), kernels, attributes);
  },
  host: {
    kernel: (node) => {
      const [x, w] = node.inputs;
      const { axes } = node.attributes;
      return convKernel(axes, node.shape, x.shape, w.shape.slice(2), false);
    },
  },
  native: {
    onnx: (builder, inputs, node) => builder.node("Conv", inputs, onnxAttributes(node.attributes.axes)),
    expand: convByColumns,
  },
  cases: convCases(false),
});

/** The transpose as a convolution: zeros are put between the image's pixels, and the kernel is reversed. */
function transposeByConv([x, w]: readonly Tensor[], node: OpNode<TransposeAttributes>): Tensor | undefined {
  if (x.dtype === "float32") return undefined;
  const { image, axes } = spacedImage(x, w, node);
  return conv2dOp([image, reversedKernel(w)], { axes });
}

/** The kernel of the convolution that equals a transpose. */
const reversedKernel = (w: Tensor): Tensor => flip(flip(swapChannels(w), 2), 3);

/** The image with zeros between its pixels and around them, and the axes of the convolution with the reversed kernel. */
function spacedImage(
  x: Tensor,
  w: Tensor,
  node: OpNode<TransposeAttributes>,
): ConvAttributes & { readonly image: Tensor } {
  const { axes } = node.attributes;
  let y = x;
  axes.forEach(({ stride }, i) => {
    const axis = 2 + i;
    const spaced = reshape(
      pad(unsqueeze(y, axis + 1), axis + 1, 0, stride - 1),
      y.shape.map((n, k) => (k === axis ? n * stride : n)),
    );
    y = slice(spaced, { axis, end: spaced.shape[axis] - stride + 1 });
  });
  const sides = axes.map((axis, i) => {
    const margin = reach(w.shape[2 + i], axis) - 1;
    const before = margin - axis.before;
    // Keep only the part of the full correlation that the node's size needs; negative margins are cut from the image.
    const after = node.shape[2 + i] + margin - before - y.shape[2 + i];
    return { before, after, dilation: axis.dilation };
  });
  sides.forEach(({ before, after }, i) => {
    const axis = 2 + i;
    y = slice(y, { axis, start: Math.max(0, -before), end: y.shape[axis] - Math.max(0, -after) });
    y = pad(y, axis, Math.max(0, before), Math.max(0, after));
  });
  const [rows, columns] = sides.map(({ dilation }) => ({ stride: 1, dilation, before: 0, after: 0 }));
  return { image: y, axes: [rows, columns] };
}

const convTransposeOp: DefinedOp<TransposeAttributes, [Tensor, Tensor]> = defineOp<
  TransposeAttributes,
  [Tensor, Tensor]
>({
  name: "conv2dTranspose",
  infer: ([x, w], { axes, outputPadding }) => {
    inferOperands("conv2dTranspose", x, w, "[in, out, kernel height, kernel width]", 0);
    const sizes = axes.map((axis, i) =>
      transposeSize(x.shape[2 + i], w.shape[2 + i], axis, outputPadding[i]),
    );
    checkOutput("conv2dTranspose", x, w, sizes);
    return { shape: [x.shape[0], w.shape[1], ...sizes], dtype: x.dtype };
  },
  // ⟨g, transpose(x, w)⟩ = ⟨x, conv(g, w)⟩: the same as for a convolution, with g as the image and x as the gradient.
  derivative: (g, _, [x, w], { axes }) => [
    conv2dOp([g, w], { axes }),
    kernelGradient(g, x, w.shape.slice(2), axes),
  ],
  batch: ([x, w], attributes, node, size) => {
    if (!w.batched) return manyImages(x, size, (images) => convTransposeOp([images, w.all], attributes));
    const kernels = fullBatch(w, size);
    const [, inputs, outputs, ...taps] = kernels.shape;
    if (!x.batched) {
      const side = reshape(transpose(kernels, [1, 0, 2, 3, 4]), [inputs, size * outputs, ...taps]);
      return manyKernels(size, convTransposeOp([x.all, side], attributes));
    }
    const images = fullBatch(x, size);
    const spaced = (image: Tensor) => spacedImage(image, w.single, node);
    const flat = spaced(reshape(images, [size * images.shape[1], ...images.shape.slice(2)]));
    const kernel = reversedKernel(reshape(kernels, [size * inputs, outputs, ...taps]));
    return batchedColumns(
      reshape(flat.image, [size, images.shape[1], ...flat.image.shape.slice(1)]),
      transpose(reshape(kernel, [outputs, size, inputs, ...taps]), [1, 0, 2, 3, 4]),
      flat,
    );
  },
  host: {
    kernel: (node) => {
      const [x, w] = node.inputs;
      const { axes } = node.attributes;
      return convKernel(axes, x.shape, node.shape, w.shape.slice(2), true);
    },
  },
  native: {
    onnx: (builder, inputs, node) => {
      const { axes, outputPadding } = node.attributes;
      return builder.node("ConvTranspose", inputs, {
        ...onnxAttributes(axes),
        output_padding: outputPadding,
      });
    },
    expand: transposeByConv,
  },
  cases: convCases(true),
});

/**
 * Windows that fit, windows that leave a remainder, padding that differs on the two sides or exceeds the kernel, and one
 * pixel. [x, w] of the convolution; for the transpose, x has the shape of the windows.
 */
function convCases(transposed: boolean): OpCase[] {
  const axis = (stride: number, before = 0, after = before, dilation = 1): Axis => ({
    stride,
    dilation,
    before,
    after,
  });
  const list: readonly { image: Shape; w: Shape; axes: readonly [Axis, Axis] }[] = [
    { image: [2, 2, 4, 5], w: [3, 2, 2, 3], axes: [axis(1), axis(1)] },
    { image: [1, 2, 6, 5], w: [2, 2, 3, 3], axes: [axis(2, 1), axis(2, 1)] },
    { image: [2, 1, 7, 6], w: [2, 1, 3, 2], axes: [axis(3), axis(2, 0, 1)] },
    { image: [1, 1, 7, 6], w: [1, 1, 2, 2], axes: [axis(2, 1, 0, 3), axis(3, 0, 0, 2)] },
    { image: [1, 2, 3, 4], w: [2, 2, 1, 1], axes: [axis(1, 2), axis(3, 1)] },
    { image: [2, 3, 1, 1], w: [2, 3, 1, 1], axes: [axis(1), axis(2)] },
  ];
  return list.map(({ image, w, axes }) => {
    if (!transposed) return { inputs: [image, w], attributes: { axes } };
    const sizes = axes.map((a, i) => convSize(image[2 + i], w[2 + i], a));
    const outputPadding = axes.map((a, i) => slack(image[2 + i], w[2 + i], a) % a.stride);
    return { inputs: [[image[0], w[0], ...sizes], w], attributes: { axes, outputPadding } };
  });
}

const pairOf = (what: string, name: string, value: Pair, least: number): readonly [number, number] => {
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
function resolveAxes(
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

/**
 * Cross-correlation, which is what deep learning calls convolution:
 * y[n, o, i, j] = Σ x[n, c, i·stride + p·dilation − pad, …] w[o, c, p, q].
 *
 * x [batch, in, height, width], w [out, in, kernel height, kernel width] → [batch, out, height', width'] with
 * height' = ⌊(height + padding − dilation (kernel − 1) − 1) / stride⌋ + 1.
 *
 * In float64 the native runtime has no such kernel, so a slower matrix product is used; for `groups` too.
 *
 * @example
 * conv2d(input("x", [8, 1, 28, 28]), w, { strides: 2, padding: "same" }); // w [16, 1, 3, 3]: [8, 16, 14, 14]
 *
 * @throws ShapeError when ranks, dtypes or channels do not match, or the kernel does not fit into the image.
 */
export function conv2d(x: Tensor, w: Tensor, options: Conv2dOptions = {}): Tensor {
  checkOptions("conv2d", options, conv2dRules);
  const axes = resolveAxes("conv2d", options, (axis, i) => {
    const size = x.shape[2 + i];
    return (Math.ceil(size / axis.stride) - 1) * axis.stride + reach(w.shape[2 + i], axis) - size;
  });
  const { groups = 1 } = options;
  return groups === 1 ? conv2dOp([x, w], { axes }) : inGroups(x, w, groups, axes);
}
/** @internal */
conv2d.is = conv2dOp.is;

/**
 * The transpose (adjoint) of {@link conv2d} in x, also called deconvolution: every pixel adds the kernel, multiplied by the pixel's value,
 * to the output, at steps of `stride`; `padding` crops the result (Dumoulin & Visin 2016).
 *
 * x [batch, in, height, width], w [in, out, kernel height, kernel width] → [batch, out, height', width'] with
 * height' = (height − 1) stride + dilation (kernel − 1) + 1 − padding + outputPadding.
 *
 * @example
 * conv2dTranspose(h, w, { strides: 2, padding: "same" }); // h [8, 16, 7, 7], w [16, 4, 3, 3]: [8, 4, 14, 14]
 *
 * @throws ShapeError when ranks, dtypes or channels do not match, or outputPadding is not below the stride.
 */
export function conv2dTranspose(x: Tensor, w: Tensor, options: Conv2dTransposeOptions = {}): Tensor {
  checkOptions("conv2dTranspose", options, conv2dTransposeRules);
  const given = pairOf("conv2dTranspose", "outputPadding", options.outputPadding ?? 0, 0);
  const same = options.padding === "same";
  // "same" needs extra rows if the kernel is shorter than the stride.
  const short = (axis: Axis, i: 0 | 1) => Math.max(0, axis.stride - reach(w.shape[2 + i], axis));
  const axes = resolveAxes(
    "conv2dTranspose",
    options,
    (axis, i) => reach(w.shape[2 + i], axis) - axis.stride + given[i] + short(axis, i),
  );
  const outputPadding: readonly [number, number] = same
    ? [given[0] + short(axes[0], 0), given[1] + short(axes[1], 1)]
    : given;
  axes.forEach(({ stride }, i) => {
    if (outputPadding[i] < stride) return;
    throw new ShapeError(
      `conv2dTranspose: outputPadding ${outputPadding[i]} must be below the stride ${stride}; pad the result instead.`,
    );
  });
  return convTransposeOp([x, w], { axes, outputPadding });
}
/** @internal */
conv2dTranspose.is = convTransposeOp.is;

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
