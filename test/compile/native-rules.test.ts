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
const cube = input("cube", [6, 8, 30]);
const leaves = [x, y, a, b, c, cube];

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

describe("a sum over leading axes becomes a product with ones", () => {
  test.each([
    ["rows", sum(x, 0), 1],
    ["rows, the axis kept", sum(x, 0, { keepDims: true }), 1],
    ["two leading axes", sum(cube, [0, 1]), 1],
  ])("%s", (_, y, products) => {
    expect(names(...ruled(y)).filter((n) => n === "matmul")).toHaveLength(products);
    expect(names(...ruled(y))).not.toContain("sum");
    expectSame(y);
  });

  test.each([
    ["all axes", sum(x)],
    ["trailing axes", sum(x, 1)],
    ["an axis in between", sum(cube, 1)],
    ["float64", sum(input("wide", [3, 4], "float64"), 0)],
  ])("not %s", (_, y) => {
    expect(names(...ruled(y))).not.toContain("matmul");
  });

  test("a sum over more axes starts from one over fewer", () => {
    const outputs = [sum(cube, 1), sum(cube, [0, 1])];
    // Σ over the second axis, and of its 6 rows the product with ones: the cube is read once.
    expect(topological(ruled(...outputs)).filter((t) => t.inputs.includes(cube))).toHaveLength(1);
    expectSame(...outputs);
  });

  test("natively: bias gradients of two minibatches are one product on another", async () => {
    const outputs = [add(sum(x, 0), sum(y, 0))];
    expect(names(...ruled(...outputs))).toEqual(expect.arrayContaining(["matmulAdd", "matmul"]));
    const values = drawLeaves(leaves, 13);
    const program = await build(outputs, { threads: 1 });
    const out = new Float32Array(240);
    await program.bind(bindings(program.leaves, values), [out])();
    // 12 terms below 2: 11 roundings of at most 24 · 2⁻²⁴.
    expect(difference(out, evaluateEach(outputs, values).results[0])).toBeLessThan(11 * 24 * 2 ** -24);
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
    const box = input("box", [2, 3, 5]);
    expect(names(...ruled(add(product, box)))).not.toContain("matmulAdd");
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
