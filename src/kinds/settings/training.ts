/** Settings of training that kinds share. */
import { devices } from "../../compile/index.ts";
import { binarizations } from "../../data/index.ts";
import { ceilings } from "../../limits.ts";
import { boundEstimators, boundNames, elboForms } from "../../models/index.ts";
import { optimizerNames, scheduleNames } from "../../train/index.ts";
import { type DataFacts, optional, type SettingOptions, setting } from "./setting.ts";
import { notNegative, oneOf, positive, rateSteps, whole } from "./value.ts";

/** A minibatch of at most `most` rows, and fewer for small data, so that an epoch has about twenty updates. */
export const batchOf =
  (most: number) =>
  ({ rows }: DataFacts): number =>
    Math.min(most, Math.max(Math.floor(rows / 20), 10));

type Schedule = (typeof scheduleNames)[number];

export const epochs = (options: SettingOptions<number>) =>
  setting(whole(1, ceilings.epochs), { help: "passes over the data", ...options });

export const batch = (options: SettingOptions<number>) =>
  setting(whole(1), { help: "rows in a minibatch", ...options });

export const lr = (options: SettingOptions<number>) =>
  setting(positive, { help: "learning rate", placeholder: "<rate>", ...options });

export const schedule = (options: SettingOptions<Schedule>) =>
  setting(oneOf(scheduleNames), { help: "how the learning rate changes during training", ...options });

/** How grey pixels are binarised. Chosen from the data if it is not given: see `observation.ts`. */
export const binarize = setting(oneOf(binarizations), {
  help: "how grey pixels are binarised: drawn anew at each step, drawn once, or not at all",
  placeholder: "<how>",
  otherwise: "chosen from the data",
  default: "dynamic",
});

/** How parameters are updated. */
export const optimisation = {
  /** Optimiser. Default: adam. */
  optimizer: setting(oneOf(optimizerNames), { help: "optimiser", default: "adam" }),
  /** Of the schedule `piecewise`: the learning rates that follow the first, each with the epochs that are over by then. */
  lrSteps: optional(rateSteps, {
    help: "with --schedule piecewise: further learning rates, each with the number of epochs after which it begins",
    refuse: (given) =>
      given.get("--schedule") === "piecewise" ? undefined : "they need --schedule piecewise.",
  }),
  /** Clip the gradient's global norm. Default: not clipped. */
  clip: optional(positive, {
    help: "clip the gradient's global norm at this value",
    placeholder: "<norm>",
    otherwise: "not clipped",
  }),
  /** Epochs without a better figure on the rows held out to validate after which training stops; the best epoch is kept. Default: train for all epochs. */
  patience: optional(whole(1), {
    help: "stop after so many epochs without improvement on the validation rows, and keep the best epoch",
    placeholder: "<epochs>",
    otherwise: "train for all epochs",
  }),
  /** Seed of every random number. Default: 0. */
  seed: setting(whole(0), { help: "seed of every random number", default: 0 }),
  /** Threads within an operation. Default: one a core. */
  threads: optional(whole(1, ceilings.threads), {
    help: "threads per operation",
    otherwise: "one a core",
  }),
  /** Where steps run: `cpu`, or `webgpu`, a graphics processor. Default: cpu. */
  device: optional(oneOf(devices), {
    help: "where steps run: the processor, or a graphics processor through WebGPU (Vulkan, Metal, Direct3D)",
    otherwise: "cpu",
  }),
};

const notUnderIwae = (given: ReadonlyMap<string, unknown>): string | undefined =>
  given.get("--bound") === "iwae"
    ? "the importance-weighted bound has no KL term of its own to change."
    : undefined;

/** Under the ELBO the weights of all draws are 1: there is nothing to reparameterise twice. */
const notUnderElbo = (given: ReadonlyMap<string, unknown>): string | undefined =>
  given.get("--bound") === "iwae" || given.get("--estimator") === "pathwise"
    ? undefined
    : "only the importance-weighted bound has another gradient than the pathwise one. Add --bound iwae.";

/** The bound that a VAE maximises. */
export const boundSettings = {
  /** Bound to climb. Default: elbo. */
  bound: setting(oneOf(boundNames), { help: "bound to maximise", default: "elbo" }),
  /** With the bound iwae: the gradient through the draws as they are, or doubly reparameterised (Tucker et al. 2019). Default: pathwise. */
  estimator: setting(oneOf(boundEstimators), {
    help: "with --bound iwae: the gradient through z, or the doubly reparameterised one, whose noise does not grow with --samples",
    default: "pathwise",
    refuse: notUnderElbo,
  }),
  /** How the KL of the ELBO is computed: in closed form, or by the sample that the reconstruction takes. Default: analytic. */
  form: setting(oneOf(elboForms), {
    help: "how the ELBO's KL is computed: in closed form, or from the same sample as the reconstruction",
    default: "analytic",
    refuse: notUnderIwae,
  }),
  /** Samples of z per row. Default: 1. */
  samples: setting(whole(1, ceilings.samples), {
    help: "samples of z per row",
    placeholder: "<k>",
    default: 1,
  }),
  /** Factor of the KL. Default: 1. */
  beta: setting(notNegative, {
    help: "weight of the KL",
    placeholder: "<factor>",
    default: 1,
    refuse: notUnderIwae,
  }),
  /** Epochs over which beta grows from 0. Default: 0. */
  warmup: setting(notNegative, {
    help: "epochs over which beta grows from 0",
    placeholder: "<epochs>",
    default: 0,
    refuse: notUnderIwae,
  }),
  /** Nats per dimension of z whose KL costs nothing. Default: 0. */
  freeBits: setting(notNegative, {
    help: "nats of KL per dimension of z that are not penalised",
    placeholder: "<nats>",
    default: 0,
    refuse: notUnderIwae,
  }),
};
