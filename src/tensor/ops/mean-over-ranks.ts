import { defineOp } from "../op.ts";
import type { Tensor } from "../tensor.ts";

const meanOverRanksOp = defineOp<{ readonly ranks: number }, [Tensor]>({
  name: "meanOverRanks",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  // The loss of all is the mean of the ranks' losses, so that each rank's gradient counts by 1/K, and so does each rank's share of the mean.
  derivative: (gradient, _, __, { ranks }) => [meanOverRanks(gradient, ranks)],
  batch: ([x], { ranks }) => meanOverRanks(x.all, ranks),
  // One process is its own mean. A step of several ranks is cut here, and what is left has no such node.
  host: "alias",
  native: { onnx: (_, [x]) => x },
  cases: [
    { inputs: [[3, 4]], attributes: { ranks: 1 } },
    { inputs: [[]], attributes: { ranks: 1 } },
  ],
});

/**
 * A statistic of the rows of a minibatch that the objective is not linear in: its mean over the ranks that share the minibatch. With one rank it is x
 * itself, which simplification leaves; until then the graph tells that ranks must not run it each for itself.
 */
export const meanOverRanks = (x: Tensor, ranks: number): Tensor => meanOverRanksOp([x], { ranks });
/** @internal */
meanOverRanks.is = meanOverRanksOp.is;

/** Whether a node is a mean over several ranks. */
export const isOverRanks = (node: Tensor): boolean => meanOverRanks.is(node) && node.attributes.ranks > 1;

/** Whether a node is a statistic of the rows that one process sees. */
export const isOfOneProcess = (node: Tensor): boolean =>
  meanOverRanks.is(node) && node.attributes.ranks === 1;
