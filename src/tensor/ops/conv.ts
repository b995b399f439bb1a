/** Two-dimensional convolution and its transpose (adjoint). The derivatives of each are written with both. */

import { ShapeError } from "../../errors.ts";
import { checkOptions } from "../../options.ts";
import { fullBatch, type Lane } from "../lanes.ts";
import { constant, input } from "../leaf.ts";
import { type DefinedOp, defineOp, type HostKernel, type OpCase, type OpNode } from "../op.ts";
import { formatShape, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  type Axis,
  type Conv2dOptions,
  type Conv2dTransposeOptions,
  type ConvAttributes,
  checkOutput,
  conv2dRules,
  conv2dTransposeRules,
  convSize,
  inferOperands,
  pairOf,
  reach,
  resolveAxes,
  slack,
  type TransposeAttributes,
  transposeSize,
} from "./conv-geometry.ts";
import { gather } from "./gather.ts";
import { matmul } from "./matmul.ts";
import { reshape, transpose, unsqueeze } from "./movement.ts";
import { flip, pad, slice } from "./parts.ts";

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
