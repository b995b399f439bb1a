/** Settings of kinds that learn from labels. */
import { z } from "zod";
import { optional, setting } from "./setting.ts";
import { structure, whole } from "./value.ts";

/** Which labels are seen. */
export const labelSettings = {
  count: optional(whole(1), {
    help: "labels to keep, in equal parts of every class; the others are hidden",
    flag: "--labels",
    otherwise: "all there are",
  }),
  seed: setting(whole(0), { help: "seed of the labels that are kept", flag: "--label-seed", default: 0 }),
  /** Labels that are seen; runs of the first version do not say. */
  shown: optional(whole(1), { flag: false }),
  /** Names of the classes. */
  classes: setting(structure(z.array(z.string()).min(2)), {}),
};

/** Why a kind that learns without labels has no flags for them. */
export const unlabelled = (name: string): Readonly<Record<string, string>> => {
  const why = `${name} learns without labels. To learn from a few, train m1, m2 or m1m2.`;
  return { "--labels": why, "--label-seed": why };
};
