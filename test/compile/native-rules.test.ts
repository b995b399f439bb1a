import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { isElementwise, topological } from "../../src/compile/graph.ts";
import { applyNativeRules } from "../../src/compile/native-rules.ts";
import { simplify } from "../../src/compile/simplify.ts";
import {
  add,
  greater,
  input,
  isConstant,
  log,
  matmul,
  maximum,
  mul,
  neg,
  sigmoid,
  softplus,
  sub,
  sum,
  type Tensor,
  where,
} from "../../src/tensor/index.ts";
import { softplusTail } from "../../src/tensor/ops/transcendental.ts";
import { bindings, difference, drawLeaves, evaluateEach } from "./graphs.ts";

const x = input("x", [6, 240]);
const y = input("y", [6, 240]);
const a = input("a", [3, 4]);
const b = input("b", [4, 5]);
const c = input("c", [5]);
const cube = input("cube", [6, 8, 30]);
const wide = input("wide", [4, 2048]);
const leaves = [x, y, a, b, c, cube, wide];

const names = (...outputs: Tensor[]) => topological(outputs).map((t) => t.op.name);
const ruled = (...outputs: Tensor[]) => applyNativeRules(simplify(outputs));

/** The float64 values before and after the rules. */
function expectSame(...outputs: Tensor[]): void {
  const values = drawLeaves(leaves, 11);
  const before = evaluateEach(outputs, values).results;
  evaluateEach(ruled(...outputs), values).results.forEach((r, i) => {
    // Sums of at most 8192 terms below 10 in another order: 8192 · 81920 · 2⁻⁵³ at the very worst.
    expect(difference(r, before[i])).toBeLessThan(8192 * 81920 * 2 ** -53);
  });
}

/** What softplus adds to max(x, 0). */
const tail = softplusTail;

describe("a sum of ln(1 + e^−|x|) takes the logarithm of an eighth of the elements", () => {
  const cases: [string, Tensor][] = [
    ["alone", sum(tail(wide), -1)],
    ["over both axes", sum(tail(wide))],
    ["axes kept", sum(tail(wide), [0, 1], { keepDims: true })],
    [
      "in a difference: the cross entropy of logits",
      sum(sub(mul(wide, wide), sub(maximum(wide, 0), tail(wide))), -1),
    ],
    ["negated", sum(neg(add(tail(wide), wide)), -1)],
  ];
  test.each(cases)("%s", (_, loss) => {
    const logs = topological(ruled(loss)).filter((t) => log.is(t));
    expect(logs.map((t) => t.size)).toEqual([wide.size / 8]);
    expectSame(loss);
  });

  test.each([
    ["where the logarithms are needed besides", [sum(tail(wide), -1), tail(wide)]],
    ["of few elements", [sum(tail(x), -1)]],
    ["over an axis of odd length", [sum(tail(input("odd", [4, 2047])), -1)]],
  ])("not %s", (_, outputs) => {
    expect(names(...ruled(...outputs))).not.toContain("log");
  });

  test("natively it keeps its digits where every term is far below 1", async () => {
    for (const logit of [0.3, -5, -12, -16, -20, -40, -80]) {
      const program = await build([sum(softplus(wide), -1)], { threads: 1 });
      const out = new Float32Array(4);
      await program.bind([new Float32Array(wide.size).fill(logit)], [out])();
      // Sums of 2,048 float32 terms, and e^x with the runtime's rounding of x: some 2⁻²⁴ for each halving and step.
      for (const v of out)
        expect(Math.abs(v / (2048 * Math.log1p(Math.exp(Math.fround(logit)))) - 1)).toBeLessThan(2e-6);
    }
  });
});

describe("softplus and the logistic function of one x share an exponential", () => {
  test("as in a cross entropy and its gradient", () => {
    const native = names(...ruled(sum(softplusTail(x)), sigmoid(x)));
    expect(native.filter((name) => name === "exp")).toHaveLength(1);
    expect(native).not.toContain("sigmoid");
    expectSame(sum(softplusTail(x)), sigmoid(x));
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

describe("an operand of one element has as many dimensions as the result, where this ends in a dimension of size 1", () => {
  const column = input("column", [300, 1]);
  const one = input("one", [1]);
  const cases: [string, Tensor][] = [
    ["a constant", mul(add(column, 1), 3)],
    ["a leaf", mul(column, one)],
    ["the branch of a choice", where(greater(column, 0), column, 2)],
    ["a matrix product's bias is left alone", add(matmul(input("m", [300, 4]), input("w", [4, 1])), one)],
  ];
  test.each(cases)("%s", async (_, output) => {
    for (const node of topological(ruled(output))) {
      if (!isElementwise(node) || node.size === 1) continue;
      for (const operand of node.inputs) expect(operand.rank).toBe(node.rank);
    }
    const values = drawLeaves(
      topological([output]).filter((t) => t.op.native === "leaf" && !isConstant(t)),
      3,
    );
    const [before] = evaluateEach([output], values).results;
    // The product that starts from its bias adds five terms below 20 in another order.
    expect(difference(evaluateEach(ruled(output), values).results[0], before)).toBeLessThan(
      5 * 100 * 2 ** -53,
    );
  });
});
