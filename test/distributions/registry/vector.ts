/** Cases of the families on vectors, angles and points, and of mixtures. */
import { Categorical } from "../../../src/distributions/categorical.ts";
import { Delta } from "../../../src/distributions/delta.ts";
import { HiddenMarkov } from "../../../src/distributions/hidden-markov.ts";
import { LowRankMultivariateNormal } from "../../../src/distributions/low-rank-multivariate-normal.ts";
import { Mixture } from "../../../src/distributions/mixture.ts";
import { MultivariateNormal } from "../../../src/distributions/multivariate-normal.ts";
import { Normal } from "../../../src/distributions/normal.ts";
import { TableRow } from "../../../src/distributions/table-row.ts";
import { VonMises } from "../../../src/distributions/von-mises.ts";
import type { DistributionCase } from "./index.ts";

const loc = [
  [0, 1, -2],
  [3, 0.5, 0],
];
const points = [[[0, 0, 0]], [[1, -2, 3]], [[30, -30, 30]]];

export const vectorCases: readonly DistributionCase[] = [
  {
    name: "MultivariateNormal scaleTril",
    parameters: {
      loc,
      scaleTril: [
        [
          [1, 0, 0],
          [0.5, 2, 0],
          [-1, 0.25, 0.5],
        ],
        [
          [0.5, 0, 0],
          [0, 1, 0],
          [0.75, -0.5, 3],
        ],
      ],
    },
    make: (p) => MultivariateNormal(p.loc, { scaleTril: p.scaleTril }),
    points,
    total: "reference",
  },
  {
    name: "MultivariateNormal covariance",
    parameters: {
      loc,
      covariance: [
        [
          [2, 0.5, -1],
          [0.5, 3, 0.25],
          [-1, 0.25, 1.5],
        ],
        [
          [1, 0, 0.75],
          [0, 2, -0.5],
          [0.75, -0.5, 4],
        ],
      ],
    },
    make: (p) => MultivariateNormal(p.loc, { covariance: p.covariance }),
    points,
    total: "reference",
  },
  {
    name: "LowRankMultivariateNormal",
    parameters: {
      loc,
      factor: [
        [
          [1, 0],
          [0.5, 2],
          [-1, 0.25],
        ],
        [
          [0.5, 0.5],
          [0, 1],
          [0.75, -0.5],
        ],
      ],
      diagonal: [
        [1, 0.5, 2],
        [0.25, 1, 3],
      ],
    },
    make: (p) => LowRankMultivariateNormal(p.loc, p.factor, p.diagonal),
    points,
    total: "reference",
  },
  {
    name: "HiddenMarkov Categorical",
    parameters: {
      initial: [
        [0, 1],
        [0.5, -2],
      ],
      rows: [
        [
          [1, -1],
          [0, 2],
        ],
        [
          [0.3, 0],
          [-1, 1],
        ],
      ],
      emitted: [
        [
          [2, 0],
          [-1, 0.5],
        ],
        [
          [0, 0],
          [3, -1],
        ],
      ],
    },
    make: (p) =>
      HiddenMarkov(
        Categorical({ logits: p.initial }),
        Categorical({ logits: p.rows }),
        Categorical({ logits: p.emitted }),
        3,
      ),
    points: Array.from({ length: 8 }, (_, i) => [[(i >> 2) & 1, (i >> 1) & 1, i & 1]]),
    total: "points",
  },
  {
    name: "Mixture Normal",
    parameters: {
      logits: [
        [0, 1, -1],
        [0.5, -2, 0],
      ],
      loc: [
        [-3, 0, 4],
        [0, 5, 1],
      ],
      scale: [
        [1, 0.5, 2],
        [2, 1, 0.5],
      ],
    },
    make: (p) => Mixture(Categorical({ logits: p.logits }), Normal(p.loc, p.scale)),
    points: [[-40], [-3], [0.25], [5], [60]],
    total: "quadrature",
  },
  {
    name: "Mixture vectors",
    parameters: {
      probs: [
        [0.25, 0.75],
        [0.5, 0.5],
      ],
      loc: [
        [
          [0, 1, -2],
          [3, 0.5, 0],
        ],
        [
          [1, 1, 1],
          [-1, -1, 0],
        ],
      ],
      scale: [
        [
          [1, 0.5, 2],
          [0.5, 1, 1],
        ],
        [
          [1, 1, 0.5],
          [2, 0.5, 1],
        ],
      ],
    },
    make: (p) => Mixture(Categorical({ probs: p.probs }), Normal(p.loc, p.scale).toEvent(1)),
    points,
    total: "reference",
  },
  {
    name: "TableRow",
    parameters: {
      loc: [
        [0, -1.5],
        [3, 0.5],
      ],
      logScale: [
        [0, -2],
        [1, 0.25],
      ],
      logits: [
        [0.1, -2, 3, 40, -40],
        [0, 1, -1, 0.5, 0],
      ],
    },
    make: (p) => TableRow({ ...p, categories: [3, 2] }),
    points: [[[0, 0, 1, 0, 0, 1, 0]], [[1, -2, 0, 1, 0, 0, 1]], [[30, -30, 0, 0, 1, 1, 0]]],
    total: "reference",
  },
  {
    // Without numbers every row can be listed.
    name: "TableRow categories",
    parameters: {
      logits: [
        [0.1, -2, 3, 1, -1],
        [0, 1, -1, 0.5, 0],
      ],
    },
    make: (p) => TableRow({ ...p, categories: [3, 2] }),
    points: [0, 1, 2].flatMap((i) =>
      [0, 1].map((j) => [[...[0, 1, 2].map((k) => Number(k === i)), ...[0, 1].map((k) => Number(k === j))]]),
    ),
    total: "points",
  },
  {
    name: "VonMises",
    parameters: { loc: [0, 3, -1], concentration: [0.1, 2, 40] },
    make: (p) => VonMises(p.loc, p.concentration),
    points: [[-3], [-1], [0.25], [2], [3.125]],
    total: "turn",
  },
  {
    name: "Delta",
    parameters: { value: [0.5, -2, 3] },
    make: ({ value }) => Delta(value),
    points: [[0.5], [-2], [1]],
    total: "reference",
  },
  {
    name: "Delta logDensity",
    parameters: { value: [0.5, -2, 3], logDensity: [-1, 0.5, 2] },
    make: ({ value, logDensity }) => Delta(value, { logDensity }),
    points: [[0.5], [-2], [1]],
    total: "reference",
  },
];
