/** Settings of networks and likelihoods that kinds share. */
import { z } from "zod";
import { ceilings } from "../../limits.ts";
import { likelihoodNames, networkNames } from "../../models/index.ts";
import { activationNames } from "../../nn/index.ts";
import { type DataFacts, optional, type SettingOptions, setting } from "./setting.ts";
import { oneOf, share, structure, toggle, whole, wholes } from "./value.ts";

/** One default for images and other rows of numbers, and one for tables, whose few columns need only small networks. */
export const byData =
  <T>(images: T, tables: T) =>
  ({ table }: DataFacts): T =>
    table ? tables : images;

const MOST_MOVED = 3;
/**
 * The learning rate of tables. A step of Adam moves every weight of a first layer by about the rate, all in the direction that the row has, so that what it
 * passes on moves by rate × features: by more than {@link MOST_MOVED}, and exponentials of it overflow.
 */
export const tableRate = ({ features = 1 }: DataFacts): number => Math.min(3e-3, MOST_MOVED / features);

/** A learning rate for images, and that of tables. */
export const rateByData =
  (images: number) =>
  (facts: DataFacts): number =>
    facts.table ? tableRate(facts) : images;

/** Settings that the data decide: they have no flag. */
export const rowSettings = {
  /** Shape of a row: [features], [height, width] or [height, width, channels]. */
  shape: setting(structure(z.array(z.int().min(1)).min(1)), {}),
  /** Of a table's rows: the numbers, then how many categories each further column has. */
  layout: optional(
    structure(
      z.object({
        numeric: z.int().min(0),
        counts: z.int().min(1).optional(),
        categories: z.array(z.int().min(2)),
        ordinal: z.array(z.int().min(0)).optional(),
      }),
    ),
  ),
};

export const latent = (options: SettingOptions<number>) =>
  setting(whole(1, ceilings.width), { help: "dimensions of z", ...options });

export const hidden = (options: SettingOptions<number[]>, none = true) =>
  setting(wholes({ none, ceiling: ceilings.width, longest: ceilings.layers }), {
    help: `widths of the hidden layers, starting next to the data, such as 400,200${none ? ", or none" : ""}`,
    placeholder: "<widths>",
    ...options,
  });

export const activation = (options: SettingOptions<(typeof activationNames)[number]>) =>
  setting(oneOf(activationNames), { help: "activation of the hidden layers", ...options });

/** Chosen from the data if it is not given: see `observation.ts`. */
export const likelihood = setting(oneOf(likelihoodNames), {
  help: "likelihood of the data",
  otherwise: "chosen from the data",
  default: "bernoulli",
});

const onlyConvolutional = (given: ReadonlyMap<string, unknown>): string | undefined =>
  given.get("--network") === "convolutional" ? undefined : "only --network convolutional has channels.";

/** Encoder and decoder of a VAE or an autoencoder. */
export const networkSettings = {
  /** Encoder and decoder. Default: mlp. */
  network: setting(oneOf(networkNames), {
    help: "architecture of encoder and decoder",
    placeholder: "<kind>",
    default: "mlp",
  }),
  /** Channels of a convolutional network; each convolution halves the image. Default: 32,64. */
  channels: setting(wholes({ ceiling: ceilings.width, longest: ceilings.layers }), {
    help: "channels of a convolutional network; each convolution halves the image",
    default: [32, 64],
    refuse: onlyConvolutional,
  }),
  /** Normalise hidden layers over the minibatch. Default: false. */
  batchNorm: setting(toggle, { help: "normalise hidden layers over the minibatch", default: false }),
  /** Share of hidden units dropped in training. Default: 0. */
  dropout: setting(share, { help: "fraction of hidden units dropped in training", default: 0 }),
};
