/** Cases of the families on the real line. */
import { Cauchy } from "../../../src/distributions/cauchy.ts";
import { Gumbel } from "../../../src/distributions/gumbel.ts";
import { Laplace } from "../../../src/distributions/laplace.ts";
import { Logistic } from "../../../src/distributions/logistic.ts";
import { StudentT } from "../../../src/distributions/student-t.ts";
import type { DistributionCase } from "./index.ts";

export const lineCases: readonly DistributionCase[] = [
  {
    name: "Laplace",
    parameters: { loc: [0, -2, 0.5], scale: [1, 0.3, 4] },
    make: ({ loc, scale }) => Laplace(loc, scale),
    points: [[-40], [-3], [-0.1], [0.2], [5], [100]],
    // Simpson's rule does not see the kink at loc; the points and draws do.
    total: "reference",
  },
  {
    name: "Logistic",
    parameters: { loc: [0, -2, 0.5], scale: [1, 0.3, 4] },
    make: ({ loc, scale }) => Logistic(loc, scale),
    points: [[-100], [-3], [0.25], [5], [100]],
    total: "line",
  },
  {
    name: "Gumbel",
    parameters: { loc: [0, -2, 0.5], scale: [1, 0.5, 2] },
    make: ({ loc, scale }) => Gumbel(loc, scale),
    points: [[-6], [-3], [0.25], [5], [60]],
    total: "line",
  },
  {
    name: "Cauchy",
    parameters: { loc: [0, -2, 0.5], scale: [1, 0.3, 4] },
    make: ({ loc, scale }) => Cauchy(loc, scale),
    points: [[-1e6], [-3], [0.25], [5], [1e3]],
    total: "line",
    heavyTailed: true,
  },
  {
    name: "StudentT",
    parameters: { df: [12, 30, 15], loc: [0, -2, 0.5], scale: [1, 0.3, 2] },
    make: ({ df, loc, scale }) => StudentT(df, loc, scale),
    points: [[-1e3], [-6], [-1], [0.25], [5], [50]],
    total: "line",
  },
  {
    name: "StudentT heavy",
    parameters: { df: [0.7, 1.5, 3], loc: [0, -2, 0.5], scale: [1, 0.5, 2] },
    make: ({ df, loc, scale }) => StudentT(df, loc, scale),
    points: [[-1e4], [-6], [-1], [0.25], [5], [500]],
    total: "line",
    heavyTailed: true,
  },
];
