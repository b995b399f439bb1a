/** The flags of `train` that are settings of a run: one table for parsing, for `config.json` and for resuming. */
import { Option } from "commander";
import type { LikelihoodName, NetworkName } from "../models/index.ts";
import type { ActivationName } from "../nn/index.ts";
import type { RunSettings } from "../run/index.ts";
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

export interface TrainFlag {
  readonly flags: string;
  readonly description: string;
  readonly parse?: (text: string) => unknown;
  readonly part: "model" | "train";
  /** Its name in that part of the settings, and, commander's way, of the option. */
  readonly key: string;
  /** Of the bound and its KL, which only a VAE has. */
  readonly vaeOnly?: true;
}

const choice = (names: readonly string[]) => ({ parse: oneOf(names), names: names.join(" | ") });
const likelihood = choice(likelihoods);
const network = choice(networks);
const activation = choice(activations);
const binarize = choice(binarizations);
const optimizer = choice(optimizers);
const schedule = choice(schedules);
const bound = choice(bounds);
const form = choice(forms);

const model = (key: string, flags: string, description: string, parse?: TrainFlag["parse"]): TrainFlag => ({
  part: "model",
  key,
  flags,
  description,
  ...(parse && { parse }),
});
const train = (key: string, flags: string, description: string, parse?: TrainFlag["parse"]): TrainFlag => ({
  ...model(key, flags, description, parse),
  part: "train",
});
const vae = (key: string, flags: string, description: string, parse?: TrainFlag["parse"]): TrainFlag => ({
  ...train(key, flags, description, parse),
  vaeOnly: true,
});

export const trainFlags: readonly TrainFlag[] = [
  model("latent", "--latent <n>", "dimensions of z (default: 20)", whole(1)),
  model(
    "hidden",
    "--hidden <widths>",
    "hidden layers from the data inwards, such as 400,200, or none (default: 400)",
    wholes(1, { none: true }),
  ),
  model("network", "--network <kind>", `${network.names} (default: mlp)`, network.parse),
  model(
    "channels",
    "--channels <list>",
    "channels of a convolutional network; each convolution halves the image (default: 32,64)",
    wholes(1),
  ),
  model("activation", "--activation <name>", `${activation.names} (default: relu)`, activation.parse),
  model("likelihood", "--likelihood <name>", `${likelihood.names} (default: by the data)`, likelihood.parse),
  model("batchNorm", "--batch-norm", "normalise hidden layers over the minibatch"),
  model(
    "dropout",
    "--dropout <share>",
    "share of hidden units dropped in training (default: 0)",
    number((n) => n >= 0 && n < 1, "a number from 0 up to, but not, 1"),
  ),
  train(
    "binarize",
    "--binarize <how>",
    `${binarize.names}: grey pixels drawn anew at each step, once, or used as they are (default: by the data)`,
    binarize.parse,
  ),
  train("epochs", "--epochs <n>", "passes over the data (default: 10)", whole(1)),
  train("batch", "--batch <n>", "rows in a minibatch (default: 128)", whole(1)),
  train("lr", "--lr <rate>", "learning rate (default: 0.001)", positive),
  train("schedule", "--schedule <name>", `${schedule.names} (default: constant)`, schedule.parse),
  train("optimizer", "--optimizer <name>", `${optimizer.names} (default: adam)`, optimizer.parse),
  train("clip", "--clip <norm>", "clip the gradient's global norm", positive),
  vae("bound", "--bound <name>", `${bound.names} (default: elbo)`, bound.parse),
  vae("form", "--form <name>", `${form.names}: how the ELBO's KL is had (default: analytic)`, form.parse),
  vae("samples", "--samples <k>", "samples of z per datum (default: 1)", whole(1)),
  vae("beta", "--beta <factor>", "factor of the KL (default: 1)", notNegative),
  vae("warmup", "--warmup <epochs>", "epochs over which beta grows from 0 (default: 0)", notNegative),
  vae("freeBits", "--free-bits <nats>", "nats per dimension that cost nothing (default: 0)", notNegative),
  train("seed", "--seed <n>", "seed of every random number (default: 0)", whole(0)),
  train("threads", "--threads <n>", "threads within an operation (default: one a core)", whole(1)),
];

export const optionOf = ({ flags, description, parse }: TrainFlag): Option => {
  const option = new Option(flags, description);
  return parse === undefined ? option : option.argParser(parse);
};

/** `--free-bits` of `--free-bits <nats>`. */
export const flagName = ({ flags }: TrainFlag): string => flags.split(" ")[0];

/** The value that a run's settings hold for a flag. */
export const settingOf = (settings: RunSettings, { part, key }: TrainFlag): unknown =>
  Object.entries(settings[part]).find(([name]) => name === key)?.[1];

/** Only what the user gave, for one part of the settings. */
export const givenSettings = (
  options: Readonly<Record<string, unknown>>,
  part: TrainFlag["part"],
): Record<string, unknown> =>
  Object.fromEntries(
    trainFlags
      .filter((flag) => flag.part === part && options[flag.key] !== undefined)
      .map(({ key }) => [key, options[key]]),
  );
