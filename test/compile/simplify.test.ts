import { describe, expect, test } from "vitest";
import { topological } from "../../src/compile/graph.ts";
import { regroup } from "../../src/compile/regroup.ts";
import { simplify } from "../../src/compile/simplify.ts";
import {
  add,
  arange,
  cholesky,
  constant,
  div,
  exp,
  expand,
  eye,
  full,
  gather,
  grad,
  input,
  isNan,
  log,
  matmul,
  mul,
  neg,
  noise,
  pow,
  relu,
  reshape,
  scalar,
  scatterAdd,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
} from "../../src/tensor/index.ts";
import { difference, drawLeaves, evaluateEach } from "./graphs.ts";

const F = "float64";
const x = input("x", [3, 4], F);
const y = input("y", [3, 4], F);
const row = input("row", [4], F);
const cube = input("cube", [2, 3, 4], F);
const leaves = [x, y, row, cube];

/** The ops of a graph without its leaves, sorted: what is left to do. */
const work = (...outputs: Tensor[]) =>
  topological(outputs)
    .filter((t) => t.inputs.length > 0)
    .map((t) => t.op.name)
    .sort()
    .join(" ");

/** Each: what goes in, and the ops that are left of it. */
const rules: readonly (readonly [string, Tensor, string])[] = [
  ["x + 0, which is 0 for −0", add(x, 0), "add"],
  ["x + (−0)", add(x, -0), ""],
  ["−0 + x", add(-0, x), ""],
  ["eˣ + 0, which is never −0", add(exp(x), 0), "exp"],
  ["0 + (y + (x · x))", add(0, add(y, mul(x, x))), "add mul"],
  ["row − zeros of a larger shape is an expansion", sub(row, full([3, 4], 0, F)), "expand"],
  ["x + (−y)", add(x, neg(y)), "sub"],
  ["(−x) + y", add(neg(x), y), "sub"],
  ["x − 0", sub(x, 0), ""],
  ["−0 − x", sub(-0, x), "neg"],
  ["0 − x, which is 0 for 0", sub(0, x), "sub"],
  ["x − (−y)", sub(x, neg(y)), "add"],
  ["x · 1", mul(x, 1), ""],
  ["1 · x", mul(1, x), ""],
  ["x · −1", mul(x, -1), "neg"],
  ["(−x) · 3", mul(neg(x), 3), "mul"],
  ["(x · 2) · 3", mul(mul(x, 2), 3), "mul"],
  ["3 · (x · ones·2)", mul(3, mul(full([3, 4], 2, F), x)), "mul"],
  ["x / 1", div(x, 1), ""],
  ["x / 8 is an exact product", div(x, 8), "mul"],
  ["x / 3 is not", div(x, 3), "div"],
  ["−(−x)", neg(neg(x)), ""],
  ["−(x − y), which is −0 where they are equal", neg(sub(x, y)), "neg sub"],
  ["−(x · 2)", neg(mul(x, 2)), "mul"],
  ["−(2 · x)", neg(mul(2, x)), "mul"],
  ["x¹", pow(x, 1), ""],
  ["x²", pow(x, 2), "mul"],
  ["√ of a positive power", pow(exp(x), 0.5), "exp sqrt"],
  ["sum of a sum", sum(sum(cube, 1), 1), "sum"],
  ["sum of a sum, axes kept", sum(sum(cube, 1, { keepDims: true }), [0, 1], { keepDims: true }), "sum"],
  ["sum of a sum, axes of the smaller tensor", sum(sum(cube, 0), 0), "sum"],
  ["sum of a sum that kept its axes, over them too", sum(sum(cube, 1, { keepDims: true })), "sum"],
  ["but not over others alone", sum(sum(cube, 1, { keepDims: true }), 0), "sum sum"],
  ["sums that keep their axes differently stay", sum(sum(cube, 1), 0, { keepDims: true }), "sum sum"],
  ["sum over the axes that a reshape made", sum(reshape(cube, [6, 4]), 0), "sum"],
  ["and over one more", sum(reshape(cube, [6, 4]), [0, 1]), "sum"],
  ["not over a part of them", sum(reshape(x, [3, 2, 2]), 2), "reshape sum"],
  ["nor with the axes kept", sum(reshape(cube, [6, 4]), 0, { keepDims: true }), "reshape sum"],
  ["rows gathered in order", gather(x, arange(3)), ""],
  ["columns gathered in order", gather(x, reshape(arange(4), [2, 2]), 1), "reshape"],
  ["rows gathered in another order", gather(x, constant([0, 2, 1], [3], "int32")), "gather"],
  ["some rows", gather(x, arange(2)), "gather"],
  ["rows added in order to zeros", scatterAdd(full([3, 4], 0, F), arange(3), x), "add"],
  ["rows that are never −0", scatterAdd(full([3, 4], 0, F), arange(3), exp(x)), "exp"],
  ["rows added in order to others", scatterAdd(y, arange(3), x), "scatterAdd"],
  ["reshape to its own shape", reshape(x, [3, 4]), ""],
  ["reshape of a reshape", reshape(reshape(x, [12]), [4, 3]), "reshape"],
  ["transpose of a transpose", transpose(transpose(cube, [1, 2, 0]), [1, 0, 2]), "transpose"],
  ["expand of an expand", expand(expand(row, [1, 4]), [3, 4]), "expand"],
  ["an expanded operand is read in its own shape", add(expand(row, [3, 4]), x), "add"],
  ["unless the result needs the larger shape", exp(expand(row, [3, 4])), "exp expand"],
  ["product with a transpose", matmul(transpose(x), y), "matmul"],
  ["product of two transposes", matmul(transpose(y), transpose(matmul(x, transpose(x)))), "matmul matmul"],
  ["stopGradient", stopGradient(x), ""],
  ["constants fold, element-wise", add(x, exp(full([3, 4], 2, F))), "add"],
  ["constants fold, through kernels", mul(row, sum(tensor([[1, 2, 3, 4]], { dtype: F }), 0)), "mul"],
  ["equal subexpressions are one", mul(exp(add(x, row)), tanh(exp(add(x, row)))), "add exp mul tanh"],
];

describe("each rule keeps the values and leaves this much to do", () => {
  test.each(rules)("%s", (_, before, left) => {
    const [after] = simplify([before]);
    expect(work(after)).toBe(left);
    expect([after.shape, after.dtype]).toEqual([before.shape, before.dtype]);
    const values = drawLeaves(leaves, 3);
    // At most four roundings of values below 20 change places.
    expect(
      difference(evaluateEach([after], values).results[0], evaluateEach([before], values).results[0]),
    ).toBeLessThan(4 * 20 * 2 ** -53);
  });
});

test("what nothing needs is not in the graph; outputs keep their order and may be equal", () => {
  const used = exp(x);
  exp(y);
  const [a, b, c] = simplify([used, tanh(used), exp(x)]);
  expect(c).toBe(a);
  expect(b.inputs[0]).toBe(a);
  expect(topological([a, b, c])).not.toContain(y);
});

test("gradients become as small as by hand", () => {
  // d/dx Σ relu(x)² / 2 = relu(x): the derivative traces more, and no more than relu, its mask and products may be left.
  const loss = sum(mul(mul(relu(x), relu(x)), 0.5));
  const [slope] = simplify(grad(loss, [x]));
  const values = drawLeaves(leaves, 5);
  const expected = Array.from(values.get(x) ?? [], (v) => Math.max(v, 0));
  expect(difference(evaluateEach([slope], values).results[0], expected)).toBe(0);
  expect(topological([slope]).length).toBeLessThan(topological(grad(loss, [x])).length);
});

describe("what must not be merged or removed", () => {
  const computed = (t: Tensor, at: ReadonlyMap<Tensor, number[]>) =>
    evaluateEach(simplify([t]), at).results[0];

  test("0 · x, x − x and x / x: NaN and ∞ stay visible", () => {
    const s = input("s", [3], F);
    const at = new Map([[s, [Number.NaN, Number.POSITIVE_INFINITY, 2]]]);
    expect(computed(mul(s, 0), at)).toEqual([Number.NaN, Number.NaN, 0]);
    expect(computed(sub(s, s), at)).toEqual([Number.NaN, Number.NaN, 0]);
    expect(computed(div(s, s), at)).toEqual([Number.NaN, Number.NaN, 1]);
    expect(computed(isNan(add(s, 0)), at)).toEqual([1, 0, 0]);
  });

  test("exp(log x) is not x for negative x", () => {
    const s = input("s", [1], F);
    expect(computed(exp(log(s)), new Map([[s, [-1]]]))).toEqual([Number.NaN]);
  });

  test("constants of other values, shapes or dtypes; NaN, infinities and −0 among them", () => {
    const list = [
      scalar(1, F),
      scalar(1, "float32"),
      full([1], 1, F),
      scalar(2, F),
      scalar(Number.NaN, F),
      scalar(Number.POSITIVE_INFINITY, F),
      scalar(Number.NEGATIVE_INFINITY, F),
      scalar(0, F),
      scalar(-0, F),
      constant([1, 2], [2], F),
      constant([1, 2], [2, 1], F),
    ];
    expect(new Set(simplify(list)).size).toBe(list.length);
    expect(simplify([scalar(2, F), scalar(2, F)])).toEqual([expect.anything(), expect.anything()]);
    const [one, same] = simplify([scalar(2, F), scalar(2, F)]);
    expect(same).toBe(one);
  });

  test("noise of two sites, and the same op with other attributes", () => {
    const outputs = simplify([noise("normal", "a", [2]), noise("normal", "b", [2]), sum(x, 0), sum(x, 1)]);
    expect(new Set(outputs).size).toBe(4);
  });

  test("factors whose product leaves float32's range are multiplied one after the other", () => {
    const s = input("s", [2]);
    const at = new Map([[s, [1, -2]]]);
    // 1e30 · 1e-25 · 1e-25 = 1e-20 is a float32; 1e-25 · 1e-25 is not. Nor is 1e25 · 1e25.
    for (const [first, second] of [
      [1e-25, 1e-25],
      [1e25, 1e25],
    ]) {
      const [product] = simplify([mul(mul(s, first), second)]);
      expect(work(product)).toBe("mul mul");
      expect(evaluateEach([product], at).results[0][0] / (first * second)).toBeCloseTo(1, 12);
    }
    expect(work(...simplify([mul(mul(s, 3), 1e5)]))).toBe("mul");
  });

  test("nor are factors joined where the first product may be infinite or vanish", () => {
    const s = input("s", [3], F);
    const at = new Map([[s, [Number.MIN_VALUE, Number.MAX_VALUE, 1]]]);
    expect(computed(mul(mul(s, 0.5), 2), at)).toEqual([0, Number.MAX_VALUE, 1]);
    expect(computed(mul(mul(s, 2), 0.5), at)).toEqual([Number.MIN_VALUE, Number.POSITIVE_INFINITY, 1]);
    expect(computed(mul(mul(s, 2), 0), at)).toEqual([0, Number.NaN, 0]);
    expect(work(...regroup([mul(mul(s, 0.5), 2)]))).toBe("");
    expect(work(...regroup([mul(mul(s, 2 ** -30), 2 ** 30)]))).toBe("mul mul");
  });

  test("and float64's, and powers of two whose reciprocal is subnormal", () => {
    const wide = input("wide", [2], F);
    expect(work(...simplify([mul(mul(wide, 1e200), 1e200)]))).toBe("mul mul");
    expect(work(...simplify([mul(mul(wide, 1e-200), 1e-200)]))).toBe("mul mul");
    expect(work(...simplify([div(wide, 2 ** 1023)]))).toBe("div");
    expect(work(...simplify([div(input("narrow", [2]), 2 ** 127)]))).toBe("div");
  });

  test("0 and −0", () => {
    const [plus, minus] = [constant([0, 1], [2], F), constant([-0, 1], [2], F)];
    const [a, b] = simplify([
      div(row, expand(plus, [2, 2]).reshape([4])),
      div(row, expand(minus, [2, 2]).reshape([4])),
    ]);
    expect(a).not.toBe(b);
    const infinities = evaluateEach(simplify([div(1, mul(constant([0, -0], [2], F), 1))]), new Map()).results;
    expect(infinities).toEqual([[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]]);
  });

  test("the root of what may be negative: the power ½ of −∞ is ∞, the root is not a number", () => {
    expect(work(...simplify([pow(x, 0.5)]))).toBe("pow");
    expect(work(...simplify([pow(exp(x), 0.5)]))).toBe("exp sqrt");
  });

  test("constants of millions of elements are not made of small ones, and those of thousands are", () => {
    const outer = (n: number) =>
      mul(
        constant(
          new Float64Array(n).map((_, i) => i),
          [n, 1],
          F,
        ),
        arange(n, F),
      );
    expect(work(...simplify([outer(2 ** 11)]))).toBe("mul");
    expect(work(...simplify([cholesky(outer(200).add(eye(200, F)))]))).toBe("");
  });
});
