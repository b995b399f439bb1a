/** Cases of series, differences of counts, directions, and given values. */
import { ARMA } from "../../../src/distributions/arma.ts";
import { Empirical } from "../../../src/distributions/empirical.ts";
import { Skellam } from "../../../src/distributions/skellam.ts";
import {
  LinearGaussianStateSpace,
  type StateSpaceOptions,
} from "../../../src/distributions/state-space/index.ts";
import { VonMisesFisher } from "../../../src/distributions/von-mises-fisher.ts";
import type { DistributionCase } from "./index.ts";

export const moreCases: readonly DistributionCase[] = [
  {
    name: "ARMA",
    parameters: {
      ar: [
        [0.5, -0.25],
        [1.25, -0.5],
      ],
      ma: [[0.75], [-0.5]],
      scale: [0.5, 2],
      mean: [1, -3],
    },
    make: (p) => ARMA({ ar: p.ar, ma: p.ma, scale: p.scale, mean: p.mean, length: 3 }),
    points: [[[1, 2, 0.5]], [[-3, -2, 0]], [[4, -1, 0]]],
    total: "reference",
  },
  {
    // The second state is the one before, without noise of its own.
    name: "LinearGaussianStateSpace",
    parameters: {
      transition: [
        [
          [0.5, 0.25],
          [1, 0],
        ],
        [
          [1, -0.5],
          [1, 0],
        ],
      ],
      transitionScale: [
        [[1], [0]],
        [[0.25], [0]],
      ],
      emission: [[[1, 0.5]], [[0.5, 1]]],
      emissionScale: [[[0.5]], [[2]]],
      initialMean: [
        [1, -1],
        [0.5, 2],
      ],
      initialScale: [
        [
          [1, 0],
          [0.5, 2],
        ],
        [
          [3, 0.5],
          [-1, 1],
        ],
      ],
    },
    make: (p) => LinearGaussianStateSpace({ ...p, length: 3 } as unknown as StateSpaceOptions),
    points: [[[[1], [2], [0.5]]], [[[-3], [-2], [0]]], [[[40], [-1], [0]]]],
    total: "reference",
  },
  {
    name: "Skellam",
    // Sums of few terms, Debye's expansion, and one rate far above the other.
    parameters: { rate1: [3, 0.0625, 400, 20, 0.5], rate2: [2, 0.25, 380, 0.001, 900] },
    make: (p) => Skellam(p.rate1, p.rate2),
    points: [[-900], [-12], [-1], [0], [1], [20], [60]],
    total: "reference",
  },
  {
    name: "VonMisesFisher",
    parameters: {
      loc: [
        [0, 0.6, -0.8],
        [1, 0, 0],
        [0, 0, 1],
        [0.28, 0.96, 0],
      ],
      concentration: [2, 0.03125, 40, 300],
    },
    make: (p) => VonMisesFisher(p.loc, p.concentration),
    points: [[[0, 0.6, -0.8]], [[1, 0, 0]], [[0, -0.6, 0.8]], [[0.28, 0.96, 0]]],
    total: "reference",
  },
  {
    name: "VonMisesFisher in two dimensions",
    parameters: {
      loc: [
        [0.6, -0.8],
        [1, 0],
      ],
      concentration: [2, 50],
    },
    make: (p) => VonMisesFisher(p.loc, p.concentration),
    points: [[[0.6, -0.8]], [[-1, 0]], [[0.28, 0.96]]],
    total: "reference",
  },
  {
    name: "Empirical",
    parameters: {
      values: [
        [1, -2, 5, 1],
        [5, 1, -2, 0.5],
      ],
      weights: [
        [1, 2, 4, 1],
        [0.5, 0.25, 0.125, 0],
      ],
    },
    make: (p) => Empirical(p.values, { weights: p.weights }),
    points: [[-2], [0.5], [1], [5]],
    total: "points",
  },
  {
    name: "Empirical vectors",
    parameters: {
      values: [
        [
          [0, 1],
          [2, -1],
          [0, 1],
        ],
        [
          [2, -1],
          [0, 1],
          [0, 0],
        ],
      ],
    },
    make: (p) => Empirical(p.values, { eventRank: 1 }),
    points: [[[0, 1]], [[2, -1]], [[0, 0]]],
    total: "points",
  },
];
