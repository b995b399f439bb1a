import type { EstimatorDefinition } from "./estimator.ts";

/** Sites with more values than this are not enumerated unless requested. */
const LARGEST_ENUMERATION = 64;

/** All values of a finite site, weighted by their probabilities; exact. */
export const enumeration: EstimatorDefinition<"enumeration"> = {
  name: "enumeration",
  pathwise: false,
  settings: [],
  unsuited: ({ name, cardinality }) =>
    cardinality === undefined ? `the support of ${name} is not finite and cannot be enumerated` : undefined,
  automatic: ({ cardinality }) =>
    cardinality !== undefined && cardinality <= LARGEST_ENUMERATION
      ? `finite support of ${cardinality} values`
      : undefined,
  draw: (request) => ({ value: request.allValues() }),
  elbo: {},
  importanceWeighted: {
    unsupported: () =>
      "all draws are inside one logarithm (leave the site out of the guide, and it is summed out of the model exactly)",
  },
  control: () => "none",
};
