/** The objective of M2: the bounds of labelled and of unlabelled rows, and q(y|x) as a classifier. */
import { UsageError } from "../errors.ts";
import { elbo, lossOf } from "../inference/index.ts";
import { type LayerContext, trainingContext } from "../nn/index.ts";
import type { Objective } from "../optim/index.ts";
import { condition, handled, logDensity, trace } from "../program/index.ts";
import { add, input, mean, mul, type Tensor } from "../tensor/index.ts";
import type { M2 } from "./m2.ts";

/** The numbers of rows in the data and in a step, and the weights of the objective's terms. */
export interface M2ObjectiveOptions {
  /** Labelled rows of a minibatch (`size`) and of all data (`rows`). */
  readonly labelled: {
    readonly size: number;
    readonly rows: number;
    /** Of each class among the labelled rows. Default: as in p(y). */
    readonly shares?: readonly number[];
  };
  /** Size 0 if every row is labelled; there is then no input `x`. */
  readonly unlabelled: { readonly size: number; readonly rows: number };
  /** How many processes share the minibatch, each with `rows` rows: batch normalisation is then of the rows of all. Default 1. */
  readonly ranks?: number;
  /** Weight of the classification term: each labelled row's log q(y|x) is multiplied by α · size of all data / labelled size. Default 0.1. */
  readonly alpha?: number;
  /**
   * Weight of the KL of y and z from their priors, in the bounds of labelled and of unlabelled rows. Default 1, the bound. A larger value
   * makes information in z expensive, so that the decoder uses y for the differences between classes; if z describes x completely, y has no
   * use.
   */
  readonly beta?: number;
  /**
   * `"input"`: a scalar input named `warmup`, fed at each step, scales the gradient of the unlabelled bound with respect to q(y|x), without
   * changing the bound's value. Near 0 only the labels define the classes, while the decoder learns them; at 1 it is the bound's own
   * gradient. Without it, clusters formed in the first steps may keep classes that the labels contradict.
   */
  readonly warmup?: "input" | undefined;
  /**
   * Weight of the entropy of q(y|x) on unlabelled rows at the start of the warm-up; it falls to 0 as the warm-up rises to 1. Default 0.
   * From a few labels q(y|x) quickly becomes certain of mistakes, such as half of the fours being nines, and the decoder learns them. The
   * entropy term keeps it uncertain until the rows themselves show the classes (Ueda and Nakano 1998, "Deterministic annealing EM
   * algorithm"). Needs `warmup`.
   */
  readonly warmupEntropy?: number;
  /**
   * Whether the labelled rows were drawn at random from all, so that a learned p(y) learns from their shares too. Default false: their
   * shares may be anybody's choice, such as equal parts of every class.
   */
  readonly labelsAtRandom?: boolean;
  /**
   * `"input"`: a scalar input named `shares`, fed at each step, scales the gradient of a learned p(y). Shares that are learned before
   * q(y|x) knows the classes grow for some and end for others, which then have no rows.
   */
  readonly shares?: "input" | undefined;
}

/** J of eq. 9 over all rows, divided by their number, from a minibatch of labelled and one of unlabelled rows. */
export function m2Objective(
  m2: M2,
  { labelled, unlabelled, ranks = 1, alpha = 0.1, beta = 1, warmupEntropy = 0 }: M2ObjectiveOptions,
  {
    labelled: onKnown,
    unlabelled: onOthers,
    classifier,
    guide,
    doubt,
  }: {
    /** The model as labelled and as unlabelled rows see it. */
    readonly labelled: M2["model"];
    readonly unlabelled: M2["model"];
    readonly classifier: M2["classifier"];
    /** For unlabelled rows. */
    readonly guide: M2["guide"];
    /** Entropy of q(y|x) per row, with a weight that falls during the warm-up. */
    readonly doubt?: (x: Tensor, layers: LayerContext) => Tensor;
  },
): Objective {
  if (warmupEntropy > 0 && doubt === undefined)
    throw new UsageError("m2: warmupEntropy only applies during a warm-up; expected one, found none.");
  const total = labelled.size + unlabelled.size;
  const layers = trainingContext({ ranks });
  const [xl, y] = [input("xLabelled", [labelled.rows, m2.features]), input("y", [labelled.rows, m2.classes])];
  const observed = condition({ y });
  const onLabelled = elbo(handled(onKnown, observed), handled(m2.guide, observed), [xl], {
    analyticKl: ["z"],
    beta,
    scale: labelled.size / labelled.rows / total,
    stream: "labelled/",
    layers,
  });
  const share = unlabelled.size / total;
  const x = unlabelled.size === 0 ? undefined : input("x", [unlabelled.rows, m2.features]);
  const onUnlabelled =
    x &&
    elbo(onOthers, guide, [x], {
      analyticKl: ["z"],
      beta,
      scale: share / unlabelled.rows,
      layers,
    });
  const held =
    x && warmupEntropy > 0 && doubt ? mul(mean(doubt(x, layers)), warmupEntropy * share) : undefined;
  const classification = logDensity(trace(classifier, [xl, y], [], { layers }));
  const objective = [
    onLabelled.surrogate,
    onUnlabelled?.surrogate,
    held,
    // α · total / labelled.size for each labelled row, of which labelled.rows stand for labelled.size, over all rows.
    mul(classification, alpha / labelled.rows),
  ]
    .filter((term) => term !== undefined)
    .reduce((a, b) => add(a, b));
  return {
    loss: lossOf(objective),
    metrics: {
      labelledElbo: mul(onLabelled.value, total / labelled.size),
      ...(onUnlabelled && { unlabelledElbo: mul(onUnlabelled.value, total / unlabelled.size) }),
      classification: mul(classification, 1 / labelled.rows),
    },
    updates: layers.updates,
  };
}
