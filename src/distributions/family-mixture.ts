import {
  add,
  broadcastShapes,
  cast,
  equal,
  expand,
  logsumexp,
  mul,
  oneHot,
  reshape,
  type Shape,
  slice,
  square,
  squeeze,
  stack,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { type CategoricalDistribution, drawCategory } from "./categorical.ts";
import { unionOf } from "./components.ts";
import { type Cumulative, pairOfTails } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { isSearchable, mixtureQuantiles } from "./mixture-quantiles.ts";
import { expandTo } from "./numerics.ts";

/** The distribution that `Mixture` returns for components of several families: parameters, moments and densities as expressions. */
export class FamilyMixtureDistribution extends Distribution {
  readonly weights: CategoricalDistribution;
  readonly components: readonly Distribution[];

  /** Use `Mixture`. */
  constructor(weights: CategoricalDistribution, components: readonly Distribution[]) {
    const [{ eventShape, dtype }] = components;
    const named = <T>(of: (d: Distribution) => Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries([
        ...Object.entries(of(weights)).map(([k, v]) => [`weights.${k}`, v]),
        ...components.flatMap((d, i) => Object.entries(of(d)).map(([k, v]) => [`components.${i}.${k}`, v])),
      ]);
    super({
      name: `Mixture(${components.map((d) => d.name).join(", ")})`,
      parameters: named((d) => d.parameters),
      constraints: named((d) => d.constraints),
      support: unionOf(components.map((d) => d.support)),
      batchShape: broadcastShapes("Mixture", weights.batchShape, ...components.map((d) => d.batchShape)),
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

  /** One tensor for each component, in their joint shape on a new last axis, with the log weights added. */
  private weighed(each: readonly Tensor[]): Tensor {
    const shape = broadcastShapes("Mixture", this.batchShape, ...each.map((t) => t.shape));
    const all = stack(
      each.map((t) => expandTo(t, shape)),
      -1,
    );
    return add(all, this.logWeights());
  }

  /** ln wₖ pₖ(x), shape sample + batch + [K]. Normalised over the last axis it is the posterior of the component. */
  logProbOfEach(x: Tensor): Tensor {
    return this.weighed(this.components.map((d) => d.logProb(x)));
  }

  override get hasAtoms(): boolean {
    return this.components.some((d) => d.hasAtoms);
  }

  protected override logDensity(x: Tensor): Tensor {
    return logsumexp(this.logProbOfEach(x), -1);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const outer = shape.slice(0, shape.length - this.eventShape.length);
    const count = this.components.length;
    const chosen = oneHot(drawCategory(`${site}/component`, outer, this.weights.probs), count, "float32");
    return this.components
      .map((d, k) => {
        const is = equal(slice(chosen, { axis: -1, start: k, end: k + 1 }), 1);
        const drawn = d.expand(outer).sample(`${site}/value/${k}`);
        return where(reshape(is, [...outer, ...this.eventShape.map(() => 1)]), drawn, 0);
      })
      .reduce((a, b) => add(a, b));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const under = (d: Distribution, path: string): Distribution =>
      d.mapParameters((_, k) => parameters[`${path}.${k}`]);
    return new FamilyMixtureDistribution(
      under(this.weights, "weights") as CategoricalDistribution,
      this.components.map((d, i) => under(d, `components.${i}`)),
    );
  }

  override unchecked(): this {
    const components = this.components.map((d) => d.unchecked());
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { components });
  }

  protected override cumulative(): Cumulative | undefined {
    const { components } = this;
    if (!components.every((d) => d.has("cdf"))) return undefined;
    const tails = pairOfTails(
      (x) => logsumexp(this.weighed(components.map((d) => d.logCdf(x))), -1),
      (x) => logsumexp(this.weighed(components.map((d) => d.logSurvival(x))), -1),
    );
    const of = { ...tails, logDensity: (x: Tensor) => this.logDensity(x) };
    const each = (l: Tensor, which: "logIcdf" | "logIsf"): Tensor => {
      const found = components.map((d) => cast(d[which](l), this.floatDType));
      const shape = broadcastShapes("Mixture", ...found.map((x) => x.shape));
      return stack(
        found.map((x) => expand(x, shape)),
        -1,
      );
    };
    return {
      // The components know their own ends.
      atoms: true,
      ends: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
      ...tails,
      ...(components.every((d) => d.has("icdf") && isSearchable(d)) && mixtureQuantiles(of, each, this)),
    };
  }

  protected override forms(): ClosedForms {
    const { components, eventShape } = this;
    const average = (each: readonly Tensor[]): Tensor =>
      each
        .map((x, k) => {
          const weight = squeeze(slice(this.weights.probs, { axis: -1, start: k, end: k + 1 }), -1);
          return mul(x, reshape(weight, [...weight.shape, ...eventShape.map(() => 1)]));
        })
        .reduce((a, b) => add(a, b));
    const mean = (): Tensor => average(components.map((d) => d.mean()));
    const known = components.every((d) => d.has("mean"));
    return {
      ...(known && { mean }),
      ...(known &&
        components.every((d) => d.has("variance")) && {
          // The variance within components plus the variance between them.
          variance: () => {
            const centre = mean();
            return average(components.map((d) => add(d.variance(), square(sub(d.mean(), centre)))));
          },
        }),
    };
  }
}
