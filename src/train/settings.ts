/** How a model is trained: checked settings, with their defaults. */
import { z } from "zod";
import { binarizations } from "../data/index.ts";

const whole = z.int().min(1);

export const optimizerNames = ["adam", "adamw", "sgd", "rmsprop"] as const;
export const scheduleNames = ["constant", "linear", "cosine"] as const;

/** How it is trained. */
export const trainSettings = z.object({
  binarize: z.enum(binarizations).default("dynamic"),
  epochs: whole.default(10),
  batch: whole.default(128),
  optimizer: z.enum(optimizerNames).default("adam"),
  lr: z.number().gt(0).default(1e-3),
  schedule: z.enum(scheduleNames).default("constant"),
  clip: z.number().gt(0).optional(),
  bound: z.enum(["elbo", "iwae"]).default("elbo"),
  form: z.enum(["analytic", "monteCarlo"]).default("analytic"),
  samples: whole.default(1),
  beta: z.number().min(0).default(1),
  /** Epochs over which β grows linearly from 0. */
  warmup: z.number().min(0).default(0),
  freeBits: z.number().min(0).default(0),
  seed: z.int().min(0).default(0),
  threads: whole.optional(),
});

/** Checked, with every default filled in. */
export type TrainSettings = z.output<typeof trainSettings>;
/** As a caller writes them. */
export type TrainInput = z.input<typeof trainSettings>;
