/** How much the class of a row depends on what the model does not know of it: mutual information over draws. */
import { type ArrayValue, type Computed, compile } from "../../compile/index.ts";
import { type Dataset, mapRows } from "../../data/index.ts";
import { Normal, OneHotCategorical } from "../../distributions/index.ts";
import { latentColumns, type M2, type ParameterValues, type Stacked } from "../../models/index.ts";
import { trainingContext } from "../../nn/index.ts";
import {
  concat,
  exp,
  expand,
  log,
  logsumexp,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  sqrt,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../tensor/index.ts";

/** Rows times draws that are computed in one call; for Bayes' rule also times classes. */
const AT_ONCE = 4000;

/** What {@link informationOf} draws: the latent variable of M1, the units of q(y|x) that are dropped, or the style z of M2. */
export type InformationSource = "codes" | "dropout" | "style";

/**
 * What is drawn for a model. M1+M2: z1 from q(z1|x), because q(y|z1) is a function of it. M2 with dropout: the units, which stand for other
 * parameters that the labels allow. M2 without: z from q(z|x), with the class by Bayes' rule, p(y|x, z) ∝ p(y) p(x|y, z); its q(y|x) has
 * nothing to draw.
 */
export function informationSource(model: M2 | Stacked): InformationSource {
  if (model.kind === "m1m2") return "codes";
  const { dropout, inputDropout } = model.settings;
  return Number(dropout) > 0 || Number(inputDropout) > 0 ? "dropout" : "style";
}

/**
 * The mutual information of each row's class with what is drawn, in nats: the entropy of the mean probabilities minus the mean of their
 * entropies (Houlsby et al. 2011, "Bayesian active learning for classification and preference learning"; for dropout Gal, Islam and
 * Ghahramani 2017). Between 0 and the logarithm of the number of classes. A row between two classes has a high entropy however well it is
 * known; its information is high only if the draws disagree.
 *
 * @param rows as M2 or M1 sees them
 * @param options.draws draws per row
 */
export function informationOf(
  model: M2 | Stacked,
  rows: Dataset,
  {
    draws,
    ...options
  }: {
    readonly draws: number;
    readonly parameters: ParameterValues;
    readonly seed: number;
    readonly threads?: number;
  },
): Promise<Float32Array> {
  const { classes } = model;
  const f: (x: ArrayValue) => Promise<Computed<Tensor>> = compile((x) => {
    const p = exp(reshape(logProbabilities(model, x, draws), [draws, x.shape[0], classes]));
    const entropy = (of: Tensor) => neg(sum(mul(of, log(maximum(of, 1e-30))), -1));
    return reshape(sub(entropy(mean(p, 0)), mean(entropy(p), 0)), [-1, 1]);
  }, options);
  const each = draws * (informationSource(model) === "style" ? classes : 1);
  return mapRows(rows, 1, f, Math.max(1, Math.floor(AT_ONCE / each)));
}

/** Log probabilities of the classes in each draw: [draws × rows, classes]. */
function logProbabilities(model: M2 | Stacked, x: Tensor, draws: number): Tensor {
  const rows = x.shape[0];
  const repeated = (t: Tensor) => reshape(expand(t, [draws, ...t.shape]), [draws * rows, -1]);
  if (model.kind === "m1m2") {
    const { pick } = latentColumns(model.active, model.m1.latent);
    const q = model.m1.encode(x);
    const z1 = Normal(pick(q.mean()), pick(sqrt(q.variance())))
      .toEvent(1)
      .sample("information/z1", [draws]);
    return model.m2.classify(reshape(z1, [draws * rows, -1]), trainingContext());
  }
  const seen = repeated(x);
  if (informationSource(model) === "dropout") return model.classify(seen, trainingContext());
  const y = OneHotCategorical({ logits: model.classify(seen) }).sample("information/y");
  const z = model.encode(seen, y).sample("information/z");
  const joint = concat(
    Array.from({ length: model.classes }, (_, k) => {
      const one = expand(tensor([Array.from({ length: model.classes }, (__, i) => Number(i === k))]), [
        draws * rows,
        model.classes,
      ]);
      const found = model.prior.logProb(one).add(model.decode(one, z).logProb(seen));
      return reshape(found, [-1, 1]);
    }),
    1,
  );
  return sub(joint, logsumexp(joint, -1, { keepDims: true }));
}
