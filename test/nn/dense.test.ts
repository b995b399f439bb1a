import { expect, test } from "vitest";
import { dense } from "../../src/nn/index.ts";
import { grad, input, sum, tensor } from "../../src/tensor/index.ts";
import { evaluate } from "./evaluate.ts";

test("y = x W + b, over any leading axes", () => {
  const layer = dense(2, 3, { dtype: "float64" });
  const { weight, bias } = layer;
  if (bias === undefined) throw new Error("expected a bias");
  const values = new Map([
    [weight, [1, 2, 3, 4, 5, 6]],
    [bias, [0.5, -1, 0]],
  ]);
  const rows = tensor(
    [
      [1, 0],
      [2, -1],
    ],
    { dtype: "float64" },
  );
  // (1, 0) [[1, 2, 3], [4, 5, 6]] + b, and (2, −1) …, by hand
  const expected = [1.5, 1, 3, -1.5, -2, 0];
  expect(evaluate([layer.apply(rows)], values)).toEqual([expected]);
  const deep = layer.apply(rows.reshape([1, 2, 1, 2]));
  expect(deep.shape).toEqual([1, 2, 1, 3]);
  expect(evaluate([deep], values)).toEqual([expected]);
  const [g] = grad(sum(deep), [weight]);
  // Σ over rows of x, for every output
  expect(evaluate([g], values)).toEqual([[3, 3, 3, -1, -1, -1]]);
  expect(layer.apply(input("x", [2], "float64")).shape).toEqual([3]);
});

test("without bias", () => {
  const layer = dense(2, 3, { bias: false });
  expect(layer.bias).toBeUndefined();
  expect(Object.keys(layer)).not.toContain("bias");
});

test("a shape that does not fit names the layer, the expected and the found", () => {
  expect(() => dense(784, 400).apply(input("x", [128, 700]))).toThrow(
    "dense: expected last axis 784, found [128, 700]; reshape the input, or build the layer with that many inputs.",
  );
  expect(() => dense(784, 400).apply(input("x", []))).toThrow("dense: expected last axis 784, found []");
  expect(() => dense(0, 400)).toThrow("dense: inputs must be a whole number of at least 1, found 0.");
});
