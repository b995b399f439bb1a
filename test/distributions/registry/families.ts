/** Cases of the families whose reference is mpmath alone (reference-families.py). */
import { LKJ } from "../../../src/distributions/lkj.ts";
import { LKJCholesky } from "../../../src/distributions/lkj-cholesky.ts";
import { OrderedLogistic } from "../../../src/distributions/ordered-logistic.ts";
import type { DistributionCase } from "./index.ts";

export const familyCases: readonly DistributionCase[] = [
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
