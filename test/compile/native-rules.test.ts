import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { topological } from "../../src/compile/graph.ts";
import { applyNativeRules } from "../../src/compile/native-rules.ts";
import { simplify } from "../../src/compile/simplify.ts";
import {
  abs,
  add,
  input,
  log,
  matmul,
  maximum,
  mul,
  neg,
  sigmoid,
  sub,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";
import { bindings, difference, drawLeaves, evaluateEach } from "./graphs.ts";

const x = input("x", [6, 240]);
const y = input("y", [6, 240]);
const a = input("a", [3, 4]);
const b = input("b", [4, 5]);
const c = input("c", [5]);
const leaves = [x, y, a, b, c];

const names = (...outputs: Tensor[]) => topological(outputs).map((t) => t.op.name);
const ruled = (...outputs: Tensor[]) => applyNativeRules(simplify(outputs));

/** The float64 values before and after the rules. */
function expectSame(...outputs: Tensor[]): void {
  const values = drawLeaves(leaves, 11);
  const before = evaluateEach(outputs, values).results;
  evaluateEach(ruled(...outputs), values).results.forEach((r, i) => {
    // Sums of 1440 terms below 10 in another order: 1440 · 14400 · 2⁻⁵³ at the very worst.
    expect(difference(r, before[i])).toBeLessThan(1440 * 14400 * 2 ** -53);
  });
}

/** ln σ(|x|), of which softplus is made. */
const tail = (t: Tensor) => log(sigmoid(abs(t)));

describe("a sum of ln σ(|x|) becomes logarithms of products", () => {
  test.each([
    ["alone", sum(tail(x), -1)],
    ["over both axes", sum(tail(x))],
    ["axes kept", sum(tail(x), [0, 1], { keepDims: true })],
    ["in a difference: the cross entropy of logits", sum(sub(mul(x, y), sub(maximum(x, 0), tail(x))), -1)],
    ["negated", sum(neg(add(tail(x), y)), -1)],
  ])("%s", (_, loss) => {
    expect(names(...ruled(loss))).toContain("prod");
    // 240 factors in two groups of 120: a logarithm for each group, none for each element.
    for (const t of topological(ruled(loss))) if (t.op.name === "log") expect(t.size).toBe(12);
    expectSame(loss);
  });

  test.each([
    ["over the rows alone", [sum(tail(x), 0)]],
    ["when the logarithms are needed besides", [sum(tail(x), -1), tail(x)]],
    ["for other logarithms, whose products could overflow", [sum(log(abs(x)), -1)]],
  ])("not %s", (_, outputs) => {
    expect(names(...ruled(...outputs))).not.toContain("prod");
    expectSame(...outputs);
  });

  test("logits of 0 give 240 factors of ½: no product leaves float32", async () => {
    const program = await build([sum(tail(x), -1)], { threads: 1 });
    const out = new Float32Array(6);
    await program.bind([new Float32Array(x.size)], [out])();
    for (const v of out) expect(v / (-240 * Math.LN2)).toBeCloseTo(1, 6);
  });

  test("a row length without a divisor from 8 to 120 keeps its sum", () => {
    expect(names(...ruled(sum(tail(input("prime", [2, 127])), -1)))).not.toContain("prod");
  });
});

describe("a·b + c becomes one product", () => {
  test.each([
    ["bias", add(matmul(a, b), c)],
    ["bias first", add(c, matmul(a, b))],
    ["matrix", add(matmul(a, b), matmul(a, mul(b, 2)))],
    ["transposed", add(matmul(b, a, { transposeA: true, transposeB: true }), 1)],
  ])("%s", (_, y) => {
    expect(names(...ruled(y))).toContain("matmulAdd");
    expect(names(...ruled(y))).not.toContain("add");
    expectSame(y);
  });

  test("not when the product is needed besides, nor when c is the larger one", () => {
    const product = matmul(a, b);
    expect(names(...ruled(add(product, c), product))).not.toContain("matmulAdd");
    const cube = input("cube", [2, 3, 5]);
    expect(names(...ruled(add(product, cube)))).not.toContain("matmulAdd");
    expectSame(add(product, c), product);
  });

  test("natively", async () => {
    const values = drawLeaves(leaves, 12);
    const y = add(matmul(a, b), c);
    const program = await build([y], { threads: 1 });
    const out = new Float32Array(15);
    await program.bind(bindings(program.leaves, values), [out])();
    // 4 products below 4: 5 roundings of at most 18 · 2⁻²⁴.
    expect(difference(out, evaluateEach([y], values).results[0])).toBeLessThan(5 * 18 * 2 ** -24);
  });
});
