/** Every distribution with the parameters and points it is tested at: to be listed here is to be tested. */

import { Bernoulli } from "../../../src/distributions/bernoulli.ts";
import { Categorical } from "../../../src/distributions/categorical.ts";
import { ContinuousBernoulli } from "../../../src/distributions/continuous-bernoulli.ts";
import type { Distribution } from "../../../src/distributions/distribution.ts";
import { Independent } from "../../../src/distributions/independent.ts";
import { Normal } from "../../../src/distributions/normal.ts";
import { OneHotCategorical } from "../../../src/distributions/one-hot-categorical.ts";
import { Uniform } from "../../../src/distributions/uniform.ts";
import type { Nested } from "../../../src/tensor/dtype.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";
import { categoryCases } from "./categories.ts";
import { countCases } from "./counts.ts";
import { extremeCases } from "./extremes.ts";
import { familyCases } from "./families.ts";
import { lineCases } from "./line.ts";
import { moreCases } from "./more.ts";
import { positiveCases } from "./positive.ts";
import { relaxedCases } from "./relaxed.ts";
import { simplexCases } from "./simplex.ts";
import { vectorCases } from "./vector.ts";

/** One use of a distribution. Its parameters share a leading batch dimension, which the KL tests roll by one. */
export interface DistributionCase {
  /** Unique; starts with the distribution's name. */
  readonly name: string;
  /** Floats, by the names that `make` takes. */
  readonly parameters: Readonly<Record<string, Nested>>;
  /** The distribution with these parameters. */
  readonly make: (parameters: Readonly<Record<string, Tensor>>) => Distribution;
  /** Values of shape [n, 1 for each batch dimension] + event, tails included. */
  readonly points: Nested;
  /**
   * How the density is shown to total 1: over `enumerate()` (`support`), by Simpson's rule over the support or 12
   * standard deviations around the mean (`quadrature`), by the same rule after a change of variable, x = sinh t
   * (`line`), eᵗ (`halfLine`), σ(t) (`unit`), over one turn of an angle (`turn`), over 0, 1, …, 2000 (`counts`), over
   * these points because they are all there are (`points`), by that of the base alone (`base`), or not at all, the
   * reference values standing for it (`reference`).
   */
  readonly total:
    | "support"
    | "quadrature"
    | "line"
    | "halfLine"
    | "unit"
    | "turn"
    | "counts"
    | "points"
    | "base"
    | "reference";
  /** Draws have no such moments, or none whose estimates settle: checked by quadrature of bounded functions instead. */
  readonly heavyTailed?: boolean;
  /** The gradient of draws is biased by design. */
  readonly biasedGradient?: boolean;
}

export const basicCases: readonly DistributionCase[] = [
  {
    name: "Normal scale",
    parameters: { loc: [0, 1.5, -2, 100], scale: [1, 0.3, 4, 1e-3] },
    make: ({ loc, scale }) => Normal(loc, scale),
    points: [[-40], [-6], [-1], [0], [0.5], [3], [40], [100.001]],
    total: "quadrature",
  },
  {
    name: "Normal logScale",
    parameters: { loc: [0, -3, 1], logScale: [-20, 2, 0] },
    make: ({ loc, logScale }) => Normal(loc, { logScale }),
    points: [[-5], [0], [1e-9], [2]],
    total: "quadrature",
  },
  {
    name: "Bernoulli logits",
    parameters: { logits: [-200, -40, -3, 0, 0.7, 40] },
    make: ({ logits }) => Bernoulli({ logits }),
    points: [[0], [1]],
    total: "support",
  },
  {
    name: "Bernoulli probs",
    parameters: { probs: [1e-3, 0.2, 0.5, 0.999] },
    make: ({ probs }) => Bernoulli({ probs }),
    points: [[0], [1]],
    total: "support",
  },
  {
    name: "Categorical logits",
    parameters: {
      logits: [
        [0.1, -2, 3],
        [50, 0, -50],
      ],
    },
    make: ({ logits }) => Categorical({ logits }),
    points: [[0], [1], [2]],
    total: "support",
  },
  {
    name: "Categorical probs",
    parameters: {
      probs: [
        [0.2, 0.3, 0.5],
        [0.01, 0.01, 0.98],
      ],
    },
    make: ({ probs }) => Categorical({ probs }),
    points: [[0], [1], [2]],
    total: "support",
  },
  {
    name: "OneHotCategorical logits",
    parameters: {
      logits: [
        [0.1, -2, 3],
        [50, 0, -50],
      ],
    },
    make: ({ logits }) => OneHotCategorical({ logits }),
    points: [[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]],
    total: "support",
  },
  {
    name: "OneHotCategorical probs",
    parameters: {
      probs: [
        [0.2, 0.3, 0.5],
        [0.01, 0.01, 0.98],
      ],
    },
    make: ({ probs }) => OneHotCategorical({ probs }),
    points: [[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]],
    total: "support",
  },
  {
    name: "Uniform",
    parameters: { low: [0, -3], high: [1, 5] },
    make: ({ low, high }) => Uniform(low, high),
    points: [[-4], [-0.5], [0.25], [0.9], [4.9]],
    total: "quadrature",
  },
  {
    // Both sides of the radii where series take over, and where eˡ would lose all digits.
    name: "ContinuousBernoulli logits",
    parameters: { logits: [-80, -5, -1.01, -0.99, -0.11, -0.09, -1e-3, 0, 1e-6, 0.5, 2, 30] },
    make: ({ logits }) => ContinuousBernoulli({ logits }),
    points: [[0], [0.1], [0.5], [0.99], [1]],
    total: "quadrature",
  },
  {
    name: "ContinuousBernoulli probs",
    parameters: { probs: [0.1, 0.3, 0.9] },
    make: ({ probs }) => ContinuousBernoulli({ probs }),
    points: [[0], [0.1], [0.5], [0.99], [1]],
    total: "quadrature",
  },
  {
    name: "Independent Normal",
    parameters: {
      loc: [
        [0, 1, -2],
        [3, 0.5, 0],
      ],
      scale: [
        [1, 2, 0.5],
        [0.1, 1, 3],
      ],
    },
    make: ({ loc, scale }) => Independent(Normal(loc, scale), 1),
    points: [[[0, 0, 0]], [[1, -2, 3]], [[30, -30, 30]]],
    total: "base",
  },
  {
    name: "Independent Bernoulli",
    parameters: {
      logits: [
        [0.3, -2],
        [1, 8],
      ],
    },
    make: ({ logits }) => Independent(Bernoulli({ logits }), 1),
    points: [[[0, 0]], [[0, 1]], [[1, 0]], [[1, 1]]],
    total: "points",
  },
];

/** The registry: uses of every distribution, on which the conformance tests walk. */
export const distributionCases: readonly DistributionCase[] = [
  ...basicCases,
  ...lineCases,
  ...positiveCases,
  ...simplexCases,
  ...countCases,
  ...vectorCases,
  ...relaxedCases,
  ...familyCases,
  ...extremeCases,
  ...categoryCases,
  ...moreCases,
];
