/** The settings of a run: what `config.json` holds and the command line fills, checked in one place. */
import { z } from "zod";
import { likelihoodNames } from "../models/likelihood.ts";
import { networkNames } from "../models/networks.ts";
import { type ActivationName, activationNames } from "../nn/index.ts";
import { trainSettings } from "../train/settings.ts";

const isActivation = (name: string): name is ActivationName =>
  (activationNames as readonly string[]).includes(name);

const whole = z.int().min(1);
const share = z.number().min(0).lt(1);

/** What the model is. */
export const modelSettings = z.object({
  model: z.enum(["vae", "autoencoder"]),
  shape: z.array(whole).min(1),
  latent: whole.default(20),
  hidden: z.array(whole).default([400]),
  network: z.enum(networkNames).default("mlp"),
  channels: z.array(whole).default([32, 64]),
  activation: z
    .string()
    .refine(isActivation, `expected one of ${activationNames.join(", ")}`)
    .default("relu"),
  likelihood: z.enum(likelihoodNames).default("bernoulli"),
  batchNorm: z.boolean().default(false),
  dropout: share.default(0),
});

/** Where the data came from, and what they were. */
export const dataSettings = z.object({
  spec: z.string(),
  labels: z.string().optional(),
  labelColumn: z.string().optional(),
  testFraction: z.number().gt(0).lt(1).optional(),
  name: z.string(),
  /** Names of a table's columns. */
  columns: z.array(z.string()).optional(),
  trainRows: whole,
  testRows: whole,
  /** Of the training rows: a resumed run refuses others. */
  fingerprint: z.string(),
});

export const runSettings = z.object({
  version: z.string(),
  createdAt: z.string(),
  command: z.string(),
  data: dataSettings,
  model: modelSettings,
  train: trainSettings,
});

export type ModelSettings = z.output<typeof modelSettings>;
export type DataSettings = z.output<typeof dataSettings>;
export type RunSettings = z.output<typeof runSettings>;
