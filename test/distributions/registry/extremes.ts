/** Cases of families of extremes and of heavy tails. */
import { GeneralizedExtremeValue } from "../../../src/distributions/generalized-extreme-value.ts";
import { GeneralizedPareto } from "../../../src/distributions/generalized-pareto.ts";
import { Horseshoe } from "../../../src/distributions/horseshoe.ts";
import { InverseGaussian } from "../../../src/distributions/inverse-gaussian.ts";
import { MultivariateStudentT } from "../../../src/distributions/multivariate-student-t.ts";
import { mul, tensor, unsqueeze } from "../../../src/tensor/index.ts";
import type { DistributionCase } from "./index.ts";

export const extremeCases: readonly DistributionCase[] = [
  {
    name: "GeneralizedPareto",
    parameters: {
      loc: [0, 1, -2, 0.5, 0],
      scale: [1, 0.5, 2, 1, 3],
      shape: [0.125, 0, -0.5, -0.25, 0.0009765625],
    },
    make: (p) => GeneralizedPareto(p.loc, p.scale, p.shape),
    points: [[-3], [0.25], [1.5], [3.75], [60]],
    total: "reference",
  },
  {
    name: "GeneralizedExtremeValue",
    parameters: {
      loc: [0, 1, -2, 0.5, 0],
      scale: [1, 0.5, 2, 1, 3],
      shape: [0.125, 0, -0.5, -0.25, -0.0009765625],
    },
    make: (p) => GeneralizedExtremeValue(p.loc, p.scale, p.shape),
    points: [[-3], [0.25], [1.5], [3.75], [60]],
    total: "reference",
  },
  {
    name: "InverseGaussian",
    parameters: { loc: [1, 2, 0.5], concentration: [3, 12, 8] },
    make: (p) => InverseGaussian(p.loc, p.concentration),
    points: [[0.03125], [0.5], [1], [4], [25]],
    total: "halfLine",
  },
  {
    name: "Horseshoe",
    parameters: { scale: [1, 0.25, 5] },
    make: (p) => Horseshoe(p.scale),
    points: [[-40], [0.0009765625], [0.5], [3], [1e5]],
    total: "reference",
  },
  {
    name: "MultivariateStudentT",
    parameters: {
      df: [12, 25, 40],
      loc: [
        [0, 1],
        [-2, 0.5],
        [0.25, 0],
      ],
      spread: [1, 0.5, 2],
    },
    make: (p) =>
      MultivariateStudentT(p.df, p.loc, {
        scaleTril: mul(
          unsqueeze(unsqueeze(p.spread, -1), -1),
          tensor(
            [
              [1, 0],
              [0.5, 2],
            ],
            { dtype: p.spread.dtype },
          ),
        ),
      }),
    points: [[[0, 0]], [[1, -0.5]], [[-30, 12]]],
    total: "reference",
  },
];
