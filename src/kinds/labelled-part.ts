import { type Dataset, drawLabels, hideLabels } from "../data/index.ts";
import type { LabelSettings } from "./run-settings.ts";

/** The training rows as the model sees them: labels that are not kept are hidden. */
export function labelledPart(
  train: Dataset,
  { count, seed }: Pick<LabelSettings, "count" | "seed">,
): Dataset {
  if (count === undefined) return train;
  return hideLabels(train, drawLabels(train, { labels: count, seed }).labelled);
}
