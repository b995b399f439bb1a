/** M2 of Kingma et al. (2014): what it is called, and its settings. */
import type { Declaration } from "../kind.ts";
import { classShares, labelSettings } from "../settings/labels.ts";
import {
  activation,
  byData,
  hidden,
  latent,
  likelihood,
  networkSettings,
  rateByData,
  rowSettings,
} from "../settings/networks.ts";
import {
  at,
  type DataFacts,
  optional,
  type SettingOptions,
  type SettingsOf,
  setting,
} from "../settings/setting.ts";
import { batch, batchOf, binarize, epochs, lr, optimisation, schedule } from "../settings/training.ts";
import { notNegative, oneOf, share, sharesOr, toggle, whole } from "../settings/value.ts";

/**
 * Weight α of the classification term. The paper's 0.1 is for the 50,000 rows of MNIST, where each of 100 labels then counts 50 times; with
 * fewer rows it is raised, up to 1, so that a label counts as much. With a smaller weight, the classes that M2 finds may not be the
 * labelled ones.
 */
export const alphaOf = ({ rows }: DataFacts): number => Math.min(1, Math.max(0.1, 5000 / rows));

/**
 * A picture in colour has a bound of ten thousand nats where one of black and white pixels has a hundred, and the bounds of its classes differ by
 * a hundred times as much, mostly by chance. Beside that a label must count a hundred times as much, or q(y|x) learns noise: with α = 1 it ended at equal probabilities for all rows.
 */
const COLOUR = 100;
const alphaOfRows = (facts: DataFacts): number => (facts.colour ? COLOUR : 1) * alphaOf(facts);

/**
 * Images of which fewer than half are labelled. From few labels q(y|x) is soon certain of every row, wrong ones too, and the decoder
 * learns classes that are mixed. Dropping units and pixels keeps it uncertain; so does a while in which the labels alone teach it.
 */
const fewLabelled = ({ rows, table, labels }: DataFacts): boolean => !table && labels < rows / 2;
const ofFewLabels =
  (value: number, otherwise = 0) =>
  (facts: DataFacts): number =>
    fewLabelled(facts) ? value : otherwise;

/** p(y). Runs that were made before there was a choice have none: theirs is uniform. */
export const classPrior = optional(sharesOr(["uniform", "labels", "learned"]), {
  help: "p(y), the shares of the classes among all rows, such as 0.95,0.05, or by name",
  default: () => "learned" as const,
});

/** Training on labelled and unlabelled rows side by side. */
export const semiSupervisedTrain = (own: {
  readonly epochs: SettingOptions<number>;
  readonly lr: SettingOptions<number>;
  readonly alpha: SettingOptions<number>;
  readonly beta: SettingOptions<number>;
  readonly warmup: SettingOptions<number>;
}) => ({
  /** Passes over the unlabelled rows. */
  epochs: epochs({ help: "passes over the unlabelled rows", ...own.epochs }),
  /** Unlabelled rows in a minibatch. Default: 100 for 60,000 images, 50 for 1,000 images, 15 for a table of 300 rows. */
  batch: batch({ help: "unlabelled rows in a minibatch", default: batchOf(100) }),
  /** Labelled rows in a minibatch; all of them where there are fewer. Default: 100. */
  labelledBatch: setting(whole(1), {
    help: "labelled rows in a minibatch; all of them if there are fewer",
    default: 100,
  }),
  /** Learning rate. */
  lr: lr(own.lr),
  /** How the learning rate goes over training. Default: cosine. */
  schedule: schedule({ default: "cosine" }),
  /** Grey pixels: drawn anew at each step, drawn once, or used as they are. Default: chosen from the data. */
  binarize,
  ...optimisation,
  /** Weight of the classification term: log q(y|x) of a labelled row counts alpha × all rows / labelled rows. */
  alpha: setting(notNegative, {
    help: "weight of the classification term: log q(y|x) of a labelled row is multiplied by alpha × all rows / labelled rows",
    placeholder: "<weight>",
    ...own.alpha,
  }),
  /** Factor of the KL of y and z. Default: 1; 2 for M2 on images of which fewer than half are labelled. */
  beta: setting(notNegative, { help: "weight of the KL of y and z", placeholder: "<factor>", ...own.beta }),
  /** Epochs over which the gradient that unlabelled rows send to q(y|x) grows from 0. */
  warmup: setting(notNegative, {
    help: "epochs over which the gradient of unlabelled rows for q(y|x) grows from 0",
    placeholder: "<epochs>",
    ...own.warmup,
  }),
  /** Weight of the entropy of q(y|x) on unlabelled rows when the warm-up begins. Default: 0. */
  warmupEntropy: setting(notNegative, {
    help: "weight of the entropy of q(y|x) on unlabelled rows at the start of the warm-up",
    placeholder: "<weight>",
    default: 0,
  }),
  /** The labelled rows were drawn at random from all, so that a learned p(y) learns from their shares too. Default: false. */
  labelsAtRandom: setting(toggle, {
    help: "the labelled rows are a random draw from all rows, so a learned p(y) uses their shares too",
    default: false,
  }),
  /** Epochs from one error on held-out rows to the next. Default: 1. */
  evaluateEvery: setting(whole(1), {
    help: "measure the error on held-out rows every so many epochs",
    placeholder: "<epochs>",
    default: 1,
  }),
});

const model = {
  ...rowSettings,
  latent: latent({ default: byData(50, 10) }),
  // Chosen on validation rows of pictures: softplus at smaller rates has not learned what y is for when training ends.
  activation: activation({ default: byData<"relu" | "softplus">("relu", "softplus") }),
  hidden: hidden({ default: byData([500], [50]) }, false),
  likelihood,
  network: networkSettings.network,
  channels: networkSettings.channels,
  dropout: setting(share, {
    help: "fraction of q(y|x)'s hidden units dropped in training",
    default: ofFewLabels(0.5),
  }),
  inputDropout: setting(share, {
    help: "fraction of q(y|x)'s inputs dropped in training",
    default: ofFewLabels(0.3),
  }),
  classPrior,
};

const train = semiSupervisedTrain({
  epochs: { default: 100 },
  lr: { default: rateByData(3e-3) },
  alpha: {
    help: "weight of the classification term: log q(y|x) of a labelled row is multiplied by alpha × all rows / labelled rows; a hundred times the default if pictures have colours",
    default: alphaOfRows,
  },
  // A style that is cheap tells all of x, whatever the class is.
  beta: { default: ofFewLabels(2, 1) },
  warmup: { default: ofFewLabels(10) },
});

/** What M2 is. */
export type M2ModelSettings = SettingsOf<typeof model>;
/** How a model that learns from few labels is trained, every default filled in. */
export type SemiSupervisedTrainSettings = SettingsOf<typeof train>;

/** Checks settings of models that learn from few labels that depend on each other. */
export const labelsAndWarmup = (
  settings: Readonly<Record<string, unknown>> & { readonly train: object },
): string | undefined => needsWarmup(settings) ?? drawnOneWay(settings);

/** Labels drawn here, the same number per class, are not a random draw. */
const drawnOneWay = ({ train, labels }: { readonly train: object; readonly labels?: unknown }) => {
  const { labelsAtRandom = false } = train as Partial<SemiSupervisedTrainSettings>;
  return labelsAtRandom && at(labels, "count") !== undefined
    ? "train.labelsAtRandom: `labels` draws the same number from every class. Expected labels that you drew at random"
    : undefined;
};

/** Without a warm-up this weight would be ignored silently. */
const needsWarmup = ({ train }: { readonly train: object }): string | undefined => {
  const { warmup = 0, warmupEntropy = 0 } = train as Partial<SemiSupervisedTrainSettings>;
  return warmup === 0 && warmupEntropy !== 0
    ? "train.warmupEntropy: only applies during the warm-up; expected a warmup above 0, found 0"
    : undefined;
};

/** Why M2 and M1+M2 do not have some flags of a VAE. */
export const lacksOfM2 = (name: string): Readonly<Record<string, string>> => {
  const bound = `the bound of ${name} always has its KL in closed form and one sample.`;
  return {
    "--batch-norm": `few of the rows that ${name} sees at once are labelled, and their mean says little.`,
    "--bound": bound,
    "--estimator": bound,
    "--form": bound,
    "--samples": bound,
    "--free-bits": bound,
  };
};

export const m2: Declaration = {
  name: "m2",
  title: "M2",
  summary: "M2: class and style, with unknown classes summed out (Kingma et al., 2014)",
  settings: {
    model: { model: setting(oneOf(["m2"]), { default: "m2", flag: false }), ...model },
    labels: labelSettings,
    train,
  },
  constraint: labelsAndWarmup,
  lacks: lacksOfM2("m2"),
  verbs: { sample: {}, reconstruct: {}, encode: {}, classify: { classShares }, export: {} },
  load: async () => (await import("./kind.ts")).kind,
};
