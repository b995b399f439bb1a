/** Cases of the families on the unit interval and the simplex. */
import { Beta } from "../../../src/distributions/beta.ts";
import { Dirichlet } from "../../../src/distributions/dirichlet.ts";
import { LogitNormal } from "../../../src/distributions/logit-normal.ts";
import type { DistributionCase } from "./index.ts";

export const simplexCases: readonly DistributionCase[] = [
  {
    name: "LogitNormal",
    parameters: { loc: [0, -1, 2], scale: [1, 0.5, 1.5] },
    make: ({ loc, scale }) => LogitNormal(loc, scale),
    points: [[1e-4], [0.25], [0.5], [0.9]],
    total: "unit",
    heavyTailed: true,
  },
  {
    name: "Beta",
    parameters: { concentration1: [0.2, 1, 2.5, 8], concentration0: [0.9, 1, 4, 1.5] },
    make: ({ concentration1, concentration0 }) => Beta(concentration1, concentration0),
    points: [[1e-6], [0.125], [0.5], [0.96875]],
    total: "unit",
  },
  {
    name: "Dirichlet",
    parameters: {
      concentration: [
        [1, 1, 1],
        [0.3, 2, 5],
        [8, 0.9, 3],
      ],
    },
    make: ({ concentration }) => Dirichlet(concentration),
    points: [[[0.25, 0.25, 0.5]], [[0.001, 0.499, 0.5]], [[0.96875, 0.015625, 0.015625]]],
    total: "reference",
  },
];
