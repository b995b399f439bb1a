import { initializers } from "../nn/index.ts";
import {
  add,
  concat,
  exp,
  expand,
  expm1,
  log,
  logSigmoid,
  matmul,
  mul,
  neg,
  parameter,
  reshape,
  sub,
  type Tensor,
  tensor,
} from "../tensor/index.ts";

/** Categories that have an order: a place on a line, cut by thresholds. */
export interface OrderedLevels {
  /** The lowest threshold, less where it begins, [1]; a parameter. */
  readonly lowest: Tensor;
  /** Logarithms of the gaps between thresholds, relative to those they begin with, [levels − 2]; a parameter. */
  readonly logGaps?: Tensor;
  /** Log probabilities of the levels at places [..., 1]: [..., levels]. */
  logits(places: Tensor): Tensor;
}

/**
 * Cumulative logits (McCullagh 1980, "Regression models for ordinal data"): p(level ≤ k) = σ(t_k − h) for a place h and learned thresholds
 * t_1 < t_2 < …, which begin where every level has the same share at place 0.
 *
 * A level between two thresholds a < b has probability σ(b − h) − σ(a − h) = σ(b − h) σ(h − a) (1 − exp(a − b)), whose logarithm needs no
 * difference of numbers that are nearly equal.
 */
export function orderedLevels(levels: number): OrderedLevels {
  const even = Array.from({ length: levels - 1 }, (_, k) => Math.log((k + 1) / (levels - 1 - k)));
  const lowest = parameter([1], initializers.zeros);
  const start = add(lowest, even[0]);
  if (levels === 2) {
    return { lowest, logits: (h) => concat([logSigmoid(sub(start, h)), logSigmoid(sub(h, start))], -1) };
  }
  const count = levels - 2;
  const logGaps = parameter([count], initializers.zeros);
  const gaps = mul(
    exp(logGaps),
    Array.from({ length: count }, (_, k) => even[k + 1] - even[k]),
  );
  // Each threshold is the lowest and all gaps below it.
  const below = tensor(
    Array.from({ length: count }, (_, i) => Array.from({ length: levels - 1 }, (_, j) => Number(i < j))),
  );
  const thresholds = add(reshape(matmul(reshape(gaps, [1, count]), below), [levels - 1]), start);
  const width = log(neg(expm1(neg(gaps))));
  return {
    lowest,
    logGaps,
    logits(h) {
      const lead = h.shape.slice(0, -1);
      const zero = expand(tensor([0]), [...lead, 1]);
      const between = expand(width, [...lead, count]);
      return add(
        add(
          concat([logSigmoid(sub(thresholds, h)), zero], -1),
          concat([zero, logSigmoid(sub(h, thresholds))], -1),
        ),
        concat([zero, between, zero], -1),
      );
    },
  };
}
