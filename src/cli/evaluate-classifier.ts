/** `tightbound evaluate` of a run that learnt from labels. */
import { assessLabelled, openClassifier, reloadData } from "../run/index.ts";
import { askedRows } from "./data.ts";
import type { DataOptions } from "./data-options.ts";
import { labelledFiguresOf, labelledLines } from "./labelled-summary.ts";
import { type Context, printJson, speaker } from "./terminal.ts";

export interface ClassifierOptions {
  readonly bayesSamples: number;
  readonly bayesRows: number | "all";
  readonly json?: true;
}

export async function evaluateClassifier(
  path: string,
  where: DataOptions,
  { bayesSamples, bayesRows, json }: ClassifierOptions,
  { terminal }: Context,
): Promise<void> {
  const { run, trained, epoch } = await openClassifier(path);
  const { settings } = run;
  const test = await askedRows(settings, where);
  // Validation rows are the run's own: they say nothing of other data.
  const own = where.data === undefined && settings.data.validation ? await reloadData(settings) : undefined;
  const labels = settings.labels.shown ?? settings.labels.count;
  const say = speaker(terminal, { json: json === true });
  const figures = labelledFiguresOf(
    await assessLabelled(trained, test, {
      bayesSamples,
      ...(bayesRows !== "all" && { bayesRows }),
      ...(own?.validation && { validation: own.validation }),
    }),
  );
  if (json) {
    const { seed } = settings.labels;
    printJson(terminal, {
      run: path,
      model: trained.kind,
      data: test.name,
      epoch,
      labels,
      labelSeed: seed,
      classes: trained.classes,
      ...figures,
      ...(trained.kind !== "m1" && trained.model.kind === "m1m2" && { active: trained.model.active.length }),
    });
    return;
  }
  say(`${path}, after epoch ${epoch}, on ${test.name}, ${labels} labels:`);
  for (const line of labelledLines(figures)) say(line);
}
