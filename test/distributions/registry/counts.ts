/** Cases of the families on counts. */
import { Binomial } from "../../../src/distributions/binomial.ts";
import { Geometric } from "../../../src/distributions/geometric.ts";
import { Multinomial } from "../../../src/distributions/multinomial.ts";
import { NegativeBinomial } from "../../../src/distributions/negative-binomial.ts";
import { Poisson } from "../../../src/distributions/poisson.ts";
import type { DistributionCase } from "./index.ts";

const few = [[0], [1], [4], [20], [60]];

export const countCases: readonly DistributionCase[] = [
  {
    name: "Poisson",
    // Both samplers, and both sides of where they meet.
    parameters: { rate: [0.01, 1, 9.9, 10.1, 60] },
    make: ({ rate }) => Poisson(rate),
    points: few,
    total: "counts",
  },
  {
    name: "Geometric probs",
    parameters: { probs: [0.9, 0.5, 0.1] },
    make: ({ probs }) => Geometric({ probs }),
    points: few,
    total: "counts",
  },
  {
    name: "Geometric logits",
    parameters: { logits: [3, 0, -2] },
    make: ({ logits }) => Geometric({ logits }),
    points: few,
    total: "counts",
  },
  {
    name: "NegativeBinomial probs",
    parameters: { total: [0.5, 3, 10], probs: [0.5, 0.25, 0.75] },
    make: ({ total, probs }) => NegativeBinomial(total, { probs }),
    points: few,
    total: "counts",
  },
  {
    name: "NegativeBinomial logits",
    parameters: { total: [1, 3, 8], logits: [-2, 0, 0.5] },
    make: ({ total, logits }) => NegativeBinomial(total, { logits }),
    points: few,
    total: "counts",
  },
  {
    name: "Binomial probs",
    parameters: { probs: [0.01, 0.3, 0.5, 0.96875] },
    make: ({ probs }) => Binomial(10, { probs }),
    points: [[0], [1], [4], [10]],
    total: "support",
  },
  {
    name: "Binomial logits",
    // Inversion, rejection, and their mirror images.
    parameters: { logits: [-4, -0.5, 0.5, 5] },
    make: ({ logits }) => Binomial(36, { logits }),
    points: [[0], [1], [15], [36]],
    total: "support",
  },
  {
    name: "Binomial totals",
    parameters: { total: [3, 40, 50], probs: [0.3, 0.5, 0.8] },
    make: ({ total, probs }) => Binomial(total, { probs }),
    points: [[0], [1], [3]],
    total: "reference",
  },
  {
    name: "Multinomial probs",
    parameters: {
      probs: [
        [0.2, 0.3, 0.5],
        [0.03125, 0.09375, 0.875],
      ],
    },
    make: ({ probs }) => Multinomial(4, { probs }),
    points: [[[4, 0, 0]], [[1, 1, 2]], [[0, 3, 1]]],
    total: "reference",
  },
  {
    name: "Multinomial logits",
    parameters: {
      logits: [
        [0.5, -1, 2],
        [0, 0, 1],
      ],
    },
    make: ({ logits }) => Multinomial(50, { logits }),
    points: [[[50, 0, 0]], [[10, 15, 25]], [[0, 5, 45]]],
    total: "reference",
  },
];
