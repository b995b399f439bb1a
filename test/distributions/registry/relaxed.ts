/** Cases of the relaxed discrete families. */

import { RelaxedBernoulli } from "../../../src/distributions/relaxed-bernoulli.ts";
import { RelaxedOneHotCategorical } from "../../../src/distributions/relaxed-one-hot-categorical.ts";
import type { DistributionCase } from "./index.ts";

const logits = [
  [0.5, -2, 1],
  [2, 0, -2],
];

export const relaxedCases: readonly DistributionCase[] = [
  {
    name: "RelaxedBernoulli",
    parameters: { logits: [0, -2, 1.5], temperature: [0.75, 1, 2] },
    make: (p) => RelaxedBernoulli(p.temperature, p.logits),
    points: [[1e-4], [0.25], [0.5], [0.9]],
    total: "unit",
    heavyTailed: true,
  },
  {
    name: "RelaxedBernoulli straight-through",
    parameters: { logits: [0, -2, 1.5] },
    make: (p) => RelaxedBernoulli(0.5, p.logits, { straightThrough: true }),
    points: [[0], [1]],
    total: "support",
    biasedGradient: true,
  },
  {
    name: "RelaxedOneHotCategorical",
    parameters: { logits, temperature: [0.75, 2] },
    make: (p) => RelaxedOneHotCategorical(p.temperature, p.logits),
    points: [[[0.25, 0.25, 0.5]], [[0.001, 0.499, 0.5]], [[0.96875, 0.015625, 0.015625]]],
    total: "reference",
  },
  {
    name: "RelaxedOneHotCategorical straight-through",
    parameters: { logits },
    make: (p) => RelaxedOneHotCategorical(0.5, p.logits, { straightThrough: true }),
    points: [[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]],
    total: "support",
    biasedGradient: true,
  },
];
