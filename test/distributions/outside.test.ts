import { expect, test } from "vitest";
import "../../src/compile/index.ts";
import {
  Beta,
  Binomial,
  Categorical,
  constraints,
  Dirichlet,
  Multinomial,
  Normal,
  OneHotCategorical,
  outside,
  Poisson,
  TableRow,
  Uniform,
} from "../../src/distributions/index.ts";
import { input, tensor } from "../../src/tensor/index.ts";

const NAN = Number.NaN;

test("the first element outside, its place, and how many there are", () => {
  expect(outside(Poisson(2).support, tensor([3, 1.5, 2, -1]))).toEqual({
    count: 2,
    of: 4,
    place: [1],
    element: [1.5],
  });
  const rows = tensor([
    [
      [0.25, 0.75],
      [0.5, 0.5],
    ],
    [
      [0.1, 0.9],
      [30, 70],
    ],
  ]);
  expect(outside(Dirichlet([1, 1]).support, rows)).toEqual({
    count: 1,
    of: 4,
    place: [1, 1],
    element: [30, 70],
  });
  expect(outside(Normal(0, 1).toEvent(0).support, tensor([0, NAN]))?.place).toEqual([1]);
});

test("nothing where all lie inside, or where nothing is known", () => {
  expect(outside(Beta(1, 1).support, tensor([0, 0.5, 1]))).toBeUndefined();
  expect(outside(Poisson(2).support, input("x", [3]))).toBeUndefined();
  expect(outside(Uniform(0, input("a", [])).support, tensor([2]))).toBeUndefined();
  expect(outside(TableRow({ loc: [0], logScale: [0] }).support, tensor([[NAN], [1]]))).toBeUndefined();
});

test("ends that differ from element to element", () => {
  const support = Binomial(tensor([2, 5]), { probs: 0.5 }).support;
  expect(outside(support, tensor([3, 3]))).toEqual({ count: 1, of: 2, place: [0], element: [3] });
  expect(outside(support, tensor(3))).toEqual({ count: 1, of: 2, place: [0], element: [3] });
});

test("sets in words", () => {
  const said = [
    Poisson(1),
    Binomial(5, { probs: 0.5 }),
    Categorical({ logits: [0, 0, 0] }),
    OneHotCategorical({ logits: [0, 0] }),
    Multinomial(3, { logits: [0, 0] }),
    Uniform(0, 2),
    Uniform(0, input("a", [])),
    Normal([0, 1], 1).toEvent(1),
  ].map((d) => constraints.describeConstraint(d.support));
  expect(said).toEqual([
    "whole numbers of at least 0",
    "whole numbers from 0 to 5",
    "whole numbers from 0 to 2",
    "vectors with a single 1 and zeros elsewhere",
    "vectors of whole numbers of at least 0 that sum to 3",
    "numbers from 0 to 2",
    "numbers from 0 to a given bound",
    "arrays of finite numbers",
  ]);
});
