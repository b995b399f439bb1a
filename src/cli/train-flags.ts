/** The flags of `train` that are settings of a run: one table for parsing, for `config.json` and for resuming. */
import { Option } from "commander";
import type { LikelihoodName, NetworkName } from "../models/index.ts";
import type { ActivationName } from "../nn/index.ts";
import type { ClassifierName, ModelName, RunSettings } from "../run/index.ts";
import type { TrainSettings } from "../train/settings.ts";
import { notNegative, number, oneOf, positive, whole, wholes } from "./parse.ts";

// Written out here, so that the library need not be loaded to parse a command line.
export const likelihoods = [
  "bernoulli",
  "bernoulli-on-grey",
  "continuous-bernoulli",
  "gaussian",
  "gaussian-per-feature",
  "table",
] as const satisfies readonly LikelihoodName[];
export const networks = ["mlp", "convolutional"] as const satisfies readonly NetworkName[];
export const activations = [
  "relu",
  "tanh",
  "sigmoid",
  "softplus",
  "leakyRelu",
  "elu",
  "silu",
  "identity",
] as const satisfies readonly ActivationName[];
const binarizations = ["dynamic", "fixed", "none"] as const satisfies readonly TrainSettings["binarize"][];
const optimizers = [
  "adam",
  "adamw",
  "sgd",
  "rmsprop",
] as const satisfies readonly TrainSettings["optimizer"][];
const schedules = ["constant", "linear", "cosine"] as const satisfies readonly TrainSettings["schedule"][];
const bounds = ["elbo", "iwae"] as const satisfies readonly TrainSettings["bound"][];
const forms = ["analytic", "monteCarlo"] as const satisfies readonly TrainSettings["form"][];

export const classifiers = [
  "knn",
  "linear-svm",
  "svm",
  "transductive-svm",
  "logistic",
] as const satisfies readonly ClassifierName[];

export const models = ["vae", "autoencoder", "m1", "m2", "m1m2"] as const satisfies readonly ModelName[];

/** Flags that only some models have, and why the others do not. */
interface Group {
  readonly models: readonly ModelName[];
  readonly why: (model: ModelName) => string;
}

const everything: Group = { models, why: () => "" };
const networkGroup: Group = {
  models: ["vae", "autoencoder", "m1"],
  why: (model) => `the networks of ${model} are plain perceptrons.`,
};
const ofM2: Group = { models: ["m2"], why: () => "it is an option of q(y|x) of m2 alone." };
const divergent: Group = {
  models: ["vae", "m1", "m2", "m1m2"],
  why: () => "an autoencoder has no KL.",
};
const bound: Group = {
  models: ["vae", "m1"],
  why: (model) =>
    model === "autoencoder"
      ? "an autoencoder has no KL, no samples and no bound."
      : `the bound of ${model} has its KL in closed form, and one sample.`,
};
const labels: Group = {
  models: ["m1", "m2", "m1m2"],
  why: (model) => `${model} learns without labels. To learn from a few, train m1, m2 or m1m2.`,
};
const together: Group = {
  models: ["m2", "m1m2"],
  why: (model) =>
    `only m2 and m1m2 learn from labels at every step, ${model === "m1" ? "m1 when its vae is done" : `${model} never`}.`,
};
const ofM1: Group = { models: ["m1"], why: () => "only m1 has classifiers of its own." };
const beneath: Group = { models: ["m1m2"], why: () => "only m1m2 has an M1 beneath it." };

export interface TrainFlag {
  readonly flags: string;
  readonly description: string;
  readonly parse?: (text: string) => unknown;
  /** Its name as an option, commander's way. */
  readonly key: string;
  /** Where the settings of a run hold it. */
  readonly path: string;
  readonly group: Group;
}

const flag = (
  path: string,
  flags: string,
  description: string,
  parse?: TrainFlag["parse"],
  group: Group = everything,
): TrainFlag => ({
  key: (/^--([\w-]+)/.exec(flags)?.[1] ?? "").replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
  path,
  flags,
  description,
  group,
  ...(parse && { parse }),
});

const choice = (names: readonly string[]) => ({ parse: oneOf(names), names: names.join(" | ") });
const likelihood = choice(likelihoods);
const network = choice(networks);
const activation = choice(activations);
const binarize = choice(binarizations);
const optimizer = choice(optimizers);
const schedule = choice(schedules);
const boundName = choice(bounds);
const form = choice(forms);
const classifier = choice(classifiers);
const share = number((n) => n >= 0 && n < 1, "a number from 0 up to, but not, 1");
const widths = wholes(1, { none: true });

export const trainFlags: readonly TrainFlag[] = [
  flag(
    "model.latent",
    "--latent <n>",
    "dimensions of z (default: 20; of m1 and m2 50, of m1m2 14)",
    whole(1),
  ),
  flag(
    "model.hidden",
    "--hidden <widths>",
    "hidden layers from the data inwards, such as 400,200, or none (default: 400; of m1 500,500; of m2 and m1m2 500)",
    widths,
  ),
  flag("model.network", "--network <kind>", `${network.names} (default: mlp)`, network.parse, networkGroup),
  flag(
    "model.channels",
    "--channels <list>",
    "channels of a convolutional network; each convolution halves the image (default: 32,64)",
    wholes(1),
    networkGroup,
  ),
  flag(
    "model.activation",
    "--activation <name>",
    `${activation.names} (default: relu; of m1 and m2 softplus)`,
    activation.parse,
  ),
  flag(
    "model.likelihood",
    "--likelihood <name>",
    `${likelihood.names} (default: by the data)`,
    likelihood.parse,
  ),
  flag(
    "model.batchNorm",
    "--batch-norm",
    "normalise hidden layers over the minibatch",
    undefined,
    networkGroup,
  ),
  flag(
    "model.dropout",
    "--dropout <share>",
    "share of hidden units dropped in training, of m2 and m1m2 those that tell the class (default: 0)",
    share,
  ),
  flag(
    "model.inputDropout",
    "--input-dropout <share>",
    "of m2: share of the values that q(y|x) does not see in training (default: 0)",
    share,
    ofM2,
  ),
  flag(
    "train.binarize",
    "--binarize <how>",
    `${binarize.names}: grey pixels drawn anew at each step, once, or used as they are (default: by the data)`,
    binarize.parse,
  ),
  flag(
    "train.epochs",
    "--epochs <n>",
    "passes over the data, of m2 and m1m2 over the unlabelled rows (default: 10; of m1 200, of m2 100, of m1m2 80)",
    whole(1),
  ),
  flag(
    "train.batch",
    "--batch <n>",
    "rows in a minibatch, of m2 and m1m2 unlabelled ones (default: 128; of m1 250, of m2 and m1m2 100, or of few rows a twentieth)",
    whole(1),
  ),
  flag(
    "train.lr",
    "--lr <rate>",
    "learning rate (default: 0.001; of m2 on 2,000 rows or more 0.0005, of m1m2 0.003)",
    positive,
  ),
  flag(
    "train.schedule",
    "--schedule <name>",
    `${schedule.names} (default: constant; of m1, m2 and m1m2 cosine)`,
    schedule.parse,
  ),
  flag("train.optimizer", "--optimizer <name>", `${optimizer.names} (default: adam)`, optimizer.parse),
  flag("train.clip", "--clip <norm>", "clip the gradient's global norm", positive),
  flag("train.bound", "--bound <name>", `${boundName.names} (default: elbo)`, boundName.parse, bound),
  flag(
    "train.form",
    "--form <name>",
    `${form.names}: how the ELBO's KL is had (default: analytic)`,
    form.parse,
    bound,
  ),
  flag("train.samples", "--samples <k>", "samples of z per datum (default: 1)", whole(1), bound),
  flag("train.beta", "--beta <factor>", "factor of the KL (default: 1)", notNegative, divergent),
  flag(
    "train.warmup",
    "--warmup <epochs>",
    "epochs over which beta grows from 0, of m2 and m1m2 the hold of unlabelled rows on q(y|x) (default: 0; of m1m2 on images 3)",
    notNegative,
    divergent,
  ),
  flag(
    "train.warmupEntropy",
    "--warmup-entropy <weight>",
    "weight of q(y|x)'s entropy on unlabelled rows where the warm-up begins (default: 0)",
    notNegative,
    together,
  ),
  flag(
    "train.freeBits",
    "--free-bits <nats>",
    "nats per dimension that cost nothing (default: 0)",
    notNegative,
    bound,
  ),
  flag("train.seed", "--seed <n>", "seed of every random number (default: 0)", whole(0)),
  flag("train.threads", "--threads <n>", "threads within an operation (default: one a core)", whole(1)),
  flag(
    "labels.count",
    "--labels <n>",
    "labels to keep, in equal parts of every class; the others are hidden (default: all there are)",
    whole(1),
    labels,
  ),
  flag("labels.seed", "--label-seed <n>", "seed of the labels that are kept (default: 0)", whole(0), labels),
  flag(
    "train.labelledBatch",
    "--labelled-batch <n>",
    "labelled rows in a minibatch (default: 100)",
    whole(1),
    together,
  ),
  flag(
    "train.alpha",
    "--alpha <weight>",
    "weight of the classification term (default: of m1m2 on images 1; otherwise 0.1, and up to 1 where rows are fewer than 50,000)",
    notNegative,
    together,
  ),
  flag(
    "train.evaluateEvery",
    "--evaluate-every <epochs>",
    "epochs from one error on held-out rows to the next (default: 1)",
    whole(1),
    together,
  ),
  flag(
    "data.validation.count",
    "--validation <n>",
    "labelled rows to keep out of training, to validate (default: 0)",
    whole(1),
  ),
  flag(
    "data.validation.seed",
    "--validation-seed <n>",
    "seed of the rows to validate (default: 0)",
    whole(0),
  ),
  flag(
    "classifiers.chosen",
    "--classifier <name>",
    `${classifier.names}: the one that classifies; all are evaluated (default: svm)`,
    classifier.parse,
    ofM1,
  ),
  flag(
    "classifiers.draws",
    "--draws <k>",
    "draws of z for each labelled row to fit classifiers on; 0: its mean (default: 20 for 200 labels or fewer)",
    whole(0),
    ofM1,
  ),
  flag("classifiers.neighbours", "--neighbours <k>", "of knn (default: 5)", whole(1), ofM1),
  flag(
    "classifiers.cost",
    "--svm-cost <c>",
    "of a row on the wrong side of its margin (default: 1)",
    positive,
    ofM1,
  ),
  flag(
    "classifiers.unlabelledCost",
    "--unlabelled-cost <c>",
    "of transductive-svm: the same of an unlabelled row (default: 0.3 of --svm-cost)",
    positive,
    ofM1,
  ),
  flag(
    "classifiers.unlabelled",
    "--unlabelled <n>",
    "of transductive-svm: unlabelled rows that it sees at most; with none it is svm (default: 2000)",
    whole(0),
    ofM1,
  ),
  flag(
    "classifiers.gamma",
    "--svm-gamma <g>",
    "of the svm's kernel (default: 1 / (features x variance))",
    positive,
    ofM1,
  ),
  flag(
    "classifiers.priorScale",
    "--prior-scale <s>",
    "of the weights of logistic (default: 1)",
    positive,
    ofM1,
  ),
  flag(
    "model.keepInactive",
    "--keep-inactive",
    "give M2 all dimensions of M1, those that carry nothing among them",
    undefined,
    beneath,
  ),
  flag("m1.model.latent", "--m1-latent <n>", "dimensions of M1's z (default: 50)", whole(1), beneath),
  flag("m1.model.hidden", "--m1-hidden <widths>", "hidden layers of M1 (default: 500,500)", widths, beneath),
  flag(
    "m1.model.activation",
    "--m1-activation <name>",
    "of M1's hidden layers (default: softplus)",
    activation.parse,
    beneath,
  ),
  flag("m1.train.epochs", "--m1-epochs <n>", "epochs of M1 (default: 200)", whole(1), beneath),
  flag("m1.train.batch", "--m1-batch <n>", "rows in a minibatch of M1 (default: 250)", whole(1), beneath),
  flag("m1.train.beta", "--m1-beta <factor>", "factor of M1's KL (default: 1)", notNegative, beneath),
  flag("m1.train.lr", "--m1-lr <rate>", "learning rate of M1 (default: 0.001)", positive, beneath),
  flag("m1.train.schedule", "--m1-schedule <name>", "of M1 (default: cosine)", schedule.parse, beneath),
];

export const optionOf = ({ flags, description, parse }: TrainFlag): Option => {
  const option = new Option(flags, description);
  return parse === undefined ? option : option.argParser(parse);
};

/** `--free-bits` of `--free-bits <nats>`. */
export const flagName = ({ flags }: TrainFlag): string => flags.split(" ")[0];

/** In M1+M2 it is M1 that sees the data, and so it is M1's observation that a flag speaks of. */
const pathOf = ({ path, key }: TrainFlag, model: ModelName): readonly string[] =>
  (model === "m1m2" && (key === "likelihood" || key === "binarize") ? `m1.${path}` : path).split(".");

/** The value that a run's settings hold for a flag. */
export const settingOf = (settings: RunSettings, flag: TrainFlag): unknown =>
  pathOf(flag, settings.model.model).reduce<unknown>(
    (part, key) => Object.entries(part ?? {}).find(([name]) => name === key)?.[1],
    settings,
  );

/** Settings as nested objects. */
export type Tree = { [key: string]: unknown };

/** Only what the user gave, as the settings of a run hold it. */
export function givenSettings(options: Readonly<Record<string, unknown>>, model: ModelName): Tree {
  const tree: Tree = {};
  for (const flag of trainFlags) {
    const value = options[flag.key];
    if (value === undefined) continue;
    const path = pathOf(flag, model);
    let part = tree;
    for (const name of path.slice(0, -1)) {
      part[name] ??= {};
      part = part[name] as Tree;
    }
    part[path[path.length - 1]] = value;
  }
  return tree;
}
