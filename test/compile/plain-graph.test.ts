import { expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { fromPlainGraph, toPlainGraph } from "../../src/compile/plain-graph.ts";
import { inPrecision } from "../../src/compile/precision.ts";
import { chooseExecutor } from "../../src/compile/work.ts";
import { InternalError } from "../../src/errors.ts";
import {
  cholesky,
  exp,
  grad,
  input,
  lgamma,
  matmul,
  sum,
  type Tensor,
  tanh,
  tensor,
  where,
} from "../../src/tensor/index.ts";

/** Casts, comparisons, a kernel and constants: what a density is made of. */
function example() {
  const x = input("x", [3]);
  const w = tensor([
    [1, 2, 3],
    [4, 5, 6.1],
  ]);
  const value = sum(
    lgamma(exp(matmul(w, x).mul(0.1)).add(where(x.greater(0).cast("float32").sum().greater(1), 0.5, 1))),
  );
  return { x, outputs: [value, ...grad(value, [x])] };
}

async function valuesOf(outputs: readonly Tensor[], x: Float64Array): Promise<Float64Array[]> {
  const compiled = await build(outputs, { executor: "host" });
  const results = outputs.map((t) => new Float64Array(t.size));
  await compiled.bind(
    compiled.leaves.map(() => x),
    results,
  )();
  return results;
}

test("a graph survives copying as plain data: the same numbers to the last bit", async () => {
  const { x, outputs } = example();
  const copied = fromPlainGraph(structuredClone(toPlainGraph(outputs, [x])));
  expect(copied.leaves.map((t) => t.shape)).toEqual([[3]]);
  const at = Float64Array.of(0.3, -0.7, 1.9);
  expect(await valuesOf(copied.outputs, at)).toEqual(await valuesOf(outputs, at));
});

test("a leaf that nobody binds is a fault of ours", () => {
  const { outputs } = example();
  expect(() => toPlainGraph(outputs, [])).toThrow(InternalError);
});

test("a graph in another precision: every float of it, the same numbers on the host", async () => {
  const { outputs } = example();
  const converted = inPrecision(outputs, "float64");
  expect(converted.outputs.map((t) => t.dtype)).toEqual(["float64", "float64"]);
  expect([...converted.leaves.values()].map((t) => t.dtype)).toEqual(["float64"]);
  const at = Float64Array.of(0.3, -0.7, 1.9);
  const [a, b] = [await valuesOf(converted.outputs, at), await valuesOf(outputs, at)];
  expect(a[0][0]).toBeCloseTo(b[0][0], 13);
  expect(inPrecision(converted.outputs, "float64").outputs).toEqual(converted.outputs);
});

test("a graph of many nodes and few elements is for the host, one of many elements native", () => {
  const chain = (nodes: number, size: number) => {
    let y: Tensor = input("y", [size]);
    for (let i = 0; i < nodes; i++) y = tanh(y.mul(0.5));
    return sum(y);
  };
  // A recursion over 200 steps writes 4,000 elements and more, one at a time.
  expect(chooseExecutor([chain(200, 10)])).toBe("host");
  expect(chooseExecutor([chain(5, 10_000)])).toBe("native");
});

test("small graphs are for the host, large ones native, factors from a few dozen rows on, and what has no native form for the host", () => {
  const square = (n: number) => sum(matmul(input("a", [n, n]), input("b", [n, n])));
  expect([10, 100].map((n) => chooseExecutor([square(n)]))).toEqual(["host", "native"]);
  const factor = (n: number) => sum(cholesky(input("a", [n, n])));
  expect([10, 300].map((n) => chooseExecutor([factor(n)]))).toEqual(["host", "native"]);
});
