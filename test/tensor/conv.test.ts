import { describe, expect, test } from "vitest";
import { compileHost } from "../../src/compile/host.ts";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import {
  constant,
  conv2d,
  conv2dTranspose,
  grad,
  input,
  type Shape,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";
import { sizeOf } from "../../src/tensor/shape.ts";

/** r(*s) in the comments: ((7 k) mod 11 − 5 for k = 0, 1, …).reshape(s) */
const ramp = (shape: Shape) =>
  constant(
    Array.from({ length: sizeOf(shape) }, (_, k) => ((7 * k) % 11) - 5),
    shape,
    "float64",
  );

const evaluate = (t: Tensor): number[] => {
  const out = new Float64Array(t.size);
  compileHost([t]).bind([], [out])();
  return Array.from(out);
};

describe("against torch 1.13", () => {
  test("conv2d and its gradients, uneven strides, padding and dilations", () => {
    const x = ramp([1, 2, 4, 5]);
    const w = ramp([2, 2, 3, 2]);
    const y = conv2d(x, w, { strides: [2, 1], padding: [1, 0], dilations: [1, 2] });
    expect(y.shape).toEqual([1, 2, 2, 3]);
    // F.conv2d(r(1,2,4,5), r(2,2,3,2), stride=(2,1), padding=(1,0), dilation=(1,2))
    expect(evaluate(y)).toEqual([-20, 26, 17, 46, -44, 20, -35, -15, 5, 17, -35, -21]);
    const [gx, gw] = grad(sum(y.mul(ramp(y.shape))), [x, w]);
    // (y * r(*y.shape)).sum().backward(); x.grad, w.grad
    expect(evaluate(gx)).toEqual([
      30, -4, -37, 10, -14, -36, -5, 50, -2, -6, 5, -7, 9, 4, -20, -4, 4, 9, -7, -11, 32, -8, -23, 6, -2, 5,
      2, 31, -6, 22, -11, -7, 9, 4, -4, -20, 4, 9, -7, 5,
    ]);
    expect(evaluate(gw)).toEqual([
      -11, -13, 17, 11, 13, 18, 35, -11, -21, 17, -25, 13, -13, -11, -20, -29, -26, 20, 29, -13, 22, -20, 16,
      -26,
    ]);
  });

  test("conv2dTranspose and its gradients, with rows added at the end", () => {
    const x = ramp([1, 2, 2, 3]);
    const w = ramp([2, 1, 3, 2]);
    const y = conv2dTranspose(x, w, { strides: [2, 3], padding: [1, 0], outputPadding: [1, 2] });
    expect(y.shape).toEqual([1, 1, 4, 10]);
    // F.conv_transpose2d(r(1,2,2,3), r(2,1,3,2), stride=(2,3), padding=(1,0), output_padding=(1,2))
    expect(evaluate(y)).toEqual([
      -6, -13, 0, -4, 10, 0, 20, -22, 0, 0, -22, 5, 0, -7, -4, 0, -3, 20, 0, 0, -22, 34, 0, 2, 2, 0, 26, -30,
      0, 0, 2, -30, 0, 2, 2, 0, 2, 34, 0, 0,
    ]);
    const [gx, gw] = grad(sum(y.mul(ramp(y.shape))), [x, w]);
    // (y * r(*y.shape)).sum().backward(); x.grad, w.grad
    expect(evaluate(gx)).toEqual([34, -22, -23, -29, -5, 8, 52, -40, -33, -30, -27, -35]);
    expect(evaluate(gw)).toEqual([2, -32, 41, -6, -33, 41, 14, -40, -34, 22, -24, -34]);
  });

  test('"same" puts the odd row at the end: pads (0, 1) and (1, 1) here', () => {
    const y = conv2d(ramp([1, 1, 4, 5]), ramp([1, 1, 3, 3]), { strides: 2, padding: "same" });
    expect(y.shape).toEqual([1, 1, 2, 3]);
    // F.conv2d(F.pad(r(1,1,4,5), (1,1,0,1)), r(1,1,3,3), stride=2)
    expect(evaluate(y)).toEqual([-9, -4, -48, 18, 22, 16]);
  });

  test('"same" of the transpose crops the odd row at the end', () => {
    const y = conv2dTranspose(ramp([1, 1, 2, 2]), ramp([1, 1, 3, 3]), { strides: 2, padding: "same" });
    expect(y.shape).toEqual([1, 1, 4, 4]);
    // F.conv_transpose2d(r(1,1,2,2), r(1,1,3,3), stride=2)[:, :, 0:4, 0:4]
    expect(evaluate(y)).toEqual([25, -10, 0, 4, -25, -5, 25, 2, -10, -4, 7, 10, -10, -2, 31, 5]);
  });
});

describe("shapes", () => {
  const x = input("x", [8, 3, 28, 27]);
  const w = input("w", [16, 3, 5, 4]);
  const down = input("w", [3, 16, 5, 4]);

  test.each([1, 2, 3, 6])('"same" with stride %i: ⌈size / stride⌉, and size · stride back', (stride) => {
    const options = { strides: stride, padding: "same" } as const;
    expect(conv2d(x, w, options).shape).toEqual([8, 16, Math.ceil(28 / stride), Math.ceil(27 / stride)]);
    expect(conv2dTranspose(x, down, options).shape).toEqual([8, 16, 28 * stride, 27 * stride]);
  });

  test("valid is no padding, and the transpose undoes a convolution's shape", () => {
    const y = conv2d(x, w, { strides: 2, padding: "valid" });
    expect(y.shape).toEqual([8, 16, 12, 12]);
    const back = conv2dTranspose(y, w, { strides: 2, padding: "valid", outputPadding: [1, 1] });
    expect(back.shape).toEqual([8, 3, 28, 27]);
  });

  test("the transpose is the adjoint: ⟨conv(x), y⟩ = ⟨x, transpose(y)⟩ for the same padding", () => {
    const options = { strides: 2, padding: "same" } as const;
    const [image, kernel] = [ramp([2, 3, 6, 8]), ramp([4, 3, 3, 2])];
    const y = conv2d(image, kernel, options);
    const g = ramp(y.shape);
    const left = evaluate(sum(y.mul(g)));
    // Whole numbers far below 2^53: exact.
    expect(evaluate(sum(image.mul(conv2dTranspose(g, kernel, options))))).toEqual(left);
    expect(left[0]).not.toBe(0);
  });
});

test("native and host agree on a train-sized float32 convolution and its gradients", async () => {
  const gradients = (image: Tensor, kernel: Tensor): Tensor[] => {
    const y = conv2d(image, kernel, { strides: 2, padding: "same" });
    return grad(sum(y.mul(y)), [image, kernel]);
  };
  const feed = (shape: Shape) =>
    new ArrayValue(
      shape,
      "float32",
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
    );
  const feeds = [feed([4, 3, 13, 12]), feed([5, 3, 3, 3])];
  const host = await compile(gradients, { executor: "host" })(...feeds);
  const native = await compile(gradients, { threads: 1 })(...feeds);
  const numbers = (value: ArrayValue): number[] => Array.from(value.data, Number);
  host.forEach((value, k) => {
    const [expected, found] = [numbers(value), numbers(native[k])];
    // Sums of a few hundred float32 terms: 2^-24 · √(terms) · their size, with a margin of ten.
    const scale = Math.max(...expected.map(Math.abs));
    expect(Math.max(...expected.map((v, i) => Math.abs(v - found[i]))) / scale).toBeLessThan(1e-5);
  });
});

describe("faults", () => {
  const x = input("x", [8, 3, 28, 28]);
  test("channels that differ", () => {
    expect(() => conv2d(x, input("w", [16, 1, 3, 3]))).toThrow(
      "conv2d: x [8, 3, 28, 28] has 3 channels, w [16, 1, 3, 3] ([out, in, kernel height, kernel width]) expects 1; the channels are axis 1 of x.",
    );
    expect(() => conv2dTranspose(x, input("w", [16, 3, 3, 3]))).toThrow(
      "conv2dTranspose: x [8, 3, 28, 28] has 3 channels, w [16, 3, 3, 3] ([in, out, kernel height, kernel width]) expects 16;",
    );
  });
  test("a rank that is not 4", () => {
    expect(() => conv2d(input("x", [8, 28, 28]), input("w", [16, 1, 3, 3]))).toThrow(
      "conv2d: expected x [batch, channels, height, width] and w [out, in, kernel height, kernel width], found [8, 28, 28] and [16, 1, 3, 3].",
    );
  });
  test("a kernel larger than the image", () => {
    expect(() => conv2d(x, input("w", [4, 3, 30, 3]))).toThrow(
      "conv2d: image [28, 28] with kernel [30, 3] leaves an output of [-1, 26]; use a smaller kernel, stride or dilation, or more padding.",
    );
  });
  test("options that cannot be", () => {
    const w = input("w", [4, 3, 3, 3]);
    expect(() => conv2d(x, w, { strides: 0 })).toThrow(
      "conv2d: strides must be a whole number of at least 1, or two of them, [height, width]; found 0.",
    );
    expect(() => conv2d(x, w, { padding: [1, 0.5] })).toThrow(
      "conv2d: padding must be a whole number of at least 0, or two of them, [height, width]; found [1, 0.5].",
    );
    expect(() => conv2dTranspose(x, input("w", [3, 4, 3, 3]), { strides: 2, outputPadding: 2 })).toThrow(
      "conv2dTranspose: outputPadding 2 must be below the stride 2; pad the result instead.",
    );
  });
});
