/** Cases of the families whose reference is mpmath alone (reference-families.py). */
import { BetaBinomial } from "../../../src/distributions/beta-binomial.ts";
import { LKJ } from "../../../src/distributions/lkj.ts";
import { LKJCholesky } from "../../../src/distributions/lkj-cholesky.ts";
import { OrderedLogistic } from "../../../src/distributions/ordered-logistic.ts";
import type { DistributionCase } from "./index.ts";

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
    parameters: { total: [3, 40, 1000], concentration1: [0.5, 2, 8], concentration0: [0.75, 3, 2] },
    make: (p) => BetaBinomial(p.total, p.concentration1, p.concentration0),
    points: [[0], [1], [3]],
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
    hostOnly: true,
  },
];
