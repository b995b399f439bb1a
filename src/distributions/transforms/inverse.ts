import { abs, equal, type Shape, type Tensor } from "../../tensor/index.ts";
import { AffineTransform } from "./affine.ts";
import { limitOf } from "./limits.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";

class InverseTransform extends Transform {
  readonly of: Transform;

  constructor(of: Transform) {
    super({
      name: `inverse(${of.name})`,
      domain: of.codomain,
      codomain: of.domain,
      batchShape: of.batchShape,
    });
    this.of = of;
  }

  override get hasForward(): boolean {
    return this.of.hasInverse;
  }

  override get hasInverse(): boolean {
    return this.of.hasForward;
  }

  protected override map(x: Tensor): Tensor {
    return this.of.inverse(x);
  }

  override limit(x: Tensor): Tensor {
    if (!(this.of instanceof AffineTransform)) return super.limit(x);
    return limitOf((v) => this.forward(v), x, equal(abs(x), Number.POSITIVE_INFINITY), 0);
  }

  protected override unmap(y: Tensor): Tensor {
    return this.of.forward(y);
  }

  protected override logAbsDet(x: Tensor, y: Tensor): Tensor {
    return this.of.logDet(y, x).neg();
  }

  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    return this.of.inverseAndLogDet(x);
  }

  protected override unmapWithLogDet(y: Tensor): ValueAndLogDet {
    return this.of.forwardAndLogDet(y);
  }

  protected override forwardEvent(event: Shape): Shape {
    return withoutBatch(this.of.inverseShape(event), this.codomain.eventRank);
  }

  protected override inverseEvent(event: Shape): Shape {
    return withoutBatch(this.of.forwardShape(event), this.domain.eventRank);
  }
}

const withoutBatch = (shape: Shape, rank: number): Shape => shape.slice(shape.length - rank);

/**
 * The same map in the other direction. If a map has no closed inverse (planar flows), the result has no `forward` but still a density: a
 * {@link TransformedDistribution} through it can be fitted to data.
 */
export const inverse = (transform: Transform): Transform =>
  transform instanceof InverseTransform ? transform.of : new InverseTransform(transform);
