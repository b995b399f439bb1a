import type { RowLayout } from "../data/index.ts";
import { type Distribution, Normal, OneHotCategorical } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import { elbo, lossOf } from "../inference/index.ts";
import {
  type ActivationName,
  activation,
  type Dense,
  dense,
  dropout,
  evaluation,
  initializers,
  type Layer,
  type LayerContext,
  mlp,
  type NamedParameter,
  parametersOf,
  sequential,
  trainingContext,
  type WeightOptions,
} from "../nn/index.ts";
import type { Objective } from "../optim/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { condition, handled, logDensity, model, type Program, trace } from "../program/index.ts";
import {
  add,
  formatShape,
  type Initializer,
  input,
  logsumexp,
  mean,
  mul,
  parameter,
  reshape,
  type Shape,
  sizeOf,
  stopGradient,
  sub,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { type LikelihoodName, likelihood } from "./likelihood.ts";
import { logJointOf } from "./log-joint.ts";
import { missingMarks } from "./missing-marks.ts";
import {
  checkLatent,
  encoderBody,
  decoder as imageDecoder,
  type NetworkName,
  resolveNetwork,
} from "./networks.ts";

/** Likelihoods of the VAE, and a Gaussian whose means and variances are both computed from y and z. */
export type M2Likelihood = LikelihoodName | "gaussian-heteroscedastic";

/** Options of {@link M2}. */
export interface M2Options {
  /** Number of values of a datum. */
  readonly features: number;
  /** How many classes there are. */
  readonly classes: number;
  /** Default `mlp`. `convolutional`: for images of the shape that is given; the hidden layers stand within the convolutions. */
  readonly network?: NetworkName;
  /** Shape of a row, for a convolutional network: [height, width] or [height, width, channels]. */
  readonly shape?: Shape;
  /** Channels of the convolutions, from the data inwards; each halves height and width. Default [32, 64]. */
  readonly channels?: readonly number[];
  /** Dimensions of z. Default 50. */
  readonly latent?: number;
  /** Widths of the hidden layers of each of the three networks. Default [500]. */
  readonly hidden?: readonly number[];
  /** Default softplus. */
  readonly activation?: ActivationName;
  /** Default bernoulli. */
  readonly likelihood?: M2Likelihood;
  /** The columns that features belong to, for the likelihood `table`: `featureLayout(preprocessing)`. Missing values are NaN. */
  readonly layout?: RowLayout | undefined;
  /**
   * Fraction of q(y|x)'s hidden units dropped in training. Default 0. With few labels q(y|x) soon becomes certain of every row, and a
   * nearly certain class passes no gradient; dropout keeps it uncertain.
   */
  readonly dropout?: number;
  /** Fraction of the values of x that q(y|x) does not see in training. Default 0. */
  readonly inputDropout?: number;
  /** Initialiser of the weights. Default Glorot uniform. */
  readonly weightInit?: Initializer;
  /**
   * p(y), the shares of the classes among all rows: equal, learned, or these, which sum to 1. Default learned. A share that is far too
   * large is filled with rows of other classes.
   */
  readonly classPrior?: ClassPrior;
}

/** p(y): shares that are equal, learned, or given. */
export type ClassPrior = "uniform" | "learned" | readonly number[];

const rules: OptionRules<M2Options> = {
  features: required(given("the number of features of one row")),
  classes: required(given("the number of classes")),
  network: anything,
  shape: anything,
  channels: anything,
  latent: anything,
  hidden: anything,
  activation: anything,
  likelihood: anything,
  layout: anything,
  dropout: anything,
  inputDropout: anything,
  weightInit: anything,
  classPrior: anything,
};

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

/** The generative semi-supervised model M2: programs, densities and objective. */
export interface M2 {
  readonly kind: "m2";
  /** Its options, with defaults filled in, as a run records them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly features: number;
  readonly classes: number;
  readonly latent: number;
  readonly likelihood: M2Likelihood;
  readonly parameters: readonly NamedParameter[];
  /** p(y), of one-hot vectors. */
  readonly prior: Distribution;
  /** Whether p(y) is learned. */
  readonly learnsPrior: boolean;
  /** y ~ p(y), z ~ N(0, I), x | y, z, for each row of x [batch, features]; y is a one-hot vector. */
  readonly model: Program<[x: Tensor]>;
  /** q(y|x) q(z|x, y). */
  readonly guide: Program<[x: Tensor]>;
  /** q(y|x) as a classifier of labelled rows, with y observed. */
  readonly classifier: Program<[x: Tensor, y: Tensor]>;
  /** Log probabilities of the classes under q(y|x): [batch, classes]. In a training context units are dropped, if the model drops any. */
  classify(x: Tensor, layers?: LayerContext): Tensor;
  /** log p(x, y) of every class by importance samples from q(z|x, y): [batch, classes]; its softmax is Bayes' rule. */
  logJoint(x: Tensor, samples: number): Tensor;
  /** p(x|y, z): y [..., classes], z [..., latent]. */
  decode(y: Tensor, z: Tensor): Distribution;
  /** q(z|x, y). */
  encode(x: Tensor, y: Tensor): Distribution;
  /**
   * The objective of a step, with inputs `x` [unlabelled rows, features], `xLabelled` and one-hot `y`. In nats per row of all data.
   * @throws UsageError when there is a `warmupEntropy` but no `warmup`.
   */
  objective(options: M2ObjectiveOptions): Objective;
}

/** A first layer of two inputs, x A + y B + b, in which each input's product is computed once, even if the other input is repeated. */
function jointDense(
  sizes: readonly [number, number],
  outputs: number,
  options: WeightOptions,
): { readonly first: Dense; readonly second: Dense; apply(a: Tensor, b: Tensor): Tensor } {
  const first = dense(sizes[0], outputs, options);
  const second = dense(sizes[1], outputs, { ...options, bias: false });
  return { first, second, apply: (a, b) => add(first.apply(a), second.apply(b)) };
}

/** A perceptron with two inputs, which its first hidden layer joins. */
function jointBody(
  sizes: readonly [number, number],
  hidden: readonly number[],
  name: ActivationName,
  options: WeightOptions,
) {
  const joint = jointDense(sizes, hidden[0], options);
  const rest: Layer[] = [activation(name)];
  hidden.slice(1).forEach((width, i) => {
    rest.push(dense(hidden[i], width, options), activation(name));
  });
  const body = sequential(...rest);
  return {
    joint,
    body,
    apply: (a: Tensor, b: Tensor, layers: LayerContext = evaluation) => body.apply(joint.apply(a, b), layers),
  };
}

/**
 * The generative semi-supervised model M2 of Kingma, Mohamed, Rezende and Welling (2014, "Semi-supervised learning with deep generative
 * models"): a class y and a style z generate a datum x. If y is observed, its bound is −L(x, y) of their eq. 6; if not, y is summed out
 * exactly, −U(x) of eq. 7. The classification term of eq. 9 is a separate program. There is no hand-written loss: the bounds are those of
 * the programs.
 *
 * @example
 * const m2 = M2({ features: 784, classes: 10, latent: 50, hidden: [500] });
 * const loss = m2.objective({ labelled: { size: 100, rows: 100 }, unlabelled: { size: 49_900, rows: 200 } });
 *
 * @throws UsageError when there are fewer than two classes, no latent dimension or no hidden layer, or a dropout is not in [0, 1).
 */
export function M2(options: M2Options): M2 {
  checkOptions("M2", options, rules);
  const { features, classes, latent = 50, hidden = [500], likelihood: name = "bernoulli" } = options;
  const { activation: nonlinearity = "softplus", weightInit, dropout: rate = 0, inputDropout = 0 } = options;
  checkLatent("m2", latent);
  if (!Number.isInteger(classes) || classes < 2)
    throw new UsageError(`m2: expected at least two classes, found ${classes}.`);
  if (hidden.length === 0) throw new UsageError("m2: expected at least one hidden layer, found none.");
  const weights: WeightOptions = { ...(weightInit && { weightInit }) };
  const last = hidden[hidden.length - 1];
  const front = name === "table" ? missingMarks(features, options.layout) : undefined;
  const inputs = front?.width ?? features;
  const seen = (x: Tensor) => front?.apply(x) ?? x;

  /** What convolutions make of images, for each of the two networks that see them. */
  const convolutions = options.network === "convolutional" ? imageNetwork(options) : undefined;
  const eyes = () => (convolutions === undefined ? undefined : encoderBody(convolutions));
  const [firstEyes, secondEyes] = [eyes(), eyes()];

  /** q(y|x), with its noise named after the program that it is part of. One set of weights. */
  const discriminator = mlp({
    inputs: firstEyes?.width ?? inputs,
    hidden,
    outputs: classes,
    activation: nonlinearity,
    ...weights,
  });
  const discriminate = (x: Tensor, site: string, layers?: LayerContext): Tensor => {
    const drop = (share: number, i: number) => dropout(share, { site: `${site}/dropout.${i}` });
    // Dense layers and activations alternate.
    const regularised = discriminator.layers.flatMap((layer, i) =>
      i % 2 === 1 ? [layer, drop(rate, (i + 1) / 2)] : [layer],
    );
    const look = firstEyes === undefined ? [] : [firstEyes.layers];
    return sequential(drop(inputDropout, 0), ...look, ...regularised).apply(x, layers);
  };
  const encoder = {
    ...(secondEyes && { convolutions: secondEyes.layers }),
    body: jointBody([secondEyes?.width ?? inputs, classes], hidden, nonlinearity, weights),
    mean: dense(last, latent, weights),
    logVariance: dense(last, latent, weights),
  };
  const decoder = {
    body: jointBody([latent, classes], hidden, nonlinearity, weights),
    out: convolutions === undefined ? dense(last, features, weights) : imageDecoder(last, convolutions),
    ...(name === "gaussian-heteroscedastic" && { logVariance: dense(last, features, weights) }),
  };
  const observation =
    name === "gaussian-heteroscedastic" ? undefined : likelihood(name, features, options.layout);

  const logits = (x: Tensor, site: string, layers?: LayerContext) => discriminate(seen(x), site, layers);
  const q = (x: Tensor, layers?: LayerContext) =>
    OneHotCategorical({ logits: logits(x, "classifier", layers) });
  const encode = (x: Tensor, y: Tensor, layers?: LayerContext) => {
    const viewed = secondEyes === undefined ? seen(x) : secondEyes.layers.apply(x, layers);
    const h = encoder.body.apply(viewed, y, layers);
    return Normal(encoder.mean.apply(h), { logScale: mul(encoder.logVariance.apply(h), 0.5) }).toEvent(1);
  };
  const decode = (y: Tensor, z: Tensor, layers?: LayerContext) => {
    const h = decoder.body.apply(z, y, layers);
    const flat = convolutions === undefined ? h : reshape(h, [-1, last]);
    const out = reshape(decoder.out.apply(flat, layers), [...h.shape.slice(0, -1), features]);
    if (observation !== undefined) return observation.distribution(out);
    const logScale = mul(decoder.logVariance?.apply(h) ?? out, 0.5);
    return Normal(out, { logScale }).toEvent(1);
  };
  const shares = classShares(options.classPrior ?? "learned", classes);
  const standard = Normal(0, 1).expand([latent]).toEvent(1);

  const generativeOf = (prior: Distribution) =>
    model(
      ({ plate, sample, observe, module, layers }, x: Tensor) => {
        if (shares.module !== undefined) module("prior", shares.module);
        module("decoder", decoder);
        if (observation !== undefined) module("likelihood", observation);
        plate("row", x.shape[0], () => {
          const y = sample("y", prior);
          const z = sample("z", standard);
          observe("x", decode(y, z, layers), x);
        });
      },
      { name: "m2" },
    );
  const generative = generativeOf(shares.prior);
  /** q(y|x) q(z|x, y). If a share is given, only that share of the gradient reaches q(y|x). */
  const guideOf = (share?: Tensor) =>
    model(
      ({ plate, sample, module, layers }, x: Tensor) => {
        if (front !== undefined) module("front", front);
        if (firstEyes !== undefined) module("convolutions", firstEyes.layers);
        module("discriminator", discriminator);
        module("encoder", encoder);
        plate("row", x.shape[0], () => {
          const all = logits(x, "guide", layers);
          const y = sample("y", OneHotCategorical({ logits: share ? scaleGradient(all, share) : all }));
          sample("z", encode(x, y, layers));
        });
      },
      { name: "m2 guide" },
    );
  const guide = guideOf();
  /** q(y|x) of rows whose classes have other shares than in p(y): its logits moved by the logarithm of their ratio. */
  const classifierOf = (shift?: Tensor) =>
    model(
      ({ plate, observe, module, layers }, x: Tensor, y: Tensor) => {
        if (front !== undefined) module("front", front);
        if (firstEyes !== undefined) module("convolutions", firstEyes.layers);
        module("discriminator", discriminator);
        plate("row", x.shape[0], () => {
          const all = logits(x, "classifier", layers);
          observe("y", OneHotCategorical({ logits: shift ? add(all, shift) : all }), y);
        });
      },
      { name: "m2 classifier" },
    );
  const classifier = classifierOf();
  const m2: M2 = {
    kind: "m2",
    settings: {
      latent,
      hidden,
      activation: nonlinearity,
      likelihood: name,
      dropout: rate,
      inputDropout,
      classPrior: options.classPrior ?? "learned",
      ...(convolutions && {
        network: "convolutional",
        shape: convolutions.shape,
        channels: convolutions.channels,
      }),
      ...(options.layout && { layout: options.layout }),
    },
    features,
    classes,
    latent,
    likelihood: name,
    prior: shares.prior,
    learnsPrior: shares.module !== undefined,
    model: generative,
    guide,
    classifier,
    parameters: parametersOf({
      ...(front && { front }),
      ...(firstEyes && { convolutions: firstEyes.layers }),
      discriminator,
      encoder,
      decoder,
      ...(observation && { likelihood: observation }),
      ...(shares.module && { prior: shares.module }),
    }),
    classify: (x, layers) => logSoftmax(q(x, layers).categories.weights),
    logJoint: (x, samples) => logJointOf({ model: generative, guide, classes }, x, samples),
    decode: (y, z) => decode(y, z),
    encode: (x, y) => encode(x, y),
    objective(settings) {
      const { labelsAtRandom = false, labelled: known } = settings;
      const prior = settings.shares === undefined ? shares.prior : shares.slowed(input("shares", []));
      const shift =
        labelsAtRandom || known.shares === undefined
          ? undefined
          : sub(tensor(known.shares.map(Math.log)), shares.held.logits);
      const seen = {
        unlabelled: generativeOf(prior),
        labelled: generativeOf(labelsAtRandom ? prior : shares.held.distribution),
        classifier: classifierOf(shift),
      };
      if (settings.warmup === undefined) return m2Objective(m2, settings, { ...seen, guide });
      const share = input("warmup", []);
      return m2Objective(m2, settings, {
        ...seen,
        guide: guideOf(share),
        doubt: (x, layers) =>
          mul(sub(1, share), OneHotCategorical({ logits: logits(x, "doubt", layers) }).entropy()),
      });
    },
  };
  return m2;
}

/** Options of the convolutions of M2, whose hidden layers are M2's own. @throws UsageError without a shape, or with one of other features */
function imageNetwork({ shape, channels, features, likelihood: name, activation: nonlinearity }: M2Options) {
  if (shape === undefined || sizeOf(shape) !== features) {
    throw new UsageError(
      `m2: a convolutional network needs the shape of its images, of ${features} values; found ${shape === undefined ? "none" : formatShape(shape)}.`,
    );
  }
  if (name === "table" || name === "gaussian-heteroscedastic") {
    throw new UsageError(`m2: a convolutional network is for images; a ${name} likelihood is not. Use mlp.`);
  }
  return resolveNetwork({
    shape,
    hidden: [],
    network: "convolutional",
    activation: nonlinearity ?? "softplus",
    ...(channels && { channels }),
  });
}

/** How much faster than a weight the logits of p(y) move: what the optimiser takes for a step suits weights. */
const SPEED = 10;

/** p(y), the same without a gradient to what is learned of it, and what is learned. @throws UsageError */
function classShares(prior: ClassPrior, classes: number) {
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
const scaleGradient = (t: Tensor, share: Tensor): Tensor => {
  const held = stopGradient(t);
  return add(held, mul(share, sub(t, held)));
};

const logSoftmax = (logits: Tensor): Tensor => sub(logits, logsumexp(logits, -1, { keepDims: true }));

/** J of eq. 9 over all rows, divided by their number, from a minibatch of labelled and one of unlabelled rows. */
function m2Objective(
  m2: M2,
  { labelled, unlabelled, alpha = 0.1, beta = 1, warmupEntropy = 0 }: M2ObjectiveOptions,
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
  const layers = trainingContext();
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
