/** Cases of the families whose reference is mpmath alone (reference-families.py). */

import { AsymmetricLaplace } from "../../../src/distributions/asymmetric-laplace.ts";
import { BetaBinomial } from "../../../src/distributions/beta-binomial.ts";
import { censor } from "../../../src/distributions/censored.ts";
import { Exponential } from "../../../src/distributions/exponential.ts";
import { GaussianRandomWalk } from "../../../src/distributions/gaussian-random-walk.ts";
import { Geometric } from "../../../src/distributions/geometric.ts";
import { InverseWishart } from "../../../src/distributions/inverse-wishart.ts";
import { LKJ } from "../../../src/distributions/lkj.ts";
import { LKJCholesky } from "../../../src/distributions/lkj-cholesky.ts";
import { OrderedLogistic } from "../../../src/distributions/ordered-logistic.ts";
import { Poisson } from "../../../src/distributions/poisson.ts";
import { SkewNormal } from "../../../src/distributions/skew-normal.ts";
import { truncate } from "../../../src/distributions/truncate.ts";
import { TruncatedNormal } from "../../../src/distributions/truncated-normal.ts";
import { Weibull } from "../../../src/distributions/weibull.ts";
import { Wishart } from "../../../src/distributions/wishart.ts";
import { ZeroInflated } from "../../../src/distributions/zero-inflated.ts";
import { mul, type Tensor, unsqueeze } from "../../../src/tensor/index.ts";
import { tensor } from "../../../src/tensor/leaf.ts";
import type { DistributionCase } from "./index.ts";

/** A factor of two rows, times a number for each batch element. */
const factorOf = (spread: Tensor): Tensor =>
  mul(
    unsqueeze(unsqueeze(spread, -1), -1),
    tensor(
      [
        [1, 0],
        [0.5, 2],
      ],
      { dtype: spread.dtype },
    ),
  );

const matrices = [
  [
    [
      [2, 0.5],
      [0.5, 1],
    ],
  ],
  [
    [
      [0.25, -0.125],
      [-0.125, 3],
    ],
  ],
];

export const familyCases: readonly DistributionCase[] = [
  {
    name: "BetaBinomial",
    parameters: { concentration1: [0.25, 2, 1, 400], concentration0: [0.5, 3, 1, 100] },
    make: (p) => BetaBinomial(12, p.concentration1, p.concentration0),
    points: [[0], [1], [5], [12]],
    total: "support",
  },
  {
    name: "BetaBinomial totals",
    parameters: {
      concentration1: [0.5, 2, 8, 2.5, 3e6],
      concentration0: [0.75, 3, 2, 0.5, 1e6],
    },
    make: (p) =>
      BetaBinomial(
        tensor([3, 40, 1000, 1e8, 1e8], { dtype: p.concentration1.dtype }),
        p.concentration1,
        p.concentration0,
      ),
    points: [[0], [1], [3], [7.5e7], [7.5004e7], [99999992]],
    total: "reference",
  },
  {
    name: "OrderedLogistic",
    parameters: {
      predictor: [0.5, -3, 30],
      cutpoints: [
        [-1, 0, 2],
        [-4, -3.75, 1],
        [-20, 0, 40],
      ],
    },
    make: (p) => OrderedLogistic(p.predictor, p.cutpoints),
    points: [[0], [1], [2], [3]],
    total: "support",
  },
  {
    name: "LKJCholesky",
    parameters: { concentration: [0.5, 1, 4] },
    make: (p) => LKJCholesky(3, p.concentration),
    points: [
      [
        [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      ],
      [
        [
          [1, 0, 0],
          [0.6, 0.8, 0],
          [-0.48, 0.64, 0.6],
        ],
      ],
    ],
    total: "reference",
  },
  {
    name: "LKJ",
    parameters: { concentration: [0.75, 1, 4] },
    make: (p) => LKJ(3, p.concentration),
    points: [
      [
        [
          [1, 0.5, -0.25],
          [0.5, 1, 0.125],
          [-0.25, 0.125, 1],
        ],
      ],
      [
        [
          [1, -0.75, 0.5],
          [-0.75, 1, -0.5],
          [0.5, -0.5, 1],
        ],
      ],
    ],
    total: "reference",
  },
  {
    name: "TruncatedNormal",
    // Across the mean, narrow there, one-sided in effect, far out, far out and narrow, far out on the left.
    parameters: {
      loc: [0.5, 0, -2, 0, 1, 3],
      scale: [2, 1, 0.25, 1, 2, 0.5],
      low: [-1, -0.0625, -2.5, 40, 101, -97],
      high: [3, 0.125, 60, 44, 101.5, -20],
    },
    make: (p) => TruncatedNormal(p.loc, p.scale, p.low, p.high),
    points: [[-0.75], [0], [0.1], [2.9], [-2.25], [40.0625], [40.5], [101.25], [-20.5], [-20.125]],
    total: "reference",
  },
  {
    name: "TruncatedNormal above",
    parameters: { loc: [0.5, 0, -2], scale: [2, 1, 0.25], low: [0, 30, 1] },
    make: (p) => TruncatedNormal(p.loc, p.scale, p.low),
    points: [[0.25], [0.5], [1.25], [30.0625], [32]],
    total: "reference",
  },
  {
    name: "truncate Exponential",
    parameters: { rate: [0.5, 2, 30], low: [1, 0.125, 10], high: [3, 0.5, 11] },
    make: (p) => truncate(Exponential(p.rate), p.low, p.high),
    points: [[0.25], [1.25], [2], [10.0625], [10.5]],
    total: "quadrature",
  },
  {
    name: "truncate Geometric",
    parameters: { probs: [0.25, 0.5, 0.03125], low: [1, 3, 2], high: [4, 6, 90] },
    make: (p) => truncate(Geometric({ probs: p.probs }), p.low, p.high),
    points: [[0], [1], [3], [4], [6], [50], [91]],
    total: "counts",
  },
  {
    name: "censor Weibull",
    parameters: {
      scale: [2, 0.5, 10],
      concentration: [1.5, 0.75, 3],
      low: [0.5, 0.125, 1],
      high: [3, 2, 20],
    },
    make: (p) => censor(Weibull(p.scale, p.concentration), p.low, p.high),
    points: [[0.25], [0.5], [1], [2], [3], [20]],
    total: "reference",
  },
  {
    name: "Wishart",
    parameters: { df: [2, 3.5, 20], spread: [1, 0.5, 0.25] },
    make: (p) => Wishart(p.df, { scaleTril: factorOf(p.spread) }),
    points: matrices,
    total: "reference",
  },
  {
    name: "InverseWishart",
    parameters: { df: [12, 14.5, 30], spread: [1, 2, 4] },
    make: (p) => InverseWishart(p.df, { scaleTril: factorOf(p.spread) }),
    points: matrices,
    total: "reference",
  },
  {
    name: "GaussianRandomWalk",
    parameters: { scale: [0.5, 2, 1] },
    make: (p) => GaussianRandomWalk(p.scale, 3),
    points: [[[0, 0, 0]], [[1, 0.5, -2]], [[-3, -6, 30]]],
    total: "reference",
  },
  {
    name: "GaussianRandomWalk drift",
    parameters: { scale: [0.5, 2, 1], initial: [1, -20, 0.25], drift: [0.5, 10, -1] },
    make: (p) => GaussianRandomWalk(p.scale, 3, { initial: p.initial, drift: p.drift }),
    points: [[[0, 0, 0]], [[1, 0.5, -2]], [[-3, -6, 30]]],
    total: "reference",
  },
  {
    name: "ZeroInflated probs",
    parameters: { rate: [0.5, 3, 20], probs: [0.25, 0.5, 0.0625] },
    make: (p) => ZeroInflated(Poisson(p.rate), { probs: p.probs }),
    points: [[0], [1], [4], [60]],
    total: "counts",
  },
  {
    name: "ZeroInflated logits",
    parameters: { rate: [0.5, 3, 20], logits: [-1, 40, -30] },
    make: (p) => ZeroInflated(Poisson(p.rate), { logits: p.logits }),
    points: [[0], [1], [4], [60]],
    total: "counts",
  },
  {
    name: "SkewNormal",
    parameters: { loc: [0.5, 0, -2], scale: [2, 1, 0.25], skewness: [0, 4, -1.5] },
    make: (p) => SkewNormal(p.loc, p.scale, p.skewness),
    points: [[-12], [-2], [0], [0.75], [20]],
    total: "quadrature",
  },
  {
    name: "AsymmetricLaplace",
    parameters: { loc: [0.5, 0, -2], scale: [2, 1, 0.25], asymmetry: [1, 3, 0.5] },
    make: (p) => AsymmetricLaplace(p.loc, p.scale, p.asymmetry),
    points: [[-12], [-2.5], [0.25], [0.75], [20]],
    total: "reference",
  },
];
