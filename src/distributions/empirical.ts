import { ShapeError } from "../errors.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import {
  add,
  arange,
  argmax,
  argsort,
  cast,
  cumsum,
  div,
  equal,
  expand,
  formatShape,
  full,
  gather,
  greater,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  minimum,
  mul,
  neg,
  operands,
  reshape,
  type Shape,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  takeAlong,
  transpose,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { drawCategory } from "./categorical.ts";
import { independentConstraint, nonNegative, real } from "./constraints.ts";
import type { Cumulative } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { deviance } from "./gamma-functions.ts";
import { registerKl } from "./kl.ts";
import { lastAxes } from "./numerics.ts";

/** ln of a share from itself and from the share of the rest, which keeps its digits near 1. */
function logShare(share: Tensor, rest: Tensor): Tensor {
  const some = greater(share, 0);
  const high = greater(share, 0.5);
  const inner = where(high, log1p(neg(where(high, rest, 0))), log(where(some, where(high, 1, share), 1)));
  return where(some, inner, full([], Number.NEGATIVE_INFINITY, share.dtype));
}

/** The distribution that {@link Empirical} returns: parameters, moments and densities as expressions. */
export class EmpiricalDistribution extends Distribution {
  /** Shape [..., n, ...event]. */
  readonly atoms: Tensor;
  /** The probability of each value; they sum to 1. Shape [..., n]. */
  readonly probs: Tensor;
  private readonly count: number;

  /** `parameters` holds `values` and, if they are not equally probable, `weights`. Use {@link Empirical}. */
  constructor(parameters: Parameters, eventRank: number) {
    const { values, weights } = parameters;
    super({
      name: "Empirical",
      parameters,
      constraints: {
        values: independentConstraint(real, eventRank + 1),
        ...(weights !== undefined && { weights: independentConstraint(nonNegative, 1) }),
      },
      support: independentConstraint(real, eventRank),
      eventShape: values.shape.slice(values.rank - eventRank),
      reparameterised: ["values"],
      ranges: { weights: "nonNegative" },
    });
    this.atoms = values;
    this.count = values.shape[values.rank - eventRank - 1];
    this.probs =
      weights === undefined
        ? full([this.count], 1 / this.count, values.dtype)
        : div(weights, sum(weights, -1, { keepDims: true }));
  }

  /** Which of the values each x is: x [...] + event gives [..., n]. */
  private matches(x: Tensor): Tensor {
    const rank = this.eventShape.length;
    const same = equal(unsqueeze(x, -1 - rank), this.atoms);
    if (rank === 0) return same;
    return equal(
      sum(cast(same, "float32"), lastAxes(rank)),
      this.eventShape.reduce((a, b) => a * b, 1),
    );
  }

  /** The probability of x, which may have any shape of sample + batch + event. */
  shareOf(x: Tensor): Tensor {
    return sum(where(this.matches(x), this.probs, 0), -1);
  }

  /** The log probability of x, which may have any shape of sample + batch + event. */
  logShareOf(x: Tensor): Tensor {
    const same = this.matches(x);
    return logShare(sum(where(same, this.probs, 0), -1), sum(where(same, 0, this.probs), -1));
  }

  /** ln of the probability of each of the values, equal ones together. Shape [..., n]. */
  private logShares(): Tensor {
    const rank = this.eventShape.length;
    const same = equal(unsqueeze(this.atoms, -1 - rank), unsqueeze(this.atoms, -2 - rank));
    const size = this.eventShape.reduce((a, b) => a * b, 1);
    const all = rank === 0 ? same : equal(sum(cast(same, "float32"), lastAxes(rank)), size);
    const row = unsqueeze(this.probs, -2);
    return logShare(sum(where(all, row, 0), -1), sum(where(all, 0, row), -1));
  }

  override get hasAtoms(): boolean {
    return true;
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.logShareOf(x);
  }

  /** The values at positions of shape [...] with the batch's dimensions last: [...] + event. */
  private at(index: Tensor): Tensor {
    const rank = this.eventShape.length;
    const batch = this.atoms.shape.slice(0, this.atoms.rank - rank - 1);
    const size = batch.reduce((a, b) => a * b, 1);
    const rows = reshape(this.atoms, [size * this.count, ...this.eventShape]);
    const first = mul(reshape(arange(size, "int64"), batch), this.count);
    return gather(rows, add(index, first), 0);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const outer = shape.slice(0, shape.length - this.eventShape.length);
    const index = drawCategory(site, outer, this.probs);
    // A probability of NaN gives an index that no value has.
    return this.at(minimum(index, this.count - 1));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new EmpiricalDistribution(parameters, this.eventShape.length);
  }

  protected override cumulative(): Cumulative | undefined {
    if (this.eventShape.length > 0) return undefined;
    const share = (x: Tensor, below: boolean): Tensor => {
      const low = lessEqual(this.atoms, unsqueeze(x, -1));
      const [under, over] = [sum(where(low, this.probs, 0), -1), sum(where(low, 0, this.probs), -1)];
      // NaN is not a value: it stays NaN.
      return where(equal(x, x), below ? logShare(under, over) : logShare(over, under), Number.NaN);
    };
    const order = argsort(this.atoms, -1);
    const sorted = takeAlong(this.atoms, order, -1);
    const probs = takeAlong(expand(this.probs, this.atoms.shape), order, -1);
    const upTo = cumsum(probs, -1);
    /** The value after all whose distribution function is too small. */
    const after = (tooSmall: Tensor): Tensor => {
      const place = minimum(sum(cast(tooSmall, "int64"), -1), this.count - 1);
      const chosen = equal(arange(this.count, "int64"), unsqueeze(place, -1));
      return sum(where(chosen, sorted, 0), -1);
    };
    return {
      atoms: true,
      ends: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
      logCdf: (x) => share(x, true),
      logSurvival: (x) => share(x, false),
      logIcdf: (l) => after(less(log(upTo), unsqueeze(l, -1))),
      icdf: (p) => after(less(upTo, unsqueeze(p, -1))),
    };
  }

  protected override forms(): ClosedForms {
    const rank = this.eventShape.length;
    const probs = reshape(this.probs, [...this.probs.shape, ...this.eventShape.map(() => 1)]);
    const mean = (): Tensor => sum(mul(this.atoms, probs), -1 - rank);
    return {
      mean,
      variance: () => sum(mul(square(sub(this.atoms, unsqueeze(mean(), -1 - rank))), probs), -1 - rank),
      mode: () => this.at(argmax(this.logShares(), -1)),
      entropy: () => neg(sum(mul(this.probs, finiteWhere(this.probs, this.logShares())), -1)),
    };
  }
}

/** A logarithm where the probability before it is above 0, and 0 elsewhere. */
const finiteWhere = (probs: Tensor, logs: Tensor): Tensor => where(greater(probs, 0), logs, 0);

/** Options of {@link Empirical}. */
export interface EmpiricalOptions {
  /** How often each value counts, of at least 0: shape [..., n]. They are divided by their sum. Default: all the same. */
  readonly weights?: TensorLike;
  /** The number of trailing dimensions of one value: 0 for numbers, 1 for vectors. Default 0. */
  readonly eventRank?: number;
}

const rules: OptionRules<EmpiricalOptions> = { weights: anything, eventRank: whole(0) };

/**
 * The distribution of given values: one of them is drawn, each with its weight. For a prior that is known by draws, resampling (the bootstrap), and draws
 * of a posterior that go on as a distribution. `values` has shape [..., n] + event, with the batch before; values that are equal share one probability.
 *
 * Log probabilities are those of the values themselves, and −∞ elsewhere, as those of `Delta`: there is no density between them. Of numbers there are `cdf`,
 * `icdf` and `median`. The mode and the entropy compare all n² pairs. Draws are differentiable in `values`, not in `weights`.
 *
 * @example
 * await Empirical([1, 2, 5], { weights: [1, 1, 2] }).mean().value(); // 3.25
 *
 * @throws ShapeError when there are no values, or `weights` does not end with their number.
 * @throws UsageError when a known weight is negative.
 */
export function Empirical(values: TensorLike, options: EmpiricalOptions = {}): EmpiricalDistribution {
  checkOptions("Empirical", options, rules);
  const { weights, eventRank = 0 } = options;
  const [v, w] =
    weights === undefined ? operands("Empirical", values) : operands("Empirical", values, weights);
  if (v.rank <= eventRank || v.shape[v.rank - eventRank - 1] === 0) {
    throw new ShapeError(
      `Empirical: expected 'values' of shape [..., n]${eventRank > 0 ? ` and ${eventRank} dimensions of each value` : ""} with n of at least 1, found ` +
        `${formatShape(v.shape)}.`,
    );
  }
  const count = v.shape[v.rank - eventRank - 1];
  if (w !== undefined && w.shape[w.rank - 1] !== count) {
    throw new ShapeError(
      `Empirical: expected one weight for each of ${count} values, found 'weights' of shape ${formatShape(w.shape)}.`,
    );
  }
  return new EmpiricalDistribution({ values: v, ...(w !== undefined && { weights: w }) }, eventRank);
}

// Over the values of p, along a first axis before the batch of both: Σ [P ln(P/Q) + Q − P] of the shares of each value, of which every one of equal
// values counts its part; and Q of the values that p has not.
registerKl(EmpiricalDistribution, EmpiricalDistribution, (p, q) => {
  const rank = p.eventShape.length;
  const batch = Math.max(p.batchShape.length, q.batchShape.length);
  const first = (t: Tensor, after: number): Tensor => {
    const own = t.rank - after - 1;
    const wide = reshape(t, [...new Array<number>(batch - own).fill(1), ...t.shape]);
    const rest = wide.shape.map((_, i) => i).filter((i) => i !== batch);
    return transpose(wide, [batch, ...rest]);
  };
  const values = first(p.atoms, rank);
  const probs = first(p.probs, 0);
  const some = greater(probs, 0);
  const [mine, others] = [p.shareOf(values), q.shareOf(values)];
  const part = div(probs, where(some, mine, 1));
  const possible = logicalAnd(some, greater(others, 0));
  const both = where(possible, mul(part, deviance(mine, where(possible, others, 1))), 0);
  const missing = equal(p.shareOf(first(q.atoms, rank)), 0);
  const divergence = add(sum(both, 0), sum(where(missing, first(q.probs, 0), 0), 0));
  const impossible = sum(cast(logicalAnd(some, equal(others, 0)), divergence.dtype), 0);
  return where(greater(impossible, 0), Number.POSITIVE_INFINITY, divergence);
});
