import {
  abs,
  add,
  cast,
  div,
  floor,
  less,
  log,
  minimum,
  mul,
  neg,
  operands,
  type Shape,
  sqrt,
  square,
  sub,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { besselSum, debyeLog, debyeRadius } from "./bessel.ts";
import { integer, positive } from "./constraints.ts";
import { drawPoisson } from "./counts.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { devianceBy, poissonLogMass } from "./gamma-functions.ts";
import { type LogTails, searchCounts, tailsFrom } from "./quantile-search.ts";
import { logSkellamCdf } from "./skellam-tail.ts";

/**
 * ln P(N₁ − N₂ = k) of Poisson counts with means m and n, for k ≥ 0: e^(−m − n) (m/n)^(k/2) I_k(2√(mn)). With a − b = k and ab = mn, Debye's expansion of
 * the Bessel function leaves two deviances, of a from m and of b from n, beside ½ ln of 2π(a + b).
 */
function logMass(k: Tensor, m: Tensor, n: Tensor): Tensor {
  const limit = debyeRadius(m.dtype);
  const product = mul(m, n);
  const square1 = add(square(k), mul(product, 4));
  const near = less(square1, limit * limit);
  const radius = sqrt(where(near, limit * limit, square1));
  // a = (R + k)/2 and b = (R − k)/2; both differ from the means by multiples of d = k − (m − n).
  const a = mul(add(radius, where(near, 0, k)), 0.5);
  const [mean1, mean2] = [where(near, a, m), where(near, a, n)];
  const b = where(near, a, div(product, a));
  const d = sub(where(near, 0, k), sub(mean1, mean2));
  const whole = add(add(a, b), add(mean1, mean2));
  const first = devianceBy(a, neg(mul(d, div(add(a, mean1), whole))), mean1);
  const second = devianceBy(b, mul(d, div(add(b, mean2), whole)), mean2);
  const height = mul(log(mul(radius, 2 * Math.PI)), 0.5);
  const far = sub(debyeLog(square(div(where(near, 0, k), radius)), radius), add(add(first, second), height));
  // All differences of the counts: a Poisson's mass of k, and how much more than that mass the others add.
  const close = sub(poissonLogMass(k, m, { whole: true }), n);
  const others = log(besselSum(k, where(near, product, 0)));
  return where(near, add(close, others), far);
}

/** The distribution that {@link Skellam} returns: parameters, moments and densities as expressions. */
export class SkellamDistribution extends Distribution {
  /** The mean of the count that is added. */
  readonly rate1: Tensor;
  /** The mean of the count that is subtracted. */
  readonly rate2: Tensor;

  /** Use {@link Skellam}. */
  constructor(parameters: Parameters) {
    super({
      name: "Skellam",
      parameters,
      constraints: { rate1: positive, rate2: positive },
      support: integer,
      reparameterised: false,
      ranges: { rate1: "nonNegative", rate2: "nonNegative" },
    });
    this.rate1 = parameters.rate1;
    this.rate2 = parameters.rate2;
  }

  protected override logDensity(x: Tensor): Tensor {
    const negative = less(x, 0);
    const [more, fewer] = [where(negative, this.rate2, this.rate1), where(negative, this.rate1, this.rate2)];
    return logMass(abs(x), more, fewer);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return sub(
      drawPoisson(`${site}/first`, shape, this.rate1),
      drawPoisson(`${site}/second`, shape, this.rate2),
    );
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new SkellamDistribution(parameters);
  }

  protected override cumulative(): Cumulative {
    const { rate1, rate2 } = this;
    const infinite = Number.POSITIVE_INFINITY;
    // What is above k is what −X has up to −k − 1.
    const tails = pairOfTails(
      (k) => logSkellamCdf(cast(k, this.floatDType), rate1, rate2),
      (k) => logSkellamCdf(sub(-1, cast(k, this.floatDType)), rate2, rate1),
    );
    // Bernstein's inequality: beyond √(2 t variance) + t either tail is below e^−t.
    const quantile = (p: LogTails): Tensor => {
      const t = neg(minimum(p.lower, p.upper));
      const reach = add(add(sqrt(mul(mul(t, 2), add(rate1, rate2))), t), 2);
      const mean = sub(rate1, rate2);
      return searchCounts(tails, p, { low: floor(sub(mean, reach)), high: floor(add(mean, reach)) });
    };
    return {
      ...tails,
      logIcdf: (l) => quantile(tailsFrom(l, false)),
      logIsf: (l) => quantile(tailsFrom(l, true)),
      ends: { low: -infinite, high: infinite },
    };
  }

  protected override forms(): ClosedForms {
    const { rate1, rate2 } = this;
    return { mean: () => sub(rate1, rate2), variance: () => add(rate1, rate2) };
  }
}

/**
 * The difference of two independent Poisson counts with means `rate1` and `rate2`, a whole number of either sign: goals of one team minus those of the other.
 * Mean rate1 − rate2, variance rate1 + rate2. Shapes broadcast to the batch. SciPy's `skellam(rate1, rate2)`.
 *
 * Log masses keep their digits for rates from 1e-30 to 1e10: they are computed from deviances, not from a Bessel function. Draws have no derivatives. The
 * distribution function is an integral around a circle by the trapezoid rule, accurate in both tails; quantiles are found by a search.
 *
 * @example
 * await Skellam(3, 2).logProb(1).value(); // -1.6981
 *
 * @throws UsageError when a known rate is not positive.
 */
export function Skellam(rate1: TensorLike, rate2: TensorLike): SkellamDistribution {
  const [a, b] = operands("Skellam", rate1, rate2);
  return new SkellamDistribution({ rate1: a, rate2: b });
}
