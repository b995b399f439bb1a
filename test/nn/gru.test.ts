import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { build } from "../../src/compile/index.ts";
import { ShapeError } from "../../src/errors.ts";
import { gru, parametersOf } from "../../src/nn/index.ts";
import { grad, input, mul, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

// PyTorch 1.13 in float64: gru-reference.py.
const reference: {
  readonly x: number[];
  readonly initial: number[];
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly outputs: number[];
  readonly gradients: Readonly<Record<string, number[]>>;
} = JSON.parse(readFileSync(new URL("gru-reference.json", import.meta.url), "utf8"));

test.each(["host", "native"] as const)("states and gradients are PyTorch's: %s", async (executor) => {
  const layer = gru(3, 4, { dtype: "float64" });
  const [x, h] = [input("x", [2, 5, 3], "float64"), input("h", [2, 4], "float64")];
  const y = layer.applyFrom(h, x);
  const weight = tensor(
    Array.from({ length: 40 }, (_, i) => Math.cos(i)),
    { dtype: "float64" },
  ).reshape([2, 5, 4]);
  const list = parametersOf(layer);
  const outputs = [y, ...grad(sum(mul(y, weight)), [...list.map((p) => p.tensor), x])];
  const program = await build(outputs, { executor, threads: 1 });
  const values = new Map<Tensor, number[]>([
    [x, reference.x],
    [h, reference.initial],
    ...list.map(({ name, tensor: t }) => [t, reference.parameters[name]] as const),
  ]);
  const out = outputs.map((t) => new Float64Array(t.size));
  await program.bind(
    program.leaves.map((l) => Float64Array.from(values.get(l) ?? [])),
    out,
  )();
  await program.release();
  const expected = [
    reference.outputs,
    ...list.map((p) => reference.gradients[p.name]),
    reference.gradients.x,
  ];
  out.forEach((v, i) => {
    v.forEach((n, j) => {
      expect(n).toBeCloseTo(expected[i][j], 10);
    });
  });
});

test("apply begins with zeros; other shapes are refused", () => {
  const layer = gru(3, 4);
  expect(layer.apply(input("x", [2, 5, 3])).shape).toEqual([2, 5, 4]);
  expect(parametersOf(layer).map((p) => p.name)).toEqual([
    "inputWeight",
    "inputBias",
    "stateWeight",
    "stateBias",
  ]);
  expect(() => layer.apply(input("x", [5, 3]))).toThrow(ShapeError);
  expect(() => layer.applyFrom(input("h", [3, 4]), input("x", [2, 5, 3]))).toThrow(
    /first state of shape \[2, 4\]/,
  );
});
