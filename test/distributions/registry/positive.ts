/** Cases of the families on positive numbers. */
import { ChiSquared } from "../../../src/distributions/chi-squared.ts";
import { Exponential } from "../../../src/distributions/exponential.ts";
import { Gamma } from "../../../src/distributions/gamma.ts";
import { HalfCauchy } from "../../../src/distributions/half-cauchy.ts";
import { HalfNormal } from "../../../src/distributions/half-normal.ts";
import { InverseGamma } from "../../../src/distributions/inverse-gamma.ts";
import { LogNormal } from "../../../src/distributions/log-normal.ts";
import { Pareto } from "../../../src/distributions/pareto.ts";
import { Weibull } from "../../../src/distributions/weibull.ts";
import type { DistributionCase } from "./index.ts";

export const positiveCases: readonly DistributionCase[] = [
  {
    name: "HalfNormal",
    parameters: { scale: [1, 0.3, 5] },
    make: ({ scale }) => HalfNormal(scale),
    points: [[1e-6], [0.5], [2], [12]],
    total: "halfLine",
  },
  {
    name: "LogNormal",
    parameters: { loc: [0, 1, -1], scale: [0.5, 0.25, 0.3] },
    make: ({ loc, scale }) => LogNormal(loc, scale),
    points: [[1e-3], [0.25], [1], [3], [100]],
    total: "halfLine",
  },
  {
    name: "Exponential",
    parameters: { rate: [1, 0.2, 8] },
    make: ({ rate }) => Exponential(rate),
    points: [[1e-6], [0.5], [2], [30]],
    total: "halfLine",
  },
  {
    name: "Gamma",
    parameters: { concentration: [0.1, 0.7, 1, 2.5, 12], rate: [1, 0.5, 2, 3, 0.7] },
    make: ({ concentration, rate }) => Gamma(concentration, rate),
    points: [[1e-8], [0.01], [0.5], [1], [4], [50]],
    total: "halfLine",
  },
  {
    name: "InverseGamma",
    parameters: { concentration: [9, 12, 20], scale: [1, 5, 30] },
    make: ({ concentration, scale }) => InverseGamma(concentration, scale),
    points: [[0.1], [0.5], [1], [4], [50]],
    total: "halfLine",
  },
  {
    name: "InverseGamma heavy",
    parameters: { concentration: [0.5, 1, 2.5], scale: [1, 0.5, 3] },
    make: ({ concentration, scale }) => InverseGamma(concentration, scale),
    points: [[0.05], [0.5], [1], [4], [1e4]],
    total: "halfLine",
    heavyTailed: true,
  },
  {
    name: "ChiSquared",
    parameters: { df: [1, 2, 7.5] },
    make: ({ df }) => ChiSquared(df),
    points: [[1e-6], [0.5], [3], [60]],
    total: "halfLine",
  },
  {
    name: "HalfCauchy",
    parameters: { scale: [1, 0.3, 5] },
    make: ({ scale }) => HalfCauchy(scale),
    points: [[1e-6], [0.5], [2], [1e6]],
    total: "halfLine",
    heavyTailed: true,
  },
  {
    name: "Weibull",
    parameters: { scale: [1, 0.5, 3], concentration: [1.2, 3, 2] },
    make: ({ scale, concentration }) => Weibull(scale, concentration),
    points: [[1e-3], [0.25], [1], [2.5]],
    total: "halfLine",
  },
  {
    name: "Pareto",
    parameters: { scale: [1, 0.5, 2], concentration: [10, 12, 20] },
    make: ({ scale, concentration }) => Pareto(scale, concentration),
    points: [[0.25], [0.75], [1.5], [3], [100]],
    // The density jumps at the scale.
    total: "reference",
  },
];
