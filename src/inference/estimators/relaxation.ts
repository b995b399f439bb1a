/** Continuous relaxations of Bernoulli and one-hot sites: the variables that REBAR, RELAX and Gumbel-softmax use. */
import {
  BernoulliDistribution,
  type Distribution,
  IndependentDistribution,
  liesIn,
  OneHotCategoricalDistribution,
} from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import {
  add,
  argmax,
  cast,
  div,
  expand,
  greater,
  log,
  log1p,
  logsumexp,
  mul,
  neg,
  noise,
  oneHot,
  sigmoid,
  softmax,
  softplus,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from "../../tensor/index.ts";

/**
 * A discrete draw b = H(z) of a continuous variable z, in the notation of Tucker et al. (2017). All tensors have the shape of the
 * site's value.
 */
export interface Relaxation {
  /** Unnormalised log probabilities, separate for each element of the draw: rows and particles share nothing. */
  readonly logits: Tensor;
  /** z ~ p(z): logistic (Bernoulli) or Gumbel (one-hot) noise added to the logits. */
  readonly z: Tensor;
  /** b = H(z); derivatives treat it as a constant. */
  readonly hard: Tensor;
  /** z̃ ~ p(z | b), reparameterised, with its own noise. */
  readonly conditional: Tensor;
  /** σ_λ(z): a relaxed draw, which approaches H(z) as the temperature λ falls. */
  readonly soften: (z: Tensor, temperature: Tensor | number) => Tensor;
  /** log q(b) as a function of the logits above, without event dimensions. */
  readonly logProb: (value: Tensor) => Tensor;
  /** The same of other draws: with each tensor in its place there. */
  lifted(lift: (t: Tensor) => Tensor): Relaxation;
}

interface Parts {
  readonly logits: Tensor;
  readonly z: Tensor;
  readonly hard: Tensor;
  readonly conditional: Tensor;
}

/** The functions of a family's logits. */
type Forms = (logits: Tensor) => Pick<Relaxation, "soften" | "logProb">;

const assemble = (parts: Parts, forms: Forms): Relaxation => ({
  ...parts,
  ...forms(parts.logits),
  lifted: (lift) =>
    assemble(
      {
        logits: lift(parts.logits),
        z: lift(parts.z),
        hard: lift(parts.hard),
        conditional: lift(parts.conditional),
      },
      forms,
    ),
});

/** Logit of uniform noise. */
const logistic = (u: Tensor): Tensor => sub(log(u), log1p(neg(u)));

const lastEvents = (rank: number): number[] => Array.from({ length: rank }, (_, i) => -1 - i);

/** Makes a separate node for each draw, so that its gradient is that of this draw alone, even if other nodes read the same parameters. */
const ownLogits = (logits: Tensor, shape: readonly number[]): Tensor => mul(expand(logits, shape), 1);

function binary(
  site: string,
  base: BernoulliDistribution,
  shape: readonly number[],
  eventRank: number,
): Relaxation {
  const logits = ownLogits(base.logits, shape);
  const z = add(logits, logistic(noise("uniform", site, shape, base.dtype)));
  const isOne = greater(z, 0);
  const hard = stopGradient(cast(isOne, base.dtype));
  // Given b = 1, z is logit(v) + … restricted to positive values: softplus(logit(v) + softplus(l)); given b = 0 its mirror image.
  const v = logistic(noise("uniform", `${site}/conditional`, shape, base.dtype));
  const above = softplus(add(v, softplus(logits)));
  const below = neg(softplus(add(v, softplus(neg(logits)))));
  return assemble({ logits, z, hard, conditional: where(isOne, above, below) }, (l) => ({
    soften: (t, temperature) => sigmoid(div(t, temperature)),
    logProb: (value) => {
      const each = sub(mul(value, l), softplus(l));
      return eventRank === 0 ? each : sum(each, lastEvents(eventRank));
    },
  }));
}

const normalised = (logits: Tensor): Tensor => sub(logits, logsumexp(logits, -1, { keepDims: true }));

function oneOfMany(
  site: string,
  base: OneHotCategoricalDistribution,
  shape: readonly number[],
  eventRank: number,
): Relaxation {
  const logits = ownLogits(base.parameters.logits ?? log(base.probs), shape);
  const logP = normalised(logits);
  const gumbel = (u: Tensor): Tensor => neg(log(neg(log(u))));
  const z = add(logP, gumbel(noise("uniform", site, shape, base.dtype)));
  const hard = stopGradient(oneHot(argmax(z, -1), shape[shape.length - 1], base.dtype));
  // The largest z is Gumbel, whichever index has it; the others are Gumbel truncated above at it (Maddison et al. 2014).
  const e = neg(log(noise("uniform", `${site}/conditional`, shape, base.dtype)));
  const top = sum(mul(e, hard), -1, { keepDims: true });
  // −ln(e / p + top), computed from logarithms: p may be too small to divide by.
  const a = sub(log(e), logP);
  const others = neg(add(a, softplus(sub(log(top), a))));
  const conditional = where(greater(hard, 0.5), expand(neg(log(top)), shape), others);
  return assemble({ logits, z, hard, conditional }, (l) => {
    const logProbs = l === logits ? logP : normalised(l);
    return {
      soften: (t, temperature) => softmax(div(t, temperature), -1),
      logProb: (value) => sum(mul(value, logProbs), lastEvents(eventRank)),
    };
  });
}

/** Why a distribution cannot be drawn through a relaxation; undefined if it can. */
export function withoutRelaxation(distribution: Distribution, estimator: string): string | undefined {
  const base = distribution instanceof IndependentDistribution ? distribution.base : distribution;
  if (base instanceof BernoulliDistribution || base instanceof OneHotCategoricalDistribution)
    return undefined;
  return (
    `${distribution.name} has no continuous relaxation, which "${estimator}" needs; ` +
    "Bernoulli and OneHotCategorical have"
  );
}

/** Draws a site through its relaxation. @throws UsageError when the family has none. */
export function relax(site: string, distribution: Distribution): Relaxation {
  const base = distribution instanceof IndependentDistribution ? distribution.base : distribution;
  const shape = [...distribution.batchShape, ...distribution.eventShape];
  const eventRank = distribution.eventShape.length;
  // Relaxed draws replace discrete ones: a discrete prior gives them its cross entropy.
  const known = (relaxation: Relaxation): Relaxation => ({
    ...relaxation,
    hard: liesIn(relaxation.hard, distribution.support),
    soften: (z, temperature) => liesIn(relaxation.soften(z, temperature), distribution.support),
  });
  if (base instanceof BernoulliDistribution) return known(binary(site, base, shape, eventRank));
  if (base instanceof OneHotCategoricalDistribution) return known(oneOfMany(site, base, shape, eventRank));
  throw new UsageError(
    `site '${site}': ${distribution.name} has no continuous relaxation; Bernoulli and OneHotCategorical have.`,
  );
}
