/** Cases of ordered categories, counts of categories, counts behind a hurdle, and mixtures of families. */
import { Categorical } from "../../../src/distributions/categorical.ts";
import { DirichletMultinomial } from "../../../src/distributions/dirichlet-multinomial.ts";
import { Geometric } from "../../../src/distributions/geometric.ts";
import { Hurdle } from "../../../src/distributions/hurdle.ts";
import { Mixture } from "../../../src/distributions/mixture.ts";
import { Normal } from "../../../src/distributions/normal.ts";
import { OrderedProbit } from "../../../src/distributions/ordered-probit.ts";
import { Poisson } from "../../../src/distributions/poisson.ts";
import { StudentT } from "../../../src/distributions/student-t.ts";
import type { DistributionCase } from "./index.ts";

export const categoryCases: readonly DistributionCase[] = [
  {
    name: "OrderedProbit",
    parameters: {
      predictor: [0.5, -3, 12],
      cutpoints: [
        [-1, 0, 2],
        [-4, -3.75, 1],
        [-20, 0, 14],
      ],
    },
    make: (p) => OrderedProbit(p.predictor, p.cutpoints),
    points: [[0], [1], [2], [3]],
    total: "support",
  },
  {
    name: "DirichletMultinomial",
    parameters: {
      concentration: [
        [0.5, 1, 2],
        [3, 3, 0.25],
      ],
    },
    make: (p) => DirichletMultinomial(4, p.concentration),
    points: [[[4, 0, 0]], [[1, 1, 2]], [[0, 3, 1]]],
    total: "reference",
  },
  {
    name: "DirichletMultinomial many",
    parameters: {
      concentration: [
        [8, 20, 40],
        [400, 300, 2],
      ],
    },
    make: (p) => DirichletMultinomial(1000, p.concentration),
    points: [[[1000, 0, 0]], [[100, 300, 600]], [[571, 428, 1]]],
    total: "reference",
  },
  {
    name: "Hurdle probs",
    parameters: { success: [0.25, 0.5, 0.0625], probs: [0.25, 0.5, 0.0625] },
    make: (p) => Hurdle(Geometric({ probs: p.success }), { probs: p.probs }),
    points: [[0], [1], [4], [60]],
    total: "counts",
  },
  {
    name: "Hurdle logits",
    parameters: { rate: [0.5, 3, 20], logits: [-1, 4, -12] },
    make: (p) => Hurdle(Poisson(p.rate), { logits: p.logits }),
    points: [[0], [1], [4], [60]],
    total: "counts",
  },
  {
    name: "Mixture families",
    parameters: {
      logits: [
        [0.5, -1],
        [0, 2],
        [-3, 0],
      ],
      loc: [0, 1.5, -2],
      scale: [1, 0.25, 4],
      df: [12, 20, 30],
    },
    make: (p) =>
      Mixture(Categorical({ logits: p.logits }), [Normal(p.loc, p.scale), StudentT(p.df, p.scale, p.scale)]),
    points: [[-12], [-1], [0.25], [3], [40]],
    total: "reference",
  },
];
