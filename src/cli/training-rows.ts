/** Messages for runs that are used on rows that they were trained on. */
import type { Dataset } from "../data/index.ts";
import { learnsFromLabels, type RunSettings } from "../kinds/index.ts";
import { trainedOn } from "../runs/index.ts";
import { grouped, type Say } from "./terminal.ts";

/** Prints how many rows of other data the run was trained on, if any, and returns their number; null if it cannot be known. */
export async function tellTrainingRows(
  settings: RunSettings,
  rows: Dataset,
  say: Say,
): Promise<number | null> {
  const count = await trainedOn(settings, rows);
  if (count === undefined) {
    say(
      "It is not known whether the run was trained on these rows: its training data are no longer in the same place.",
    );
    return null;
  }
  if (count > 0) {
    const which =
      count === rows.rows
        ? `All ${grouped(count)} rows`
        : `${grouped(count)} of the ${grouped(rows.rows)} rows`;
    say(
      `${which} have the same values as rows ${learnsFromLabels(settings) ? "whose class the run was given" : "that the run was trained on"}: figures on them show how well it remembers, not how well it does on new rows.`,
    );
  }
  return count;
}
