import { ShapeError, UsageError } from "../errors.ts";
import {
  add,
  broadcastShapes,
  formatShape,
  full,
  isConstant,
  less,
  logicalAnd,
  mul,
  type Shape,
  sameShape,
  square,
  sub,
  Tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import { type Constraint, type ImageConstraint, independentConstraint, real } from "./constraints.ts";
import { type Cumulative, endsOf, insideOf, pairInside } from "./cumulative.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { ClosedFormError } from "./errors.ts";
import { logOneMinusExp } from "./logarithms.ts";
import { elementOf, sameSet } from "./membership.ts";
import { AffineTransform } from "./transforms/affine.ts";
import { checkMeets } from "./transforms/compose.ts";
import type { Transform } from "./transforms/transform.ts";
import { withParameters } from "./transforms/with-parameters.ts";

/** The distribution that {@link Transformed} returns: parameters, moments and densities as expressions. */
export class TransformedDistribution extends Distribution {
  /** Of the joint batch. */
  readonly base: Distribution;
  readonly transform: Transform;
  /** The number of event dimensions of the base that are batch dimensions of the transform. */
  readonly reinterpreted: number;

  /** Use {@link Transformed}. */
  constructor(base: Distribution, transform: Transform) {
    const { name, batchShape, eventShape, n } = shapesOf(base, transform);
    const mapParameters = Object.entries(transform.parameters).filter(
      // Plain numbers take the dtype of the tensor that they are combined with.
      ([, t]) => !(isConstant(t) && t.dtype !== base.floatDType),
    );
    super({
      name,
      parameters: {
        ...prefixed("base", base.parameters),
        ...prefixed("transform", Object.fromEntries(mapParameters)),
      },
      constraints: {
        ...prefixed("base", base.constraints),
        ...Object.fromEntries(mapParameters.map(([k]) => [`transform.${k}`, real])),
      },
      support: supportOf(base, transform, n),
      batchShape,
      eventShape,
      dtype: base.dtype,
      reparameterised: [
        ...base.reparameterisedIn.map((k) => `base.${k}`),
        ...mapParameters.map(([k]) => `transform.${k}`),
      ],
    });
    this.base = base.expand(batchShape);
    this.transform = transform;
    this.reinterpreted = n;
  }

  /** The base tests its own values. */
  protected override get domain(): Constraint {
    return independentConstraint(this.transform.codomain, this.reinterpreted);
  }

  override get hasAtoms(): boolean {
    return this.base.hasAtoms;
  }

  protected override logDensity(y: Tensor): Tensor {
    if (!this.transform.hasInverse) {
      throw new ClosedFormError(
        `${this.name}.logProb: the transform ${this.transform.name} has no inverse in closed form, so the density of a given ` +
          "value is not known. Draw with sampleAndLogProb, which gives the density of what it draws; or use a flow that " +
          "can be inverted (affineCoupling, splineCoupling, maskedAutoregressive).",
      );
    }
    this.refuseAtoms();
    const { value, logDet } = this.transform.inverseAndLogDet(y, this.reinterpreted);
    return add(this.base.logProb(value), logDet);
  }

  /** A map stretches densities, and leaves the probability of a single value as it is. @throws ClosedFormError where the base may have both. */
  private refuseAtoms(): void {
    if (!this.base.hasAtoms) return;
    throw new ClosedFormError(
      `${this.name}.logProb: single values of ${this.base.name} have a probability of their own, which a map does not stretch as it does a density. ` +
        "Transform the distribution before it is censored or mixed, or the values of an Empirical or a Delta themselves.",
    );
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const own = this.batchShape.length + this.eventShape.length;
    return this.transform.forward(this.base.sample(site, shape.slice(0, shape.length - own)));
  }

  /** Never inverts: it uses the base's draw and density, and the log determinant of the forward map. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    this.refuseAtoms();
    const drawn = this.base.sampleAndLogProb(site, sampleShape);
    const { value, logDet } = this.transform.forwardAndLogDet(drawn.value, this.reinterpreted);
    return { value, logProb: sub(drawn.logProb, logDet) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const under = (prefix: string): Parameters =>
      Object.fromEntries(
        Object.entries(parameters).flatMap(([k, t]) =>
          k.startsWith(`${prefix}.`) ? [[k.slice(prefix.length + 1), t] as const] : [],
        ),
      );
    const ofBase = under("base");
    return new TransformedDistribution(
      this.base.mapParameters((_, name) => ofBase[name]),
      withParameters(this.transform, under("transform")),
    );
  }

  override expand(batchShape: Shape): this {
    const wide = super.expand(batchShape);
    if (wide === this) return this;
    const base = this.base.expand(batchShape);
    return Object.assign(Object.create(Object.getPrototypeOf(this)), wide, { base });
  }

  /**
   * Through a map of single numbers, which is monotone because it has an inverse: rising, or falling, as two of its values tell.
   */
  protected override cumulative(): Cumulative | undefined {
    const { base, transform } = this;
    const { domain, codomain } = transform;
    const ends = endsOf(base.support);
    const within = endsOf(domain);
    if (!base.has("cdf") || base.eventShape.length > 0 || !transform.hasInverse) return undefined;
    if (ends === undefined || within === undefined || domain.eventRank + codomain.eventRank > 0)
      return undefined;
    const written = (x: Tensor | number): Tensor => (x instanceof Tensor ? x : full([], x, this.dtype));
    const at = (x: Tensor | number): Tensor => transform.forward(written(x));
    const [first, second] = pairInside(within);
    const rising = less(at(first), at(second));
    const [low, high] = [transform.limit(written(ends.low)), transform.limit(written(ends.high))];
    const pick = (up: (x: Tensor) => Tensor, down: (x: Tensor) => Tensor) => (y: Tensor) => {
      const x = transform.inverse(y);
      return where(rising, up(x), down(x));
    };
    const lower = (x: Tensor): Tensor => base.logCdf(x);
    const upper = (x: Tensor): Tensor => base.logSurvival(x);
    return {
      ends: {
        low: where(rising, low, high),
        high: where(rising, high, low),
        inside: at(insideOf(ends)),
      },
      logCdf: pick(lower, upper),
      logSurvival: pick(upper, lower),
      ...(base.has("icdf") && {
        logIcdf: (l: Tensor) => transform.forward(base.logIcdf(where(rising, l, logOneMinusExp(l)))),
        median: () => transform.forward(base.median()),
      }),
    };
  }

  /** Closed forms for affine maps only. Other maps do not commute with expectations. */
  protected override forms(): ClosedForms {
    const { base, transform, reinterpreted } = this;
    if (!(transform instanceof AffineTransform)) return {};
    const logDet = (): Tensor => {
      const x = zeros([...this.batchShape, ...this.eventShape], this.dtype);
      return transform.logDet(x, x, reinterpreted);
    };
    return {
      ...(base.has("mean") && { mean: () => transform.forward(base.mean()) }),
      ...(base.has("mode") && { mode: () => transform.forward(base.mode()) }),
      ...(base.has("variance") && {
        variance: () => mul(base.variance(), square(transform.factor(this.dtype))),
      }),
      ...(base.has("entropy") && { entropy: () => add(base.entropy(), logDet()) }),
    };
  }
}

const prefixed = <T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([k, v]) => [`${prefix}.${k}`, v]));

/** Works out the event shape and checks that the base fits the transform. */
function shapesOf(base: Distribution, transform: Transform) {
  const name = `Transformed(${base.name}, ${transform.name})`;
  if (base.isDiscrete) {
    throw new UsageError(
      `${name}: the base is discrete and has no density to transform; transform a continuous distribution.`,
    );
  }
  checkMeets(name, base.support, transform.domain);
  const n = base.eventShape.length - transform.eventRank;
  if (n < 0) {
    throw new ShapeError(
      `${name}: the transform takes events of ${transform.eventRank} dimension${transform.eventRank === 1 ? "" : "s"}, ` +
        `the base has event shape ${formatShape(base.eventShape)} (batch ${formatShape(base.batchShape)}); ` +
        `say which of its batch belongs to one draw with base.toEvent(${-n}), after expand if the batch is too small.`,
    );
  }
  const own = transform.batchShape;
  const outer = own.slice(0, Math.max(0, own.length - n));
  const batchShape = broadcastShapes(name, base.batchShape, outer);
  const inner = base.eventShape.slice(0, n);
  const through = transform.forwardShape([...batchShape, ...base.eventShape]);
  const event = through.slice(batchShape.length);
  if (
    through.length !== batchShape.length + n + transform.codomain.eventRank ||
    !sameShape(event.slice(0, n), inner)
  ) {
    throw new ShapeError(
      `${name}: the transform's parameters have batch shape ${formatShape(own)}, which would enlarge the base's event shape ` +
        `${formatShape(base.eventShape)}; expand the base before toEvent, so that its event has the full shape.`,
    );
  }
  return { name, batchShape, eventShape: event, n };
}

/** The image of the base's support: the transform's codomain, if the base's support is the transform's domain. */
function supportOf(base: Distribution, transform: Transform, n: number): Constraint | ImageConstraint {
  const codomain = independentConstraint(transform.codomain, n);
  const fills = sameSet(base.support, transform.domain);
  // For an interval, unconstrained numbers go through this map: another map would lose the digits that it keeps near the ends.
  if ((fills && elementOf(codomain).name !== "interval") || !transform.hasInverse) return codomain;
  return {
    name: `${transform.name}(${base.support.name})`,
    eventRank: codomain.eventRank,
    isDiscrete: false,
    image: transform,
    from: base.support,
    check: (y) => logicalAnd(codomain.check(y), base.support.check(transform.inverse(y))),
  };
}

/**
 * The distribution of y = f(x) for x from `base`: log p(y) = log p(x) − ln |det ∂y/∂x|. If `f` is a flow, this is a normalising flow.
 *
 * The transform's event may have fewer dimensions than the base's; its log determinants are then summed over the rest. Its
 * parameters' batch broadcasts with the base's, and each batch element has its own draws. Draws are differentiable in the
 * transform's parameters, and in the parameters in which the base is reparameterised.
 *
 * `sampleAndLogProb` never inverts; use it for flows whose inverse is unknown (`planar`). A value that `f` computed while the
 * program was traced, such as a draw, is not inverted either: its origin is remembered, so its density is exact even
 * where `f` saturates.
 *
 * @example
 * const logNormal = Transformed(Normal(0, 1), transforms.exp);
 * const flow = Transformed(Normal(0, 1).expand([2]).toEvent(1), transforms.affineCoupling({ size: 2 }));
 *
 * @throws ShapeError when the events do not fit; UsageError when the base is discrete.
 */
export const Transformed = (base: Distribution, transform: Transform): TransformedDistribution => {
  if (!(base instanceof Distribution) || typeof transform?.forward !== "function") {
    throw new UsageError(
      "Transformed: expected a distribution and a transform, as in Transformed(Normal(0, 1), transforms.exp).",
    );
  }
  return new TransformedDistribution(base, transform);
};
