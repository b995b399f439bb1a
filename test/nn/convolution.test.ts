import { expect, test } from "vitest";
import { convolution2d, convolutionTranspose2d, parametersOf } from "../../src/nn/index.ts";
import { input, ones } from "../../src/tensor/index.ts";
import { evaluate } from "./evaluate.ts";

const shapes = (module: unknown) => parametersOf(module).map((p) => [p.name, ...p.tensor.shape]);

test("shapes of the parameters and of the output", () => {
  const down = convolution2d(1, 32, [3, 5], { strides: 2, padding: "same" });
  expect(shapes(down)).toEqual([
    ["weight", 32, 1, 3, 5],
    ["bias", 32],
  ]);
  const h = down.apply(input("x", [8, 1, 28, 28]));
  expect(h.shape).toEqual([8, 32, 14, 14]);
  const up = convolutionTranspose2d(32, 1, 4, { strides: 2, padding: "same", bias: false });
  expect(shapes(up)).toEqual([["weight", 32, 1, 4, 4]]);
  expect(up.apply(h).shape).toEqual([8, 1, 28, 28]);
});

test("the bias is each output channel's", () => {
  const layer = convolution2d(1, 2, 2, { dtype: "float64" });
  const { weight, bias } = layer;
  if (bias === undefined) throw new Error("expected a bias");
  const values = new Map([
    [weight, [1, 2, 3, 4, 0, 0, 0, -1]],
    [bias, [0.5, 10]],
  ]);
  // Windows of ones: the sum of the taps, plus the bias.
  expect(evaluate([layer.apply(ones([1, 1, 2, 3], "float64"))], values)).toEqual([[10.5, 10.5, 9, 9]]);
});

test("a shape that does not fit names the layer, the expected and the found", () => {
  expect(() => convolution2d(3, 8, 3).apply(input("x", [8, 28, 28, 3]))).toThrow(
    "convolution2d: expected [batch, 3, height, width], found [8, 28, 28, 3]; channels come before the image's axes.",
  );
  expect(() => convolutionTranspose2d(3, 8, 3).apply(input("x", [8, 3]))).toThrow(
    "convolutionTranspose2d: expected [batch, 3, height, width], found [8, 3];",
  );
  expect(() => convolution2d(3, 8, 0)).toThrow(
    "convolution2d: the kernel's size must be a whole number of at least 1, found 0.",
  );
});
