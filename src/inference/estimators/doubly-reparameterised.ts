import { add, grad, mul, reshape, softmax, stopGradient, sum, type Tensor } from "../../tensor/index.ts";
import type { EstimatorDefinition, WeightedDraws } from "./estimator.ts";
import { withoutPath } from "./pathwise.ts";

/**
 * The unbiased form of sticking the landing for the importance-weighted bound (Tucker et al. 2019). For the ELBO the two are the same.
 */
export const doublyReparameterised: EstimatorDefinition<"doubly-reparameterised"> = {
  name: "doubly-reparameterised",
  pathwise: true,
  holdsLogProb: true,
  settings: [],
  unsuited: (distribution) => withoutPath(distribution, '"doubly-reparameterised"'),
  conflict(others, bound) {
    // Under the ELBO every draw has weight 1, whose square is 1 too.
    if (bound.kind === "elbo") return undefined;
    const other = others.find(({ definition }) => definition.name !== "doubly-reparameterised");
    if (other === undefined) return undefined;
    // The gradient through this draw is weighted by w̃², that through another draw by w̃, so they cannot share a path.
    return other.definition.pathwise
      ? `it is doubly reparameterised and site '${other.site}' is not; all sites with a path must be, or none.`
      : `doubly reparameterised gradients need a path through every site; '${other.site}' has none.`;
  },
  draw: ({ distribution, noise }) => ({ value: distribution.sample(noise) }),
  elbo: {},
  importanceWeighted: {
    unsupported: (alpha) =>
      alpha === 0 ? undefined : "it is known only for the importance-weighted bound (alpha 0)",
    /** Σ w̃ log w for everything computed from the draws, and Σ w̃² ∂log w/∂z · z for the path through the draws themselves. */
    path(sites, draws) {
      const normalised = stopGradient(softmax(draws.logWeights, 0));
      const direct = mul(sum(mul(normalised, draws.logWeights)), draws.scale);
      const gradients = grad(
        direct,
        sites.map(({ held }) => held),
      );
      const paths = sites.map(({ value, q, batchRank }, i) => {
        const g = gradients[i];
        // A value that is the same in every particle is not a draw: it has the bound's own gradient.
        const weighted = q.axes.length === 0 ? g : mul(g, besideEvents(draws, normalised, g, batchRank));
        return sum(mul(stopGradient(weighted), value));
      });
      return paths.reduce(add, direct);
    },
  },
  control: () => "none",
};

/** Weights [particles, …plates] in the layout of a site's value, [particles, …its plates, …event]. */
function besideEvents(
  { particles, plates }: WeightedDraws,
  weights: Tensor,
  value: Tensor,
  batchRank: number,
): Tensor {
  const batch = new Array<number>(batchRank).fill(1);
  for (const p of plates) batch[batchRank + p.dimension] = p.rows;
  const events = new Array<number>(value.rank - batchRank - 1).fill(1);
  return reshape(weights, [particles, ...batch, ...events]);
}
