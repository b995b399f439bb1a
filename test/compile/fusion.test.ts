import fc from "fast-check";
import { expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { topological } from "../../src/compile/graph.ts";
import { compileHost } from "../../src/compile/host.ts";
import { simplify } from "../../src/compile/simplify.ts";
import {
  add,
  exp,
  greater,
  input,
  mul,
  reshape,
  sub,
  sum,
  type Tensor,
  tanh,
  where,
} from "../../src/tensor/index.ts";
import { bindings, difference, drawLeaves, evaluateEach, evaluateHost, randomGraph } from "./graphs.ts";

/** fast-check's own seed: the graphs are the same in every run. */
const SEED = 7;

test("fused loops give exactly what one op at a time gives, on random graphs that broadcast", () => {
  fc.assert(
    fc.property(
      randomGraph({ dtype: "float64", jumps: true }),
      fc.nat({ max: 1e6 }),
      ({ leaves, outputs }, seed) => {
        const values = drawLeaves(leaves, seed);
        const fused = evaluateHost(outputs, values);
        const { results } = evaluateEach(outputs, values);
        // The same float64 operations in the same order.
        for (const [i, r] of fused.entries()) expect(difference(r, results[i])).toBe(0);
      },
    ),
    { numRuns: 400, seed: SEED },
  );
});

test("simplification keeps the values of random graphs, and never adds nodes", () => {
  let removed = 0;
  fc.assert(
    fc.property(randomGraph({ dtype: "float64" }), fc.nat({ max: 1e6 }), ({ leaves, outputs }, seed) => {
      const values = drawLeaves(leaves, seed);
      const { results, largest } = evaluateEach(outputs, values);
      const simpler = simplify(outputs);
      const after = evaluateEach(simpler, values);
      // Rules that reassociate change the rounding: at most 14 ops, each 2⁻⁵³ of the largest value, each amplified by
      // the slopes after it, of which a matrix product with itself (4 terms, both sides) has the largest.
      const allowed = 1e-12 * (1 + largest);
      for (const [i, r] of after.results.entries()) {
        expect(simpler[i].shape).toEqual(outputs[i].shape);
        expect(difference(r, results[i])).toBeLessThanOrEqual(allowed);
      }
      const [before, now] = [topological(outputs).length, topological(simpler).length];
      expect(now).toBeLessThanOrEqual(before);
      removed += before - now;
    }),
    { numRuns: 400, seed: SEED },
  );
  // Otherwise the rules were never met.
  expect(removed).toBeGreaterThan(200);
});

test("native and host agree on random float32 graphs", async () => {
  await fc.assert(
    fc.asyncProperty(
      randomGraph({ dtype: "float32" }),
      fc.nat({ max: 1e6 }),
      async ({ leaves, outputs }, seed) => {
        const values = drawLeaves(leaves, seed);
        const { results, largest } = evaluateEach(outputs, values);
        const program = await build(outputs, { threads: 1 });
        const out = outputs.map((t) => new Float32Array(t.size));
        await program.bind(bindings(program.leaves, values), out)();
        // 2⁻²⁴ a rounding, 30 of them, and the slopes after each: see above.
        for (const [i, r] of out.entries())
          expect(difference(r, results[i])).toBeLessThanOrEqual(2e-5 * (1 + largest));
      },
    ),
    { numRuns: 120, seed: SEED },
  );
});

test("a chain of element-wise ops is one loop; a value read twice is stored once", () => {
  const x = input("x", [3, 4], "float64");
  const row = input("row", [4], "float64");
  expect(compileHost([tanh(exp(mul(add(x, row), 2)))]).nodes).toBe(1);
  const shared = exp(x);
  expect(compileHost([add(tanh(shared), shared)]).nodes).toBe(2);
  // Computed for 4 elements, not for 12.
  expect(compileHost([add(x, exp(row))]).nodes).toBe(2);
});

test("an expression of more than 24 ops is stored in between and stays right", () => {
  const x = input("x", [5], "float64");
  let y: Tensor = x;
  for (let i = 0; i < 100; i++) y = sub(mul(y, 0.5), 1);
  const program = compileHost([y]);
  expect(program.nodes).toBeGreaterThan(4);
  expect(program.nodes).toBeLessThan(20);
  // y ← y/2 − 1 has the fixed point −2, approached by 2⁻¹⁰⁰.
  expect(evaluateHost([y], new Map([[x, [1, 2, 3, 4, 5]]]))[0]).toEqual([-2, -2, -2, -2, -2]);
});

test("NaN and infinities pass through both executors alike", async () => {
  const x = input("x", [5]);
  const outputs = [add(x, 1), mul(x, 0), where(greater(x, 0), x, -1), tanh(x), exp(x)];
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1];
  const expected = evaluateEach(outputs, new Map([[x, values]])).results;
  // 0 · NaN and 0 · ∞ are NaN.
  expect(expected[1]).toEqual([Number.NaN, Number.NaN, Number.NaN, 0, 0]);
  for (const executor of ["host", "native"] as const) {
    const program = await build(outputs, { executor, threads: 1 });
    const out = outputs.map((t) => new Float32Array(t.size));
    await program.bind([Float32Array.from(values)], out)();
    for (const [i, r] of out.entries())
      expect(difference(r, expected[i]), `${executor} ${outputs[i]}`).toBeLessThan(1e-6);
  }
});

test("empty tensors and single elements", () => {
  const x = input("x", [0, 3], "float64");
  const one = input("one", [1, 1], "float64");
  expect(evaluateHost([sum(x, 0), exp(x)], new Map([[x, []]]))).toEqual([[0, 0, 0], []]);
  expect(evaluateHost([reshape(add(one, one), [])], new Map([[one, [2]]]))).toEqual([[4]]);
});
