import { ShapeError } from "../../errors.ts";
import { checkCount, normal, zeros } from "../../nn/index.ts";
import {
  add,
  broadcastShapes,
  type DType,
  div,
  formatShape,
  log,
  mul,
  parameter,
  type Shape,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  unsqueeze,
} from "../../tensor/index.ts";
import { realVector } from "../constraints.ts";
import { ClosedFormError } from "../errors.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";

/** u, w [..., size], b [...]: from a network for an amortised flow, otherwise parameters. */
export interface PlanarParameters {
  readonly u: Tensor;
  readonly w: Tensor;
  readonly b: Tensor;
}

const dot = (a: Tensor, b: Tensor): Tensor => sum(mul(a, b), -1);

class PlanarTransform extends Transform {
  readonly u: Tensor;
  readonly w: Tensor;
  readonly b: Tensor;

  constructor({ u, w, b }: PlanarParameters) {
    const vectors = [u, w].map((t) => t.shape.slice(0, -1));
    super({
      name: "planar",
      domain: realVector,
      codomain: realVector,
      batchShape: broadcastShapes("planar", ...vectors, b.shape),
    });
    this.u = u;
    this.w = w;
    this.b = b;
  }

  override get hasInverse(): boolean {
    return false;
  }

  protected override map(x: Tensor): Tensor {
    return this.mapWithLogDet(x).value;
  }

  // û is chosen so that wᵀû = softplus(wᵀu) − 1 > −1; then |J| = 1 + h' wᵀû = tanh² + (1 − tanh²) softplus(wᵀu) is never below 0.
  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    const { u, w, b } = this;
    const along = dot(w, u);
    const lifted = softplus(along);
    const shift = div(sub(lifted, add(along, 1)), dot(w, w));
    const direction = add(u, mul(unsqueeze(shift, -1), w));
    const h = tanh(add(dot(x, w), b));
    const h2 = square(h);
    return {
      value: add(x, mul(direction, unsqueeze(h, -1))),
      logDet: log(add(h2, mul(sub(1, h2), lifted))),
    };
  }

  protected override unmap(): Tensor {
    throw new ClosedFormError(
      "planar: the inverse has no closed form. Draw with sampleAndLogProb, which needs none; or, for the density of " +
        "given values, use inverse(planar(…)), or a flow with an inverse (affineCoupling, splineCoupling).",
    );
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.mapWithLogDet(x).logDet;
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] === this.w.shape[this.w.rank - 1] ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }

  protected override describeEvent(): string {
    return `[..., ${this.w.shape[this.w.rank - 1]}]`;
  }
}

/**
 * The planar flow f(x) = x + û tanh(wᵀx + b) of Rezende & Mohamed, "Variational inference with normalizing flows" (2015),
 * with û = u + (softplus(wᵀu) − 1 − wᵀu) w / ‖w‖², which keeps it invertible for any u, w ≠ 0 and b.
 *
 * It has no closed inverse: `inverse` throws, and a distribution through it has a density only for its own draws
 * (`sampleAndLogProb`). With `{ size }` it creates its own parameters, which start as a gentle bend; for an amortised flow, pass `u`,
 * `w` and `b` from a network.
 *
 * @example
 * const flow = transforms.compose(...Array.from({ length: 8 }, () => transforms.planar({ size: 2 })));
 *
 * @throws ShapeError when u and w are not vectors of equal size.
 */
export function planar(
  options: PlanarParameters | { readonly size: number; readonly dtype?: DType },
): Transform {
  if ("size" in options) {
    const { size, dtype = "float32" } = options;
    checkCount("planar", "size", size);
    // u near 0 gives wᵀû ≈ ln 2 − 1: a gentle bend, in a different direction for each layer of a stack.
    const vector = (std: number): Tensor => parameter([size], normal(std), { dtype });
    return new PlanarTransform({ u: vector(0.1), w: vector(1), b: parameter([], zeros, { dtype }) });
  }
  const { u, w } = options;
  if (u.rank < 1 || w.rank < 1 || u.shape.at(-1) !== w.shape.at(-1)) {
    throw new ShapeError(
      `planar: u and w must be vectors [..., size] of one size, found ${formatShape(u.shape)} and ${formatShape(w.shape)}.`,
    );
  }
  return new PlanarTransform(options);
}
