import { describe, expect, test } from "vitest";
import { topological } from "../../src/compile/graph.ts";
import { regroup } from "../../src/compile/regroup.ts";
import { simplify } from "../../src/compile/simplify.ts";
import {
  add,
  expand,
  input,
  mul,
  neg,
  relu,
  reshape,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";
import { difference, drawLeaves, evaluateEach } from "./graphs.ts";

const F = "float64";
const x = input("x", [6, 4], F);
const y = input("y", [6, 4], F);
const cube = input("cube", [2, 3, 4], F);
const planes = input("planes", [2, 1, 4], F);
const column = input("column", [6, 1], F);
const bias = input("bias", [4], F);
const one = input("one", [1], F);
const leaves = [x, y, cube, planes, column, bias, one];

/** Op and shape of each node that is no leaf, in order. */
const work = (...outputs: readonly Tensor[]) =>
  topological(outputs)
    .filter((t) => t.inputs.length > 0)
    .map((t) => `${t.op.name}[${t.shape}]`)
    .join(" ");

function expectSame(before: readonly Tensor[], after: readonly Tensor[]): void {
  const values = drawLeaves(leaves, 5);
  const expected = evaluateEach(before, values).results;
  // A handful of roundings of values below 50 (sums of 24 products of values below 2 at most).
  evaluateEach(after, values).results.forEach((r, i) => {
    expect(difference(r, expected[i])).toBeLessThan(50 * 24 * 2 ** -53);
  });
}

const asCube = (t: Tensor) => reshape(t, [2, 3, 4]);

describe("fewer passes over large tensors", () => {
  test.each<[string, Tensor, string]>([
    ["a reshape moves behind a function", tanh(asCube(x)), "tanh[6,4] reshape[2,3,4]"],
    ["two like reshapes become one", sub(asCube(x), asCube(y)), "sub[6,4] reshape[2,3,4]"],
    ["a bias broadcasts as before", mul(asCube(x), bias), "mul[6,4] reshape[2,3,4]"],
    ["a reshape back meets the first", reshape(relu(asCube(x)), [6, 4]), "relu[6,4]"],
    ["not past what has the new shape", add(asCube(x), cube), "reshape[2,3,4] add[2,3,4]"],
    [
      "not past what broadcasts along the axes that change",
      add(asCube(x), planes),
      "reshape[2,3,4] add[2,3,4]",
    ],
    ["an expansion moves behind a function", tanh(expand(column, [6, 4])), "tanh[6,1] expand[6,4]"],
    ["and disappears into the next", mul(mul(expand(column, [6, 4]), 0.5), x), "mul[6,1] mul[6,4]"],
    ["small terms first", add(add(x, bias), column), "add[6,4] add[6,4]"],
    [
      "small terms first, where their sum is small",
      add(add(x, bias), mul(bias, bias)),
      "mul[4] add[4] add[6,4]",
    ],
    [
      "small terms first, across a reshape",
      add(asCube(add(x, bias)), planes),
      "reshape[2,3,4] add[2,1,4] add[2,3,4]",
    ],
    ["x + x is a product", add(x, x), "mul[6,4]"],
    ["a number goes to the smaller factor", mul(mul(x, column), 3), "mul[6,1] mul[6,4]"],
    ["and meets another", mul(mul(mul(column, 0.5), x), 4), "mul[6,1] mul[6,4]"],
    ["a·c + b·c", add(mul(x, column), mul(column, y)), "add[6,4] mul[6,4]"],
    ["a·c − b·c", sub(mul(x, column), mul(column, y)), "sub[6,4] mul[6,4]"],
    ["a·c + b·(−c)", add(mul(x, column), mul(y, neg(column))), "sub[6,4] mul[6,4]"],
    ["a·(−c) + b·c", add(mul(x, neg(column)), mul(y, column)), "sub[6,4] mul[6,4]"],
    ["a·(−c) − b·c", sub(mul(x, neg(column)), mul(y, column)), "neg[6,1] add[6,4] mul[6,4]"],
    ["a·c − c", sub(mul(x, column), column), "sub[6,4] mul[6,4]"],
  ])("%s", (_, before, expected) => {
    const after = regroup(simplify([before]));
    expect(work(...after)).toBe(expected);
    expectSame([before], after);
  });

  test.each<[string, readonly Tensor[]]>([
    ["a sum that is needed besides", [add(add(x, bias), mul(bias, bias)), add(x, bias)]],
    ["a product that is needed besides", [mul(mul(x, column), 3), mul(x, column)]],
    ["products of which one is needed besides", [add(mul(x, column), mul(column, y)), mul(x, column)]],
    ["numbers, which may be meant to round: x + 1 − 1", [add(add(x, 1), -1)]],
    ["what is small already", [add(add(one, 1), mul(one, one))]],
  ])("leaves %s", (_, before) => {
    const simple = simplify(before);
    expect(work(...regroup(simple))).toBe(work(...simple));
  });

  test("the weighted cross entropy's gradient: one difference and one product", () => {
    const weight = reshape(sum(cube, -1), [2, 3, 1]);
    const [target, probability] = [input("target", [3, 4], F), asCube(x)];
    const gradient = add(mul(neg(expand(weight, [2, 3, 4])), probability), mul(weight, target));
    expect(work(...regroup(simplify([gradient])))).toBe(
      "sum[2,3] reshape[2,3,1] reshape[2,3,4] sub[2,3,4] mul[2,3,4]",
    );
  });
});
