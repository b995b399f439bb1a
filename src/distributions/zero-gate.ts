/** What families of counts with a probability of zero of their own share: parameters, checks, logarithms. */
import { UsageError } from "../errors.ts";
import {
  add,
  broadcastShapes,
  cast,
  less,
  log,
  minimum,
  neg,
  sub,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { real, unitInterval } from "./constraints.ts";
import { type Cumulative, settle } from "./cumulative.ts";
import { Distribution, type DistributionSpec, type Parameters } from "./distribution.ts";
import { logOneMinusExp } from "./logarithms.ts";
import { type LogitsOrProbs, logComplementOrImpossible, logOrImpossible, oddsOf, oneOf } from "./numerics.ts";

/** ln π and ln(1 − π) from the one of `logits`, `probs` that is among the parameters. */
export function logsOfGate({ logits, probs }: Parameters): { readonly zero: Tensor; readonly base: Tensor } {
  const odds = oddsOf(logits === undefined ? { probs } : { logits });
  return {
    zero: odds.logP ?? logOrImpossible(odds.p),
    base: odds.logQ ?? (logits === undefined ? logComplementOrImpossible(probs) : log(odds.q)),
  };
}

/** The specification of a family over a base and the probability of a zero. */
export function zeroGateSpec(family: string, base: Distribution, gate: Parameters): DistributionSpec {
  const under = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([k, v]) => [`base.${k}`, v]));
  return {
    name: `${family}(${base.name})`,
    parameters: { ...under(base.parameters), ...gate },
    constraints: {
      ...under(base.constraints),
      ...("logits" in gate ? { logits: real } : { probs: unitInterval }),
    },
    support: base.support,
    batchShape: broadcastShapes(family, base.batchShape, Object.values(gate)[0].shape),
    dtype: base.dtype,
    reparameterised: false,
    ranges: { probs: "unitInterval" },
  };
}

/** The base with its part of the parameters, and the gate's own. */
export function gatedParameters<D extends Distribution>(
  base: D,
  parameters: Parameters,
): { readonly base: Distribution; readonly gate: Parameters } {
  const { logits, probs } = parameters;
  return {
    base: base.mapParameters((_, k) => parameters[`base.${k}`]),
    gate: logits === undefined ? { probs } : { logits },
  };
}

/** The base and the gate's parameter in the base's dtype. @throws UsageError unless the base counts. */
export function gatedCounts(
  family: string,
  distribution: Distribution,
  gate: LogitsOrProbs,
): readonly [Distribution, Parameters] {
  const counts = ["nonNegativeInteger", "integerInterval", "boolean"];
  const fits = distribution instanceof Distribution && counts.includes(distribution.support.name);
  if (!fits || distribution.dtype !== distribution.floatDType) {
    throw new UsageError(
      `${family}: expected a distribution of counts, as in ${family}(Poisson(2), { probs: 0.3 }); found ${String(distribution)}.`,
    );
  }
  const [[name, value]] = Object.entries(oneOf(family, gate)) as [string, Tensor][];
  return [
    distribution,
    { [name]: value.dtype === distribution.floatDType ? value : cast(value, distribution.floatDType) },
  ];
}

/** The logarithms of the gate: of zero, and of the counts. */
type Gate = ReturnType<typeof logsOfGate>;

/**
 * Quantiles of π at 0 and (1 − π) `counts`, if the counts have them: with P(X > x) = (1 − π) S(x), that of eˡ is where S is eˡ/(1 − π), and 0 if that is 1 or
 * more. Each half goes through the tail that has its digits; `of` has the last word, because rounding may miss by one.
 */
export function gatedQuantiles(
  of: Pick<Cumulative, "logCdf" | "logSurvival">,
  { zero, base }: Gate,
  counts: Distribution,
): Pick<Cumulative, "logIcdf" | "logIsf"> {
  if (!counts.has("icdf")) return {};
  const unlessZero = (l: Tensor, quantile: (l: Tensor) => Tensor): Tensor => {
    const beyond = less(l, 0);
    return where(beyond, quantile(where(beyond, l, -1)), 0);
  };
  /** From ln P(X > x). */
  const fromAbove = (l: Tensor): Tensor => unlessZero(sub(l, base), (u) => counts.logIsf(u));
  /** From ln P(X ≤ x): the counts' own share is eˡ − π. */
  const fromBelow = (l: Tensor): Tensor => {
    const beyond = less(zero, l);
    const share = sub(add(l, logOneMinusExp(where(beyond, sub(zero, l), -1))), base);
    return where(beyond, counts.logIcdf(minimum(where(beyond, share, -1), 0)), 0);
  };
  const either = (l: Tensor, small: (l: Tensor) => Tensor, other: (l: Tensor) => Tensor): Tensor => {
    const low = less(l, -Math.LN2);
    return where(low, small(where(low, l, -Math.LN2)), other(logOneMinusExp(where(low, -Math.LN2, l))));
  };
  return {
    logIcdf: (l) => settle(of.logCdf, either(l, fromBelow, fromAbove), l),
    logIsf: (l) => settle((x) => neg(of.logSurvival(x)), either(l, fromAbove, fromBelow), neg(l)),
  };
}
