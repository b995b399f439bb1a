import { describe, expect, test } from "vitest";
import { topological } from "../../src/compile/graph.ts";
import { joinProducts } from "../../src/compile/joint-products.ts";
import { simplify } from "../../src/compile/simplify.ts";
import { add, input, matmul, mul, type Tensor, transpose } from "../../src/tensor/index.ts";
import { difference, drawLeaves, evaluateEach } from "./graphs.ts";

const F = "float64";
const h = input("h", [20, 30], F);
const g1 = input("g1", [20, 3], F);
const g2 = input("g2", [20, 2], F);
const w1 = input("w1", [30, 3], F);
const w2 = input("w2", [30, 2], F);
const leaves = [h, g1, g2, w1, w2];

const toInput = add(matmul(g1, transpose(w1)), matmul(g2, transpose(w2)));
const toWeights = [matmul(transpose(h), g1), matmul(transpose(h), g2)];

const names = (...outputs: readonly Tensor[]) =>
  topological(outputs)
    .filter((t) => t.inputs.length > 0)
    .map((t) => t.op.name)
    .sort()
    .join(" ");
const joined = (...outputs: Tensor[]) => simplify(joinProducts(simplify(outputs)));

function expectSame(before: readonly Tensor[], after: readonly Tensor[], given = leaves): void {
  const values = drawLeaves(given, 3);
  const expected = evaluateEach(before, values).results;
  // Sums of at most 30 products of values below 2, in another order.
  evaluateEach(after, values).results.forEach((r, i) => {
    expect(difference(r, expected[i])).toBeLessThan(30 * 120 * 2 ** -53);
  });
}

describe("two heads on one layer", () => {
  test("the gradient that they send down is one product, and their own are parts of one", () => {
    const before = [toInput, ...toWeights];
    const after = joined(...before);
    expect(names(...after)).toBe("concat concat matmul matmul slice slice");
    expectSame(before, after);
  });

  test("their own gradients from two minibatches are added before they are taken apart", () => {
    const also = [input("h'", [20, 30], F), input("g1'", [20, 3], F), input("g2'", [20, 2], F)] as const;
    const [h2, g3, g4] = also;
    const toOther = add(matmul(g3, transpose(w1)), matmul(g4, transpose(w2)));
    const before = [
      toInput,
      toOther,
      add(toWeights[0], matmul(transpose(h2), g3)),
      add(toWeights[1], matmul(transpose(h2), g4)),
    ];
    const after = joined(...before);
    expect(names(...after)).toBe("add concat concat concat matmul matmul matmul matmul slice slice");
    expectSame(before, after, [...leaves, ...also]);
  });

  test.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])("whichever way the factors lie: transposed left %s, right %s", (transposeA, transposeB) => {
    const flags = { transposeA, transposeB };
    const left = (t: Tensor) => (transposeA ? mul(transpose(t), 2) : mul(t, 2));
    const right = (t: Tensor) => (transposeB ? mul(t, 2) : mul(transpose(t), 2));
    const sum = add(matmul(left(g1), right(w1), flags), matmul(left(g2), right(w2), flags));
    expect(names(...joined(sum)).split(" ")).toEqual(expect.arrayContaining(["concat", "concat", "matmul"]));
    expect(names(...joined(sum))).not.toContain("add");
    expectSame([sum], joined(sum));
  });
});

describe("products stay apart", () => {
  test.each<[string, readonly Tensor[]]>([
    [
      "where copying the factors side by side costs more than it saves",
      [add(matmul(h, w1), mul(matmul(h, w1), 2))],
    ],
    ["where one is needed besides", [toInput, matmul(g1, transpose(w1))]],
    ["without a sum that joins their factors", toWeights],
    ["of one factor twice", [add(matmul(g1, transpose(w1)), matmul(g1, transpose(w1)))]],
  ])("%s", (_, before) => {
    expect(names(...joined(...before))).not.toContain("concat");
  });

  test("the heads' own gradients, where the layer's depends on one of them", () => {
    // g2 is computed from hᵀ g1: joined, the two products would each need the other.
    const own = matmul(transpose(h), g1);
    const later = matmul(h, mul(own, 0.1));
    const [first, second] = [later, mul(later, 2)];
    const before = [
      add(matmul(g1, transpose(w1)), matmul(first, transpose(w1))),
      own,
      matmul(transpose(h), first),
      second,
    ];
    const after = joined(...before);
    expect(names(...after)).toContain("concat");
    expect(names(...after)).not.toContain("slice");
    expectSame(before, after);
  });
});
