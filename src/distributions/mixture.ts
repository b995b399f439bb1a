import { ShapeError, UsageError } from "../errors.ts";
import {
  add,
  broadcastShapes,
  equal,
  formatShape,
  logsumexp,
  mul,
  oneHot,
  reshape,
  type Shape,
  sameShape,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { CategoricalDistribution, drawCategory } from "./categorical.ts";
import { unionOverComponents } from "./components.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { FamilyMixtureDistribution } from "./family-mixture.ts";
import { isSearchable, mixtureQuantiles } from "./mixture-quantiles.ts";

const prefixed = <T>(path: string, record: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(record).map(([k, v]) => [`${path}.${k}`, v]);

/** The distribution that {@link Mixture} returns: parameters, moments and densities as expressions. */
export class MixtureDistribution<D extends Distribution = Distribution> extends Distribution {
  readonly weights: CategoricalDistribution;
  readonly components: D;

  /** Use {@link Mixture}. */
  constructor(weights: CategoricalDistribution, components: D) {
    const { batchShape, eventShape, dtype } = components;
    super({
      name: `Mixture(${components.name})`,
      parameters: Object.fromEntries([
        ...prefixed("weights", weights.parameters),
        ...prefixed("components", components.parameters),
      ]),
      constraints: Object.fromEntries([
        ...prefixed("weights", weights.constraints),
        ...prefixed("components", components.constraints),
      ]),
      support: unionOverComponents(components),
      batchShape: broadcastShapes("Mixture", weights.batchShape, batchShape.slice(0, -1)),
      eventShape,
      dtype,
      reparameterised: false,
      // The components test their values.
      selfLimiting: true,
    });
    this.weights = weights;
    this.components = components;
  }

  /** Log weights that sum to 1, of shape batch + [K]. */
  private logWeights(): Tensor {
    const { weights, logTotal } = this.weights.categories;
    return sub(weights, unsqueeze(logTotal, -1));
  }

  /** The index of the component axis in a tensor of shape batch + [K] + event, counted from the end. */
  private get axis(): number {
    return -1 - this.eventShape.length;
  }

  override get hasAtoms(): boolean {
    return this.components.hasAtoms;
  }

  protected override logDensity(x: Tensor): Tensor {
    return logsumexp(this.logProbOfEach(x), -1);
  }

  /** ln wₖ pₖ(x), shape sample + batch + [K]. Normalised over the last axis it is the posterior of the component. */
  logProbOfEach(x: Tensor): Tensor {
    const at = x.rank - this.eventShape.length;
    return add(this.components.logProb(unsqueeze(x, at)), this.logWeights());
  }

  /** Selects from `all` (… + [K] + event), along the component axis, by the one-hot vectors `chosen` (… + [K]). */
  private pick(all: Tensor, chosen: Tensor): Tensor {
    const wide = reshape(chosen, [...chosen.shape, ...this.eventShape.map(() => 1)]);
    const parts = where(equal(wide, 1), all, 0);
    return sum(parts, parts.rank + this.axis);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const outer = shape.slice(0, shape.length - this.eventShape.length);
    const count = this.components.batchShape[this.components.batchShape.length - 1];
    const category = drawCategory(`${site}/component`, outer, this.weights.probs);
    const all = this.components.expand([...outer, count]).sample(`${site}/value`);
    return this.pick(all, oneHot(category, count, "float32"));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const weights = this.weights.mapParameters((_, k) => parameters[`weights.${k}`]);
    const components = this.components.mapParameters((_, k) => parameters[`components.${k}`]);
    return new MixtureDistribution(weights as CategoricalDistribution, components);
  }

  override unchecked(): this {
    const components = this.components.unchecked();
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { components });
  }

  protected override cumulative(): Cumulative | undefined {
    const { components } = this;
    if (!components.has("cdf")) return undefined;
    const each = (of: (x: Tensor) => Tensor) => (x: Tensor) =>
      logsumexp(add(of(unsqueeze(x, -1)), this.logWeights()), -1);
    const tails = pairOfTails(
      each((x) => components.logCdf(x)),
      each((x) => components.logSurvival(x)),
    );
    const of = { ...tails, logDensity: (x: Tensor) => this.logDensity(x) };
    return {
      // The components know their own ends.
      atoms: true,
      ends: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
      ...tails,
      ...(components.has("icdf") &&
        isSearchable(components) &&
        mixtureQuantiles(of, (l, which) => components[which](unsqueeze(l, -1)), this)),
    };
  }

  protected override forms(): ClosedForms {
    const { components, eventShape, axis } = this;
    const { probs } = this.weights;
    const wide = reshape(probs, [...probs.shape, ...eventShape.map(() => 1)]);
    const average = (x: Tensor): Tensor => {
      const weighted = mul(wide, x);
      return sum(weighted, weighted.rank + axis);
    };
    const mean = (): Tensor => average(components.mean());
    return {
      ...(components.has("mean") && { mean }),
      ...(components.has("mean") &&
        components.has("variance") && {
          // The variance within components plus the variance between them.
          variance: () => {
            const centre = mean();
            const between = square(
              sub(components.mean(), unsqueeze(centre, centre.rank - eventShape.length)),
            );
            return average(add(components.variance(), between));
          },
        }),
    };
  }
}

/** @throws UsageError, ShapeError unless the components may be mixed. */
function checkFamilies(weights: CategoricalDistribution, components: readonly Distribution[]): void {
  const [first, ...rest] = components;
  if (components.length !== weights.cardinality) {
    throw new ShapeError(
      `Mixture: expected ${weights.cardinality} components, one for each category, found ${components.length}.`,
    );
  }
  for (const other of rest) {
    const alike =
      sameShape(other.eventShape, first.eventShape) &&
      other.dtype === first.dtype &&
      other.isDiscrete === first.isDiscrete;
    if (!alike) {
      throw new UsageError(
        `Mixture: expected components with the same event shape and dtype, all discrete or none, found ${first} of ${first.dtype} and ` +
          `${other} of ${other.dtype}.`,
      );
    }
  }
}

/**
 * One of K components of one family, chosen by `weights`: the last batch dimension of `components` (size K) and the
 * categories of `weights` are mixed, the rest is the batch. Log densities are logsumexp over components. The chosen
 * component is integrated out, so draws have no gradient.
 *
 * Components of several families are given as an array, one for each category; their batches broadcast with that of the weights. They need the
 * same event shape and dtype. A latent site needs components with one and the same support.
 *
 * Quantiles are found by a search of a fixed number of steps between those of the components, if these have them; for real values their derivatives
 * are those of the distribution function's inverse.
 *
 * @example
 * Mixture(Categorical({ logits }), Normal(loc, scale)); // logits, loc, scale: [128, 5] → batch [128]
 * Mixture(Categorical({ probs: [0.9, 0.1] }), [Normal(0, 1), StudentT(3, 0, 5)]);
 *
 * @throws ShapeError when the components' last batch dimension is not the number of categories, nor their number.
 * @throws UsageError when components differ in event shape or dtype.
 */
export function Mixture<D extends Distribution>(
  weights: CategoricalDistribution,
  components: D,
): MixtureDistribution<D>;
export function Mixture(
  weights: CategoricalDistribution,
  components: readonly Distribution[],
): FamilyMixtureDistribution;
export function Mixture(
  weights: CategoricalDistribution,
  components: Distribution | readonly Distribution[],
): MixtureDistribution | FamilyMixtureDistribution {
  const all: readonly unknown[] = [components].flat();
  if (!(weights instanceof CategoricalDistribution) || !all.every((d) => d instanceof Distribution)) {
    throw new UsageError(
      "Mixture: expected weights and components, as in Mixture(Categorical({ logits }), Normal(loc, scale)).",
    );
  }
  for (const { name, floatDType } of [components].flat()) {
    if (floatDType === weights.floatDType) continue;
    throw new UsageError(
      `Mixture: weights are ${weights.floatDType} and ${name} is ${floatDType}; cast the parameters of one.`,
    );
  }
  if (!(components instanceof Distribution)) {
    checkFamilies(weights, components);
    return new FamilyMixtureDistribution(weights, components);
  }
  const { batchShape } = components;
  const count = weights.cardinality;
  if (batchShape.length === 0 || batchShape[batchShape.length - 1] !== count) {
    throw new ShapeError(
      `Mixture: expected components with a last batch dimension of ${count}, one for each category, found ` +
        `${components.name} of batch shape ${formatShape(batchShape)}. Move that dimension there, or expand the components.`,
    );
  }
  return new MixtureDistribution(weights, components);
}
