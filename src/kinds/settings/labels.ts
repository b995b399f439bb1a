/** Settings of kinds that learn from labels. */
import { z } from "zod";
import { optional, setting } from "./setting.ts";
import { sharesOr, structure, whole } from "./value.ts";

/** Which labels the run sees. */
export const labelSettings = {
  count: optional(whole(1), {
    help: "number of labels to keep, the same for every class; the others are hidden",
    flag: "--labels",
    otherwise: "all labels",
  }),
  seed: setting(whole(0), { help: "seed that draws the labels to keep", flag: "--label-seed", default: 0 }),
  /** Number of labels that the run sees; not recorded by the first version. */
  shown: optional(whole(1), { flag: false }),
  /** The same by class; runs of the first version do not say. */
  perClass: optional(structure(z.array(z.int().min(1))), { flag: false }),
  /** Names of the classes. */
  classes: setting(structure(z.array(z.string()).min(2)), {}),
};

/** Shares of the classes among the rows that are classified, where they are others than in training. */
export const classShares = optional(sharesOr(["estimated"]), {
  help: "shares of the classes among these rows, where they are others than in training, such as 0.5,0.5, or by name",
  otherwise: "as in training",
});

/** Why a kind that learns without labels has no flags for them. */
export const unlabelled = (name: string): Readonly<Record<string, string>> => {
  const why = `${name} learns without labels. To learn from a few, train m1, m2 or m1m2.`;
  return { "--labels": why, "--label-seed": why };
};
