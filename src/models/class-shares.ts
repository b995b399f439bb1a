/** p(y): the shares of classes among all rows. */
import { OneHotCategorical } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import { initializers } from "../nn/index.ts";
import { add, logsumexp, mul, parameter, stopGradient, sub, type Tensor, tensor } from "../tensor/index.ts";

/** p(y): shares that are equal, learned, or given. */
export type ClassPrior = "uniform" | "learned" | readonly number[];

/** How much faster than a weight the logits of p(y) move: what the optimiser takes for a step suits weights. */
const SPEED = 10;

/** p(y), the same without a gradient to what is learned of it, and what is learned. @throws UsageError */
export function classShares(prior: ClassPrior, classes: number) {
  if (prior === "learned") {
    const parameters = parameter([classes], initializers.zeros);
    const logits = logSoftmax(mul(parameters, SPEED));
    const still = stopGradient(logits);
    return {
      prior: OneHotCategorical({ logits }),
      held: { logits: still, distribution: OneHotCategorical({ logits: still }) },
      slowed: (share: Tensor) => OneHotCategorical({ logits: scaleGradient(logits, share) }),
      module: { logits: parameters },
    };
  }
  const probs = prior === "uniform" ? new Array<number>(classes).fill(1 / classes) : [...prior];
  const total = probs.reduce((a, b) => a + b, 0);
  if (probs.length !== classes || probs.some((share) => !(share > 0)) || Math.abs(total - 1) > 1e-6) {
    throw new UsageError(
      `m2: expected ${classes} shares of classes above 0 that sum to 1, found ${probs.join(", ")}.`,
    );
  }
  const fixed = OneHotCategorical({ probs });
  return {
    prior: fixed,
    held: { logits: tensor(probs.map(Math.log)), distribution: fixed },
    slowed: () => fixed,
  };
}

/** `t`, with its gradient multiplied by `share`. */
export const scaleGradient = (t: Tensor, share: Tensor): Tensor => {
  const held = stopGradient(t);
  return add(held, mul(share, sub(t, held)));
};

/** Log probabilities of logits, over the last axis. */
export const logSoftmax = (logits: Tensor): Tensor => sub(logits, logsumexp(logits, -1, { keepDims: true }));
