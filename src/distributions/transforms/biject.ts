import { UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules } from "../../options.ts";
import type {
  Constraint,
  ImageConstraint,
  IndependentConstraint,
  IntervalConstraint,
} from "../constraints.ts";
import { affine } from "./affine.ts";
import { angle } from "./angle.ts";
import { composeWith } from "./compose.ts";
import { correlation } from "./correlation.ts";
import { correlationCholesky } from "./correlation-cholesky.ts";
import { exp } from "./exp.ts";
import { identity } from "./identity.ts";
import { interval } from "./interval.ts";
import { lowerCholesky } from "./lower-cholesky.ts";
import { ordered } from "./ordered.ts";
import { positiveDefinite } from "./positive-definite.ts";
import { positiveOrdered } from "./positive-ordered.ts";
import { sigmoid } from "./sigmoid.ts";
import { softplus } from "./softplus.ts";
import { stickBreaking } from "./stick-breaking.ts";
import type { Transform } from "./transform.ts";
import { unitVector } from "./unit-vector.ts";

/** Options of {@link biject}. */
export interface BijectOptions {
  /**
   * The map to positive numbers. `exp` (default): a normal guide becomes log-normal, and a change of units becomes a
   * shift, which suits scales and rates that vary over orders of magnitude. `softplus`: grows like x, so large values stay moderate.
   */
  readonly positive?: "exp" | "softplus";
}

const bijectRules: OptionRules<BijectOptions> = {
  positive: anything,
};

type Rule = (constraint: Constraint, positive: Transform) => Transform;

const between: Rule = (constraint) => {
  const { low, high } = constraint as IntervalConstraint;
  return composeWith([interval(low, high)], { codomain: constraint });
};

/** low + a positive number. */
const above: Rule = (constraint, positive) =>
  composeWith([positive, affine((constraint as IntervalConstraint).low, 1)], { codomain: constraint });

/** high − a positive number. */
const below: Rule = (constraint, positive) =>
  composeWith([positive, affine((constraint as IntervalConstraint).high, -1)], { codomain: constraint });

const rules: Readonly<Record<string, Rule>> = {
  real: () => identity,
  angle: () => angle,
  logit: (constraint) => composeWith([identity], { codomain: constraint }),
  realVector: (constraint) => composeWith([identity], { eventRank: 1, codomain: constraint }),
  positive: (_, positive) => positive,
  nonNegative: (constraint, positive) => composeWith([positive], { codomain: constraint }),
  greaterThan: above,
  atLeast: above,
  atMost: below,
  unitInterval: () => sigmoid,
  halfOpenUnitInterval: (constraint) => composeWith([sigmoid], { codomain: constraint }),
  leftOpenUnitInterval: (constraint) => composeWith([sigmoid], { codomain: constraint }),
  interval: between,
  simplex: () => stickBreaking,
  orderedVector: () => ordered,
  positiveOrderedVector: () => positiveOrdered,
  unitVector: () => unitVector,
  correlationCholesky: () => correlationCholesky,
  correlation: () => correlation,
  positiveDefinite: (_, positive) => positiveDefinite({ diagonal: positive }),
  lowerCholesky: (_, positive) => lowerCholesky({ diagonal: positive }),
};

/**
 * The transform from unconstrained real numbers to a constraint's set. Automatic guides and gradient-based samplers
 * use it. Its values lie in the interior of the set.
 *
 * | set | transform |
 * |---|---|
 * | real, logit, realVector | identity |
 * | angle | angle: the line, wound around the circle |
 * | positive, nonNegative, greaterThan, atLeast, atMost | exp or softplus, shifted (atMost: downwards) |
 * | unitInterval and its half-open forms, interval | sigmoid, interval |
 * | simplex | stickBreaking |
 * | orderedVector, positiveOrderedVector | ordered, positiveOrdered |
 * | unitVector | unitVector: a vector divided by its length |
 * | correlationCholesky, correlation | correlationCholesky, correlation: from partial correlations |
 * | positiveDefinite | positiveDefinite: L Lᵀ with L from lowerCholesky |
 * | lowerCholesky | lowerCholesky, its diagonal made positive as above |
 * | independent(c, n) | that of c, with n more event dimensions |
 * | the image of c under a map (the support of a transformed distribution) | that of c, then the map |
 *
 * @example
 * const t = transforms.biject(constraints.interval(-1, 3));
 * await t.forward(0).value(); // 1
 *
 * @throws UsageError when the set is discrete or there is no transform to it.
 */
export function biject(constraint: Constraint, options: BijectOptions = {}): Transform {
  checkOptions("biject", options, bijectRules);
  if (constraint.isDiscrete) {
    throw new UsageError(
      `biject: '${constraint.name}' is a discrete set, so there is no smooth map to it; ` +
        "enumerate or marginalise the variable, or use a relaxed distribution.",
    );
  }
  const { base, reinterpreted } = constraint as Partial<IndependentConstraint>;
  if (base !== undefined && !Object.hasOwn(rules, constraint.name)) {
    const inner = biject(base, options);
    return composeWith([inner], { eventRank: inner.eventRank + (reinterpreted ?? 0), codomain: constraint });
  }
  const { image, from } = constraint as Partial<ImageConstraint>;
  if (image !== undefined && from !== undefined) {
    const inner = biject(from, options);
    return composeWith([inner, image], { eventRank: inner.eventRank, codomain: constraint });
  }
  if (!Object.hasOwn(rules, constraint.name)) {
    throw new UsageError(
      `biject: no transform to '${constraint.name}' is known; known are ${Object.keys(rules).join(", ")} ` +
        "and independent(…) of them.",
    );
  }
  return rules[constraint.name](constraint, options.positive === "softplus" ? softplus : exp);
}
