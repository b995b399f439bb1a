import {
  add,
  alignBatch,
  cast,
  defineOp,
  div,
  exp,
  fullBatch,
  less,
  log,
  log1p,
  maximum,
  mul,
  type NoAttributes,
  noise,
  rebuild,
  type Shape,
  sqrt,
  square,
  sub,
  type Tensor,
  unsqueeze,
} from "../../tensor/index.ts";
import { tiniest } from "../numerics.ts";
import { firstAccepted } from "../rejection.ts";
import { gammaLogDerivative } from "./gamma-derivative.ts";

/**
 * ln(z/α) of a draw, unchanged. Its derivative in α is the implicit one, not the one through the rejection sampler.
 * Higher derivatives are right too, because the derivative is an expression in z, which is this op's output.
 */
export const implicitLogRatio = defineOp<NoAttributes, [Tensor, Tensor]>({
  name: "implicitGammaLogRatio",
  infer: ([ratio]) => ({ shape: ratio.shape, dtype: ratio.dtype }),
  derivative: (g, ratio, [, alpha]) => [
    undefined,
    mul(g, sub(gammaLogDerivative(alpha, ratio), div(1, alpha))),
  ],
  batch: ([ratio, alpha], _, node, size) => {
    const whole = { ...ratio, all: fullBatch(ratio, size), batched: true };
    return rebuild(node, alignBatch([whole, alpha], node.rank));
  },
  host: "alias",
  native: { onnx: (_, [ratio]) => ratio },
  cases: [],
});

/** A proposal is rejected with probability at most 0.0484 (α → 0), and all of them with probability below 7e-10. */
const PROPOSALS = 7;

/** A standard gamma draw z: its logarithm, which does not underflow for small α, and ln(z/α), which is exact for large α. */
export interface GammaDraw {
  readonly log: Tensor;
  readonly logRatio: Tensor;
  /** z itself, at least the smallest normal number, so that it stays in the support. */
  readonly value: Tensor;
}

/**
 * Draws of a standard gamma (rate 1) of `shape`, to which `alpha` broadcasts, differentiable in α by implicit
 * reparameterisation (Figurnov, Mohamed & Mnih 2018).
 *
 * The sampler is that of Marsaglia & Tsang (2000) at concentration α + 1, multiplied by u^(1/α), so that it is right for
 * every α > 0. Its loop is unrolled to 7 proposals, and the first accepted one is used. With probability below 7e-10 none is
 * accepted; then the first is used.
 */
export function drawGamma(site: string, shape: Shape, alpha: Tensor): GammaDraw {
  const { dtype } = alpha;
  const d = add(alpha, 2 / 3);
  const wide = [...shape, PROPOSALS];
  const x = noise("normal", `${site}/proposals`, wide, dtype);
  const u = noise("uniform", `${site}/acceptance`, wide, dtype);
  const columns = unsqueeze(d, -1);
  // Proposals are d v with v = (1 + t)³. For t ≤ −1 there is no proposal, and the test fails.
  const t = div(x, mul(sqrt(columns), 3));
  const possible = maximum(t, -1 + 2 ** -20);
  const logV = mul(log1p(possible), 3);
  // v − 1 = t (3 + t (3 + t)), without cancellation.
  const excess = mul(possible, add(mul(possible, add(possible, 3)), 3));
  const bound = add(mul(square(x), 0.5), mul(columns, sub(logV, excess)));
  const accepted = mul(cast(less(log(u), bound), dtype), cast(less(-1, t), dtype));
  const chosen = firstAccepted(logV, accepted);
  const boost = div(log(noise("uniform", `${site}/boost`, shape, dtype)), alpha);
  // ln((α + 2/3)/α) + ln v + ln u/α.
  const ratio = add(add(log1p(div(2 / 3, alpha)), chosen), boost);
  const logRatio = implicitLogRatio([ratio, alpha], {});
  return {
    logRatio,
    log: add(logRatio, log(alpha)),
    value: maximum(mul(alpha, exp(logRatio)), tiniest(dtype)),
  };
}
