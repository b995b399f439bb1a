/** Expressions as sums of products, as one would write them. */
import { describe, expect, test } from "vitest";
import type { Atom, ValueKind } from "../../../src/inference/cavi/atoms.ts";
import { expandGraphs } from "../../../src/inference/cavi/expand.ts";
import type { Polynomial } from "../../../src/inference/cavi/polynomial.ts";
import type { DType } from "../../../src/tensor/dtype.ts";
import {
  concat,
  constant,
  equal,
  exp,
  expm1,
  gather,
  greater,
  input,
  lgamma,
  log,
  log1p,
  logsumexp,
  mul,
  oneHot,
  sigmoid,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../../src/tensor/index.ts";

const kinds = new Map<Tensor, readonly [string, ValueKind]>();
function site(name: string, kind: ValueKind, shape: readonly number[], dtype: DType = "float64"): Tensor {
  const leaf = input(name, shape, dtype);
  kinds.set(leaf, [name, kind]);
  return leaf;
}

const x = site("x", "real", [3]);
const t = site("t", "positive", []);
const p = site("p", "unit", []);
const w = site("w", "simplex", [2, 3]);
const z = site("z", "category", [4], "int64");
const b = site("b", "binary", [4]);
const mu = site("mu", "real", [3]);

function nameOf(atom: Atom): string {
  switch (atom.kind) {
    case "value":
    case "indicator":
      return atom.of.site;
    case "complement":
      return `(1-${atom.of.site})`;
    case "log":
      return `ln ${nameOf(atom.of)}`;
    case "exp":
      return `exp ${nameOf(atom.of)}`;
    case "opaque":
      return `?${atom.what}`;
    default:
      return atom.kind;
  }
}

/** Terms in the order of their names; summed indices as Σ and their sizes. */
function written({ terms }: Polynomial): string {
  return terms
    .map(({ coefficient, factors, summed }) =>
      [
        String(coefficient),
        ...summed.map((i) => `Σ${i.size}`),
        ...factors.map((f) => nameOf(f.atom) + (f.exponent === 1 ? "" : `^${f.exponent}`)).sort(),
      ].join(" "),
    )
    .sort()
    .join(" + ");
}

const expanded = (expression: Tensor): string => {
  const latents = new Map(
    [...kinds].map(([leaf, [name, kind]]) => [leaf, { value: { site: name, kind }, categories: 3 }]),
  );
  return written(expandGraphs([expression], latents)[0]);
};

describe("products, powers and logarithms", () => {
  test.each<readonly [string, Tensor, string]>([
    ["a square of a sum", square(sub(x, t)), "-2 t x + 1 t^2 + 1 x^2"],
    ["what cancels", square(x.add(t)).sub(square(x)).sub(square(t)), "2 t x"],
    ["powers of one atom", mul(t, t).div(sqrt(t)), "1 t^1.5"],
    ["a logarithm of a product", log(mul(t, p).div(2)), "-0.6931471805599453 + 1 ln p + 1 ln t"],
    ["an exponential of logarithms", exp(log(t).mul(-2).add(log(p))), "1 p t^-2"],
    ["a complement", log1p(p.neg()), "1 ln (1-p)"],
    ["odds: 1 + p/(1 - p) is 1/(1 - p)", softplus(log(p).sub(log1p(p.neg()))), "-1 ln (1-p)"],
    ["and back", sigmoid(log(p).sub(log1p(p.neg()))), "1 p"],
    ["e to ln (1 - p), less 1", expm1(log1p(p.neg())), "-1 + 1 (1-p)"],
    ["whose logarithm is that of p", log(expm1(log1p(p.neg())).neg()), "1 ln p"],
    [
      "a common factor of known sums",
      log(tensor([1, 2, 4], { dtype: "float64" }).mul(t).add(t)),
      "1 known + 1 ln t",
    ],
    ["a normal's square root is none", sqrt(x), "1 ?sqrt"],
    ["a positive number is above 0", greater(t, 0), "1"],
    ["and none is equal to it", equal(mul(t, p), 0), ""],
  ])("%s", (_, expression, expected) => {
    expect(expanded(expression)).toBe(expected);
  });
});

describe("indicators", () => {
  test.each<readonly [string, Tensor, string]>([
    ["a category reads what it names", gather(mu, z), "1 Σ3 mu z"],
    ["its square keeps one indicator", square(gather(mu, z)), "1 Σ3 mu^2 z"],
    ["a function of what is chosen", log(gather(w, b.cast("int64")).sum(-1)), ""],
    ["a known function of the category", mul(equal(z, 2).cast("float64"), t), "1 Σ3 known t z"],
    ["indicators sum to one", sum(oneHot(z, 3, "float64")), "4"],
    ["a simplex sums to one", sum(w), "2"],
    ["a switch's powers are itself", mul(b, b), "1 b"],
    ["a function of a switch", exp(log(t).mul(b)), "-1 b + 1 + 1 b t"],
    ["known rows", square(gather(mu, constant([2, 0, 2, 1], [4], "int64"))), "1 Σ3 mu^2 selector"],
    ["a known case", log(where(tensor([true, false]), t, p)), "1 case ln p + 1 case ln t"],
    ["joined parts", log(concat([t.reshape([1]), p.reshape([1])])), "1 case ln p + 1 case ln t"],
  ])("%s", (_, expression, expected) => {
    expect(expanded(expression)).toBe(expected);
  });
});

describe("what is no sum of products", () => {
  test("cancels where it can: the shift of a logsumexp of logarithms", () => {
    expect(expanded(logsumexp(log(w), -1))).toBe("");
  });

  test("and is named by its innermost function where it cannot", () => {
    expect(expanded(log(lgamma(t).add(1)))).toBe("1 ?lgamma");
    expect(expanded(logsumexp(x, -1))).toContain("?exp");
  });
});
