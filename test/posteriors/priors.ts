/** Priors that are no distributions: a set without a density, and a family cut to a set. Both are known up to a constant. */
import { Distribution, type Tensor } from "tightbound";
import { type Constraint, constraints, type Parameters, transforms } from "tightbound/distributions";
import { constant, noise, type Shape } from "tightbound/tensor";

class Unnormalised extends Distribution {
  private readonly base: Distribution | undefined;

  constructor(support: Constraint, eventShape: Shape, base?: Distribution) {
    super({
      name: base === undefined ? `flat(${support.name})` : `${base.name} on ${support.name}`,
      parameters: base?.parameters ?? {},
      constraints: base?.constraints ?? {},
      support,
      eventShape,
      ...(base && { batchShape: base.batchShape }),
      reparameterised: true,
      // Samplers come to a value through the transform that belongs to the support.
      selfLimiting: true,
    });
    this.base = base;
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.base?.logProb(x) ?? constant([0], []);
  }

  /** Some point of the support, for the trace: there is no distribution to draw it from. */
  protected override draw(site: string, shape: Shape): Tensor {
    const transform = transforms.biject(this.support);
    return transform.forward(noise("normal", site, transform.inverseShape(shape), this.dtype));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const base = this.base?.mapParameters((_, name) => parameters[name]);
    return new Unnormalised(this.support, this.eventShape, base);
  }
}

/** The same density on all of a set: no prior. `eventShape` is the shape of one element; [] for numbers. */
export const flat = (support: Constraint, eventShape: Shape = []): Distribution =>
  new Unnormalised(support, eventShape);

/** A family's density on a part of its support, not normalised: the part must not depend on other sites. */
export const restricted = (distribution: Distribution, support: Constraint): Distribution =>
  new Unnormalised(support, distribution.eventShape, distribution);

const { orderedVector } = constraints;

/** Vectors of positive numbers, each above the one before: the image of increasing ones under exp. */
export const positiveOrdered: Constraint = Object.assign(
  {
    ...orderedVector,
    name: "positiveOrdered",
    description: "vectors of increasing positive numbers",
    image: transforms.exp,
    member: (x: Tensor) => orderedVector.member?.(x) ?? x,
    check: orderedVector.check,
  },
  { from: orderedVector },
);
