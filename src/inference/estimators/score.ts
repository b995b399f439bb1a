import type { Distribution } from "../../distributions/index.ts";
import { mul, reshape, sizeOf, stopGradient, sub, sum } from "../../tensor/index.ts";
import { rowsShape, sumOver, totalOf } from "../terms.ts";
import { baselineOf, checkParticles, describeBaseline } from "./baselines.ts";
import type { BoundKind, EstimatorDefinition } from "./estimator.ts";
import { leaveOneOutBounds } from "./vimco.ts";

/** The score function ∇ log q, weighted by the cost that depends on the site (Williams 1992; Ranganath et al. 2014). */
export const score: EstimatorDefinition<"score"> = {
  name: "score",
  pathwise: false,
  settings: ["baseline"],
  unsuited: () => undefined,
  automatic: why,
  draw: ({ distribution, noise }) => ({ value: stopGradient(distribution.sample(noise)) }),
  elbo: {
    score({ choice, q }, live, draws) {
      const cost = stopGradient(live);
      const centred = stopGradient(sub(cost, baselineOf(choice, cost, draws, draws.state)));
      return mul(totalOf({ ...q, value: mul(centred, q.value) }), draws.scale / draws.particles);
    },
  },
  importanceWeighted: {
    /** Σ stop(bound − baseline) · log q; leave-one-out baselines are those of VIMCO. */
    score({ choice, q }, { logWeights, plates, particles, bound, scale, state }) {
      const rows = sizeOf(rowsShape(plates));
      const logQ = reshape(sumOver(q, plates), [particles, rows]);
      const flat = reshape(logWeights, [particles, rows]);
      const whole = stopGradient(reshape(bound(flat), [1, rows]));
      const baseline = () => {
        if (choice.baseline !== "leave-one-out")
          return baselineOf(choice, whole, { particles: 1, particleAxis: -2 }, state);
        checkParticles(choice.site, particles);
        return leaveOneOutBounds(flat, bound);
      };
      return mul(sum(mul(stopGradient(sub(whole, baseline())), logQ)), scale);
    },
  },
  control: ({ baseline }) => describeBaseline(baseline),
};

function why({ name, cardinality }: Distribution, bound: BoundKind): string {
  if (cardinality === undefined) return `${name} is not reparameterised and its support is not finite`;
  return bound.kind === "elbo"
    ? `not reparameterised, and ${cardinality} values are too many to enumerate`
    : "not reparameterised, and draws are inside one logarithm";
}
