/** The settings of a run: what `config.json` holds and the command line fills, checked in one place. */
import { z } from "zod";
import { tablePreprocessing } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { likelihoodNames } from "../models/likelihood.ts";
import { networkNames } from "../models/networks.ts";
import { type ActivationName, activationNames } from "../nn/index.ts";
import { semiSupervisedTrainSettings, trainSettings } from "../train/settings.ts";

const isActivation = (name: string): name is ActivationName =>
  (activationNames as readonly string[]).includes(name);

const whole = z.int().min(1);
const share = z.number().min(0).lt(1);
const activation = z.string().refine(isActivation, `expected one of ${activationNames.join(", ")}`);
const shape = z.array(whole).min(1);
/** How the features of a table follow one another, for the likelihood of that name. */
const layout = z.object({ numeric: z.int().min(0), categories: z.array(z.int().min(2)) }).optional();

/** What a VAE or an autoencoder is. */
export const vaeSettings = z.object({
  model: z.enum(["vae", "autoencoder"]),
  shape,
  latent: whole.default(20),
  hidden: z.array(whole).default([400]),
  network: z.enum(networkNames).default("mlp"),
  channels: z.array(whole).default([32, 64]),
  activation: activation.default("relu"),
  likelihood: z.enum(likelihoodNames).default("bernoulli"),
  layout,
  batchNorm: z.boolean().default(false),
  dropout: share.default(0),
});

/** What the VAE of M1 is, on whose posterior classifiers are fitted. */
export const m1Settings = vaeSettings.extend({ model: z.literal("m1") });

/** The classifiers over M1's features. */
export const classifierNames = ["knn", "linear-svm", "svm", "transductive-svm", "logistic"] as const;
/** A classifier over M1's features, by its name. */
export type ClassifierName = (typeof classifierNames)[number];

/** The classifiers of M1. */
export const classifierSettings = z.object({
  /** The one that classifies; all are evaluated. */
  chosen: z.enum(classifierNames).default("svm"),
  /** Draws of q(z|x) for each labelled row that classifiers are fitted on; 0: its mean. */
  draws: z.int().min(0),
  neighbours: whole.default(5),
  /** Cost of a row on the wrong side of its margin. */
  cost: z.number().gt(0).default(1),
  /** Cost of an unlabelled row on the wrong side of the transductive machine's margin; without it 0.3 of a labelled one's. */
  unlabelledCost: z.number().gt(0).optional(),
  /** Unlabelled rows that the transductive machine sees at most. */
  unlabelled: z.int().min(0).default(2000),
  /** γ of the kernel exp(−γ ‖a − b‖²); without it 1 / (features · variance). */
  gamma: z.number().gt(0).optional(),
  /** Standard deviation of the prior on the weights of the logistic regression. */
  priorScale: z.number().gt(0).default(1),
});

/** Widths of M2's three networks. */
const m2Networks = {
  shape,
  latent: whole.default(50),
  activation: activation.default("softplus"),
};

/** M2 over the data themselves. */
export const m2Settings = z.object({
  model: z.literal("m2"),
  ...m2Networks,
  hidden: z.array(whole).min(1).default([500]),
  likelihood: z.enum(likelihoodNames).default("bernoulli"),
  layout,
  /** Shares of q(y|x)'s hidden units and of its inputs that are dropped in training. */
  dropout: share.default(0),
  inputDropout: share.default(0),
});

/** M2 over the latent variable of a VAE that was trained before it. */
export const stackedSettings = z.object({
  model: z.literal("m1m2"),
  ...m2Networks,
  hidden: z.array(whole).min(1).default([300]),
  /** Give M2 all of M1's dimensions, those that carry nothing among them. */
  keepInactive: z.boolean().default(false),
  /** Share of q(y|z1)'s hidden units that is dropped in training. */
  dropout: share.default(0),
});

/** Which labels are seen. */
export const labelSettings = z.object({
  /** Labels to keep, in equal parts of every class; without it all that there are. */
  count: whole.optional(),
  /** Seed of the labels that are kept. */
  seed: z.int().min(0).default(0),
  /** Labels that are seen; runs of the first version do not say. */
  shown: whole.optional(),
  /** Names of the classes. */
  classes: z.array(z.string()).min(2),
});

/** The VAE beneath M2: trained in the folder `m1` of the run, or copied to it from another run. */
export const beneathSettings = z.object({
  model: vaeSettings,
  train: trainSettings,
  /** The run that it is a copy of. */
  from: z.string().optional(),
});

/** Where the data came from, and what they were. */
export const dataSettings = z.object({
  spec: z.string(),
  /** A file of class indices. */
  labels: z.string().optional(),
  labelColumn: z.string().optional(),
  /** 0 where no rows are held out. */
  testFraction: z.number().min(0).lt(1).optional(),
  /** Only labelled rows were held out to test, where the data have no test part. */
  labelledTest: z.boolean().optional(),
  /** Labelled rows kept out of the training rows, to validate, and the seed of their draw. */
  validation: z.object({ count: whole, seed: z.int().min(0).default(0) }).optional(),
  /** Of a table: what was said of its columns, and what its cells became. */
  table: z
    .object({
      categorical: z.array(z.string()).default([]),
      ignore: z.array(z.string()).default([]),
      preprocessing: tablePreprocessing,
    })
    .optional(),
  name: z.string(),
  /** Names of a table's columns. */
  columns: z.array(z.string()).optional(),
  trainRows: whole,
  testRows: z.int().min(0),
  /** Of the training rows: a resumed run refuses others. */
  fingerprint: z.string(),
});

const shared = {
  version: z.string(),
  createdAt: z.string(),
  command: z.string(),
  data: dataSettings,
};

const vaeRun = z.object({ ...shared, model: vaeSettings, train: trainSettings });
const m1Run = z.object({
  ...shared,
  model: m1Settings,
  labels: labelSettings,
  classifiers: classifierSettings,
  train: trainSettings,
  /** The run whose VAE it is, where it was not trained here. */
  m1: z.object({ from: z.string().optional() }).default({}),
});
const m2Run = z.object({
  ...shared,
  model: m2Settings,
  labels: labelSettings,
  train: semiSupervisedTrainSettings,
});
const stackedRun = z.object({
  ...shared,
  model: stackedSettings,
  labels: labelSettings,
  m1: beneathSettings,
  train: semiSupervisedTrainSettings,
});

export type VaeModelSettings = z.output<typeof vaeSettings> | z.output<typeof m1Settings>;
export type ClassifierSettings = z.output<typeof classifierSettings>;
export type M2ModelSettings = z.output<typeof m2Settings>;
export type StackedModelSettings = z.output<typeof stackedSettings>;
export type LabelSettings = z.output<typeof labelSettings>;
export type BeneathSettings = z.output<typeof beneathSettings>;
export type DataSettings = z.output<typeof dataSettings>;
/** Settings of a run of a VAE or an autoencoder. */
export type VaeRunSettings = z.output<typeof vaeRun>;
export type M1RunSettings = z.output<typeof m1Run>;
export type M2RunSettings = z.output<typeof m2Run>;
export type StackedRunSettings = z.output<typeof stackedRun>;
/** Of a run that learns from labels. */
export type LabelledRunSettings = M1RunSettings | M2RunSettings | StackedRunSettings;
/** Settings of a run of any kind: what `config.json` holds. */
export type RunSettings = VaeRunSettings | LabelledRunSettings;
/** Of a run of one model. */
export type RunOf<N extends ModelName> = N extends "m1"
  ? M1RunSettings
  : N extends "m2"
    ? M2RunSettings
    : N extends "m1m2"
      ? StackedRunSettings
      : VaeRunSettings;

const schemas = { vae: vaeRun, autoencoder: vaeRun, m1: m1Run, m2: m2Run, m1m2: stackedRun } as const;
/** A kind of run: what `train` takes for its first word. */
export type ModelName = keyof typeof schemas;
/** The kinds of runs. */
export const modelNames = Object.keys(schemas) as readonly ModelName[];

const named = z.object({ model: z.object({ model: z.enum(modelNames) }) });

/** Whatever the model: the schema is chosen by its name, so that a problem is reported as of that model's settings. */
export const runSettings = z.unknown().transform((value, context): RunSettings => {
  const kind = named.safeParse(value);
  const checked = kind.success ? schemas[kind.data.model.model].safeParse(value) : kind;
  if (checked.success) return checked.data as RunSettings;
  for (const { path, message } of checked.error.issues) context.addIssue({ code: "custom", path, message });
  return z.NEVER;
});

/** Whether a run learns from labels. */
export const isLabelled = (settings: RunSettings): settings is LabelledRunSettings => "labels" in settings;

/** Whether a run is one of M1: a VAE, and classifiers on its posterior. */
export const isM1 = (settings: RunSettings): settings is M1RunSettings => "classifiers" in settings;

/** Whether a run is one of M1+M2. */
export const isStacked = (settings: RunSettings): settings is StackedRunSettings =>
  settings.model.model === "m1m2";

/** Checks settings as a caller wrote them and fills in the defaults. @throws UsageError naming the field. */
export function parseSettings<S extends z.ZodType>(schema: S, input: z.input<S>): z.output<S> {
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  const problems = error.issues.map((issue) => `${issue.path.join(".") || "settings"}: ${issue.message}`);
  throw new UsageError(`train: ${problems.join("; ")}.`);
}
