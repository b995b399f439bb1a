import { importanceWeighted } from "../inference/index.ts";
import { condition, handled, type Program } from "../program/index.ts";
import { concat, expand, logsumexp, type Tensor, tensor } from "../tensor/index.ts";

/**
 * log p(x, y) of every class, [batch, classes], of a model whose class is the site `y`: importance samples from the guide, with y observed.
 * An estimate from below in expectation; its error falls as samples grow.
 */
export function logJointOf(
  {
    model,
    guide,
    classes,
  }: { readonly model: Program<[x: Tensor]>; readonly guide: Program<[x: Tensor]>; readonly classes: number },
  x: Tensor,
  samples: number,
): Tensor {
  const each = Array.from({ length: classes }, (_, k) => {
    const y = expand(tensor([Array.from({ length: classes }, (_, i) => (i === k ? 1 : 0))]), [
      x.shape[0],
      classes,
    ]);
    const observed = condition({ y });
    const { logWeights } = importanceWeighted(handled(model, observed), handled(guide, observed), [x], {
      particles: samples,
      stream: `class ${k}/`,
    });
    return logsumexp(logWeights, 0).sub(Math.log(samples)).reshape([-1, 1]);
  });
  return concat(each, 1);
}
