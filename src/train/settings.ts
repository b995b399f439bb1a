/** How a model is trained: checked settings, with their defaults. */
import { z } from "zod";
import { binarizations } from "../data/index.ts";

const whole = z.int().min(1);

/** The optimisers that training takes. */
export const optimizerNames = ["adam", "adamw", "sgd", "rmsprop"] as const;
/** How the learning rate goes over training. */
export const scheduleNames = ["constant", "linear", "cosine"] as const;

/** What every training has: how long, and how parameters are updated. */
const optimisation = z.object({
  binarize: z.enum(binarizations).default("dynamic"),
  epochs: whole.default(10),
  batch: whole.default(128),
  optimizer: z.enum(optimizerNames).default("adam"),
  lr: z.number().gt(0).default(1e-3),
  schedule: z.enum(scheduleNames).default("constant"),
  clip: z.number().gt(0).optional(),
  seed: z.int().min(0).default(0),
  threads: whole.optional(),
});

/** How a VAE or an autoencoder is trained. */
export const trainSettings = optimisation.extend({
  bound: z.enum(["elbo", "iwae"]).default("elbo"),
  form: z.enum(["analytic", "monteCarlo"]).default("analytic"),
  samples: whole.default(1),
  beta: z.number().min(0).default(1),
  /** Epochs over which β grows linearly from 0. */
  warmup: z.number().min(0).default(0),
  freeBits: z.number().min(0).default(0),
});

/** How a model that learns from few labels is trained; `batch` counts unlabelled rows, and an epoch is a pass over them. */
export const semiSupervisedTrainSettings = optimisation
  .extend({
    batch: whole.default(100),
    /** Labelled rows in a minibatch; all of them where there are fewer. */
    labelledBatch: whole.default(100),
    /** Weight of the classification term: each labelled row's log q(y|x) counts α · size of all data / labelled size. */
    alpha: z.number().min(0).default(0.1),
    /** Factor of the KL of y and z. */
    beta: z.number().min(0).default(1),
    /** Epochs over which the gradient that unlabelled rows send to q(y|x) grows linearly from none to all. */
    warmup: z.number().min(0).default(0),
    /** Weight of the entropy of q(y|x) on unlabelled rows where the warm-up begins. */
    warmupEntropy: z.number().min(0).default(0),
    /** Epochs from one evaluation on held-out rows to the next; the last epoch always has one. */
    evaluateEvery: whole.default(1),
  })
  .refine(({ warmup, warmupEntropy }) => warmup > 0 || warmupEntropy === 0, {
    path: ["warmupEntropy"],
    message: "is for the time of the warm-up; expected a warmup above 0, found 0",
  });

/** Checked, with every default filled in. */
export type TrainSettings = z.output<typeof trainSettings>;
/** As a caller writes them. */
export type TrainInput = z.input<typeof trainSettings>;
/** Settings of training from few labels, every default filled in. */
export type SemiSupervisedTrainSettings = z.output<typeof semiSupervisedTrainSettings>;
/** Settings of training from few labels as a caller writes them. */
export type SemiSupervisedTrainInput = z.input<typeof semiSupervisedTrainSettings>;
/** What the loop itself reads. */
export type OptimisationSettings = Pick<
  TrainSettings,
  "epochs" | "optimizer" | "lr" | "schedule" | "clip" | "seed" | "threads"
>;
