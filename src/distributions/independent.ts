import { ShapeError, UsageError } from "../errors.ts";
import { formatShape, type Shape, sum, type Tensor } from "../tensor/index.ts";
import { independentConstraint } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { ClosedFormError } from "./errors.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { kl, registerKl } from "./kl.ts";
import { lastAxes } from "./numerics.ts";

declare module "./distribution.ts" {
  interface Distribution {
    /**
     * Turns the last `n` batch dimensions into event dimensions: one draw of independent parts, whose log densities add up.
     * @throws ShapeError when the batch has fewer dimensions.
     */
    toEvent(n: number): Distribution;
  }
}

/** The distribution that {@link Independent} returns: parameters, moments and densities as expressions. */
export class IndependentDistribution<D extends Distribution = Distribution> extends Distribution {
  readonly base: D;
  /** The number of batch dimensions of the base that are event dimensions here. */
  readonly reinterpreted: number;

  /** Use {@link Independent} or `toEvent`. */
  constructor(base: D, n: number) {
    const rank = base.batchShape.length - n;
    super({
      name: `Independent(${base.name}, ${n})`,
      parameters: base.parameters,
      constraints: base.constraints,
      support: independentConstraint(base.support, n),
      batchShape: base.batchShape.slice(0, rank),
      eventShape: [...base.batchShape.slice(rank), ...base.eventShape],
      dtype: base.dtype,
      reparameterised: base.reparameterisedIn,
      // The base tests its values.
      selfLimiting: true,
    });
    this.base = base;
    this.reinterpreted = n;
  }

  override get hasAtoms(): boolean {
    return this.base.hasAtoms;
  }

  override get exponentialFamily(): ExponentialFamily | undefined {
    const family = this.base.exponentialFamily;
    const n = this.reinterpreted;
    return (
      family && {
        ...family,
        ranks: family.ranks.map((r) => r + n),
        logNormalizer: (eta) => sum(family.logNormalizer(eta), lastAxes(n)),
        logBaseMeasure: (x) => sum(family.logBaseMeasure(x), lastAxes(n)),
        distributionAt: (eta) => Independent(family.distributionAt(eta), n),
      }
    );
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.base.sumLogProb(x, this.reinterpreted);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const own = this.batchShape.length + this.eventShape.length;
    return this.base.sample(site, shape.slice(0, shape.length - own));
  }

  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const { value, logProb } = this.base.sampleAndLogProb(site, sampleShape);
    return { value, logProb: sum(logProb, lastAxes(this.reinterpreted)) };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new IndependentDistribution(
      this.base.mapParameters((_, name) => parameters[name]),
      this.reinterpreted,
    );
  }

  override expand(batchShape: Shape): this {
    const n = this.base.batchShape.length;
    const base = this.base.expand([...batchShape, ...this.base.batchShape.slice(n - this.reinterpreted)]);
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { base, batchShape });
  }

  override unchecked(): this {
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { base: this.base.unchecked() });
  }

  protected override forms(): ClosedForms {
    const { base } = this;
    return {
      ...(base.has("mean") && { mean: () => base.mean() }),
      ...(base.has("variance") && { variance: () => base.variance() }),
      ...(base.has("mode") && { mode: () => base.mode() }),
      ...(base.has("entropy") && { entropy: () => sum(base.entropy(), lastAxes(this.reinterpreted)) }),
    };
  }

  protected override values(): Tensor {
    throw new ClosedFormError(
      `${this.name}: the independent parts have too many joint values to list; ` +
        "enumerate the base distribution, part by part.",
    );
  }
}

/**
 * Turns the last `n` batch dimensions of `base` into event dimensions; `n = 0` returns `base`. Also `base.toEvent(n)`.
 *
 * @example
 * Bernoulli({ logits }).toEvent(1).logProb(x); // logits, x: [128, 784] → [128]
 *
 * @throws ShapeError when the batch has fewer than `n` dimensions.
 */
export function Independent(base: Distribution, n: number): Distribution {
  if (!Number.isInteger(n) || n < 0) {
    throw new UsageError(`${base.name}.toEvent: expected a whole number of at least 0, found ${n}.`);
  }
  if (n > base.batchShape.length) {
    throw new ShapeError(
      `${base.name}.toEvent(${n}): batch shape ${formatShape(base.batchShape)} has only ${base.batchShape.length} ` +
        `dimensions (event shape ${formatShape(base.eventShape)}). Repeat the distribution first: ` +
        `expand([${Array.from({ length: n }, () => "size").join(", ")}]).toEvent(${n}).`,
    );
  }
  if (n === 0) return base;
  if (base instanceof IndependentDistribution)
    return new IndependentDistribution(base.base, base.reinterpreted + n);
  return new IndependentDistribution(base, n);
}

Object.defineProperty(Distribution.prototype, "toEvent", {
  value(this: Distribution, n: number) {
    return Independent(this, n);
  },
});

registerKl(IndependentDistribution, IndependentDistribution, (p, q) => {
  // Their bases may have different numbers of batch dimensions: sum over the common ones here.
  const n = Math.min(p.reinterpreted, q.reinterpreted);
  const strip = (d: IndependentDistribution) => Independent(d.base, d.reinterpreted - n);
  return sum(kl(strip(p), strip(q)), lastAxes(n));
});
