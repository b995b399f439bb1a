import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { build } from "../../src/compile/index.ts";
import { ShapeError } from "../../src/errors.ts";
import { lstm, parametersOf } from "../../src/nn/index.ts";
import { grad, input, mul, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

// PyTorch 1.13 in float64: lstm-reference.py.
const reference: {
  readonly x: number[];
  readonly hidden: number[];
  readonly cell: number[];
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly outputs: number[];
  readonly last: number[];
  readonly gradients: Readonly<Record<string, number[]>>;
} = JSON.parse(readFileSync(new URL("lstm-reference.json", import.meta.url), "utf8"));

test.each(["host", "native"] as const)("states and gradients are PyTorch's: %s", async (executor) => {
  const layer = lstm(3, 4, { dtype: "float64" });
  const [x, hidden, cell] = [
    input("x", [2, 5, 3], "float64"),
    input("h", [2, 4], "float64"),
    input("c", [2, 4], "float64"),
  ];
  const { outputs: y, state } = layer.applyFrom({ hidden, cell }, x);
  const weight = tensor(
    Array.from({ length: 40 }, (_, i) => Math.cos(i)),
    { dtype: "float64" },
  ).reshape([2, 5, 4]);
  const list = parametersOf(layer);
  const inputs = [x, hidden, cell];
  const gradients = grad(sum(mul(y, weight)), [...list.map((p) => p.tensor), ...inputs]);
  const outputs = [y, state.cell, ...gradients];
  const program = await build(outputs, { executor, threads: 1 });
  const values = new Map<Tensor, number[]>([
    [x, reference.x],
    [hidden, reference.hidden],
    [cell, reference.cell],
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
    reference.last,
    ...[...list.map((p) => p.name), "x", "hidden", "cell"].map((name) => reference.gradients[name]),
  ];
  out.forEach((v, i) => {
    expect(v.length).toBe(expected[i].length);
    v.forEach((n, j) => {
      expect(n).toBeCloseTo(expected[i][j], 10);
    });
  });
});

test("apply begins with zeros; other shapes are refused", () => {
  const layer = lstm(3, 4);
  expect(layer.apply(input("x", [2, 5, 3])).shape).toEqual([2, 5, 4]);
  expect(parametersOf(layer).map((p) => p.name)).toEqual([
    "inputWeight",
    "inputBias",
    "stateWeight",
    "stateBias",
  ]);
  expect(() => layer.apply(input("x", [5, 3]))).toThrow(ShapeError);
  const [hidden, cell] = [input("h", [2, 4]), input("c", [3, 4])];
  expect(() => layer.applyFrom({ hidden, cell }, input("x", [2, 5, 3]))).toThrow(
    /'cell' of the first state of shape \[2, 4\]/,
  );
});
