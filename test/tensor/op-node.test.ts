import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, expectTypeOf, test } from "vitest";
import * as tensors from "../../src/tensor/index.ts";
import { type NodeOf, on, ops } from "../../src/tensor/op.ts";
import { drawnCases } from "./cases.ts";

const exported: Readonly<Record<string, unknown>> = tensors;
const hasTest = (f: unknown): f is { is(t: tensors.Tensor): boolean } => typeof f === "function" && "is" in f;
const recognisers = Object.entries(exported).flatMap(([name, f]) => (hasTest(f) ? [{ name, f }] : []));

test("every function that applies an op of its name recognises its nodes, and no others", () => {
  const internal = ["constant", "input", "parameter", "noise", "matmulAdd", "scanPart", "implicit"];
  const expected = [...ops.keys()].filter((name) => !internal.includes(name)).sort();
  expect(recognisers.map(({ name }) => name).sort()).toEqual(expected);
  const nodes = drawnCases("float64").map(({ output }) => output);
  expect(nodes.length).toBeGreaterThan(80);
  for (const node of nodes)
    expect(recognisers.filter(({ f }) => f.is(node)).map(({ name }) => name)).toEqual(
      recognisers.some(({ name }) => name === node.op.name) ? [node.op.name] : [],
    );
});

test("a recognised node has its op's attributes and inputs, also for the compiler", () => {
  const t: tensors.Tensor = tensors.sum(tensors.zeros([2, 3]), 1);
  if (!tensors.sum.is(t)) throw new Error("a sum is a sum");
  expectTypeOf(t.attributes.axes).toEqualTypeOf<readonly number[]>();
  expectTypeOf(t.inputs.length).toEqualTypeOf<1>();
  expectTypeOf<NodeOf<typeof tensors.mul>["inputs"]["length"]>().toEqualTypeOf<2>();
  expect(t.attributes.axes).toEqual([1]);
});

test("a rule for one op gives nothing on another", () => {
  const axes = on(tensors.sum, (node, more: number) => node.attributes.axes.length + more);
  const x = tensors.zeros([2, 3]);
  expect(axes(tensors.sum(x), 10)).toBe(12);
  expect(axes(tensors.max(x), 10)).toBeUndefined();
});

test("ops are recognised by their own tests, not by name, and attributes are not cast", () => {
  const src = join(import.meta.dirname, "..", "..", "src");
  const files = (readdirSync(src, { recursive: true }) as string[]).filter((path) => path.endsWith(".ts"));
  const byName = /\bop\.name\s*[!=]==|\[[^\]\n]*\bop\.name\s*\]|\battributes as\b|\.op\s*[!=]==/;
  const found = files.flatMap((path) =>
    readFileSync(join(src, path), "utf8")
      .split("\n")
      .flatMap((line, i) => (byName.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
  // The one place where a test is made.
  expect(found.map((line) => line.replace(/:\d+:/, ":"))).toEqual([
    "tensor/op.ts: const is = (t: Tensor): t is OpNode<A, I> => t.op === erased;",
  ]);
});
