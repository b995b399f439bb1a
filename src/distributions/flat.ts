import { UsageError } from "../errors.ts";
import { formatShape, full, noise, type Shape, type Tensor } from "../tensor/index.ts";
import { type Constraint, independentConstraint } from "./constraints.ts";
import { Distribution, type Parameters } from "./distribution.ts";
import { biject } from "./transforms/biject.ts";

/** What {@link flat} returns: a set of values without a density on it. */
export class FlatDistribution extends Distribution {
  readonly #set: Constraint;

  /** Use {@link flat}. */
  constructor(set: Constraint, eventShape: Shape) {
    super({
      name: "flat",
      parameters: {},
      constraints: {},
      support: set,
      eventShape,
      batchShape: [],
      reparameterised: false,
    });
    this.#set = set;
  }

  /** Never: it has no draws. */
  override get reparameterised(): boolean {
    return false;
  }

  protected override logDensity(): Tensor {
    return full([], 0, this.floatDType);
  }

  /** A value that has a shape and no numbers: it is refused where it would be computed. */
  protected override draw(site: string, shape: Shape): Tensor {
    return noise("none", site, shape, this.dtype);
  }

  protected override rebuild(_: Parameters): Distribution {
    return new FlatDistribution(this.#set, this.eventShape);
  }
}

/**
 * A site without a density: any value in the set counts the same. Its log density is 0 in the set and −∞ outside, which is a prior
 * only up to a constant, and over an infinite set no probability distribution at all ("improper"). `map`, `laplace`, `hmc`, `nuts` and
 * `svi` need nothing more, as long as the data make the posterior proper. With `factor` it says a prior of a function of the site.
 *
 * `shape` is that of one value: `[]` for a number (default), `[5]` for a vector of five, `[3, 4]` for three simplexes of four.
 * Sets: every one that `transforms.biject` reaches, `constraints.real`, `positive`, `interval(0, 1)`, `simplex`, `orderedVector`,
 * `positiveOrderedVector`, `unitVector`, `lowerCholesky`, `correlation`, `correlationCholesky` and `positiveDefinite` among them. On a set with fewer degrees of
 * freedom than numbers, flat means flat in the numbers that `transforms` documents for it; on the sphere, in its surface.
 *
 * What needs a proper prior is refused with the site's name: draws from the prior (`predictive` without a posterior, simulated data,
 * simulation-based calibration) and evidences (`annealedImportanceSampling`, `logEvidence` of `importance` and `laplace`). An ELBO
 * of a program with flat sites bounds ln ∫ p(x | θ) dθ, so it compares guides but not models.
 *
 * @example
 * const line = model(({ sample, observe, plate }, x: Tensor, y: Tensor) => {
 *   const slope = sample("slope", flat(constraints.real));
 *   const sigma = sample("sigma", flat(constraints.positive));
 *   plate("row", 3, () => observe("y", Normal(slope.mul(x), sigma), y));
 * });
 *
 * @throws UsageError when the set is discrete, or no transform to it is known; ShapeError when the shape does not fit it.
 */
export function flat(constraint: Constraint, shape: Shape = []): FlatDistribution {
  const check = (constraint as Partial<Constraint> | undefined)?.check;
  if (typeof check !== "function") {
    throw new UsageError(
      `flat: expected a set of values, such as constraints.real or constraints.simplex, found ${
        constraint === undefined ? "nothing" : `a ${typeof constraint}`
      }.`,
    );
  }
  const extra = shape.length - constraint.eventRank;
  if (extra < 0) {
    throw new UsageError(
      `flat: one value of '${constraint.name}' has ${constraint.eventRank} dimension${constraint.eventRank === 1 ? "" : "s"}, and the shape ` +
        `given is ${formatShape(shape)}; say how large it is: flat(constraints.${constraint.name}, [${new Array(constraint.eventRank).fill(3).join(", ")}]).`,
    );
  }
  const set = independentConstraint(constraint, extra);
  biject(set).inverseShape(shape);
  return new FlatDistribution(set, shape);
}

/** Whether a distribution is {@link flat}: no probability distribution, so that what needs one refuses it. */
export const isFlat = (distribution: Distribution): boolean => distribution instanceof FlatDistribution;
