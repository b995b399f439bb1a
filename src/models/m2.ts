import type { RowLayout } from "../data/index.ts";
import { type Distribution, Normal, OneHotCategorical } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import {
  type ActivationName,
  activation,
  type Dense,
  dense,
  dropout,
  evaluation,
  type Layer,
  type LayerContext,
  mlp,
  type NamedParameter,
  parametersOf,
  sequential,
  type WeightOptions,
} from "../nn/index.ts";
import type { Objective } from "../optim/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { model, type Program } from "../program/index.ts";
import {
  add,
  formatShape,
  type Initializer,
  input,
  mul,
  reshape,
  type Shape,
  sizeOf,
  sub,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { type ClassPrior, classShares, logSoftmax, scaleGradient } from "./class-shares.ts";
import { type LikelihoodName, likelihood } from "./likelihood.ts";
import { logJointOf } from "./log-joint.ts";
import { type M2ObjectiveOptions, m2Objective } from "./m2-objective.ts";
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
