import { UsageError } from "../../errors.ts";
import {
  abs,
  add,
  broadcastShapes,
  type DType,
  div,
  equal,
  exp,
  isConstant,
  log,
  mul,
  neg,
  operands,
  sub,
  Tensor,
  type TensorLike,
} from "../../tensor/index.ts";
import { real } from "../constraints.ts";
import { inDType, limitOf } from "./limits.ts";
import { Transform } from "./transform.ts";

/** The transform that {@link affine} returns. */
export class AffineTransform extends Transform {
  readonly loc: Tensor;
  /** The scale, if it was given; else `logScale` holds its logarithm. */
  readonly scale?: Tensor;
  readonly logScale?: Tensor;

  /** Use {@link affine}. */
  constructor(loc: Tensor, given: { readonly scale: Tensor } | { readonly logScale: Tensor }) {
    const spread = "scale" in given ? given.scale : given.logScale;
    super({
      name: "affine",
      domain: real,
      codomain: real,
      batchShape: broadcastShapes("affine", loc.shape, spread.shape),
    });
    this.loc = loc;
    if ("scale" in given) this.scale = given.scale;
    else this.logScale = given.logScale;
  }

  /** The factor that x is multiplied by. */
  factor(dtype: DType): Tensor {
    return this.scale === undefined ? exp(this.#logFactor(dtype)) : inDType(this.scale, dtype);
  }

  protected override map(x: Tensor): Tensor {
    return add(mul(x, this.factor(x.dtype)), inDType(this.loc, x.dtype));
  }

  override limit(x: Tensor): Tensor {
    return limitOf((v) => this.forward(v), x, equal(abs(x), Number.POSITIVE_INFINITY), 0);
  }

  protected override unmap(y: Tensor): Tensor {
    const centred = sub(y, inDType(this.loc, y.dtype));
    return this.scale === undefined
      ? mul(centred, exp(neg(this.#logFactor(y.dtype))))
      : div(centred, inDType(this.scale, y.dtype));
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.#logFactor(x.dtype);
  }

  #logFactor(dtype: DType): Tensor {
    return this.logScale === undefined ? log(abs(this.factor(dtype))) : inDType(this.logScale, dtype);
  }
}

/**
 * y = loc + scale · x, element by element. The scale may be negative, but not 0. Its shape broadcasts with the values'. Give
 * `{ logScale }` if a network predicts the logarithm. ln |dy/dx| = ln |scale|.
 *
 * @example
 * await transforms.affine(1, 2).forward([0, 3]).value(); // [1, 7]
 *
 * @throws UsageError when a scale with known numbers contains a 0.
 */
export function affine(
  loc: TensorLike,
  scale: TensorLike | { readonly logScale: TensorLike },
): AffineTransform {
  if (typeof scale === "object" && !(scale instanceof Tensor) && "logScale" in scale) {
    const [l, logScale] = operands("affine", loc, scale.logScale);
    return new AffineTransform(l, { logScale });
  }
  const [l, s] = operands("affine", loc, scale);
  if (isConstant(s) && s.attributes.values.includes(0)) {
    throw new UsageError("affine: 'scale' must not be 0, which has no inverse; found a 0 in it.");
  }
  return new AffineTransform(l, { scale: s });
}
