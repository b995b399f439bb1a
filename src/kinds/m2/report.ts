/** What a report shows of M2 and M1+M2. */
import type { Dataset } from "../../data/index.ts";
import { countParameters } from "../../nn/index.ts";
import type { ReportData, ReportSummary } from "../../report/index.ts";
import { classificationResults, labelledData } from "../classification/results.ts";
import { readHistory } from "../history.ts";
import type { Opened, Shown } from "../kind.ts";
import type { LabelSettings, RunSettings } from "../run-settings.ts";
import { classSamples, classStyleOf, styleFigures } from "./style.ts";
import type { TrainedClassifier } from "./trained.ts";

/** Caption of the curves of a model that learns from few labels. */
const curves =
  "The training objective (higher is better) has three parts: the bound on log\u00a0p(x) for rows without a label, with the class summed out; the bound on log\u00a0p(x,\u00a0y) for rows with one; and log\u00a0q(y\u00a0|\u00a0x) of the labels, which trains the classifier. If the labelled bound is far above the unlabelled one, the model is memorising the few labelled rows.";

/** Words of a report for one of the kinds. */
export interface StyledWording {
  readonly title: string;
  readonly subtitle: string;
  readonly introduction: string;
  /** Settings besides those of model and training. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly trainings: ReportSummary["trainings"];
}

/**
 * How well it classifies the rows, its draws of each class, and its predictions for the labelled training rows. There are no errors if no
 * row is labelled.
 *
 * @returns also the rows by class, for the kind's own plot of codes
 */
export async function styledReport(
  { run, trained }: Opened<RunSettings & { readonly labels: LabelSettings }, TrainedClassifier>,
  shown: Shown,
  { title, subtitle, introduction, config, trainings }: StyledWording,
): Promise<{ readonly report: ReportData; readonly labelled: Dataset; readonly predicted: Int32Array }> {
  const { settings } = run;
  const { model, parameters, classes } = trained;
  const { rows, part } = shown;
  const { threads, seed } = settings.train;
  const given = labelledData(shown, settings.labels);
  const classified = await trained.classify(rows);
  const { predicted } = classified;
  const measured = shown.measured ?? {
    rows: rows.rows,
    bound: { elbo: { value: await trained.bound(rows), rows: rows.rows } },
  };
  const { style, analogies } = await styleFigures(
    classStyleOf(model),
    { dataset: rows, classes, predicted },
    { parameters, labelled: given.labelled, ...(threads !== undefined && { threads }) },
  );
  const samples = await classSamples(trained, rows.shape, seed);
  const report: ReportData = {
    title: `${title} on ${settings.data.name}`,
    subtitle,
    command: settings.command,
    createdAt: settings.createdAt,
    version: settings.version,
    introduction,
    curves,
    part,
    config: { ...settings.model, ...settings.train, labels: settings.labels, ...config, data: settings.data },
    summary: {
      latent: model.latent,
      parameters: countParameters([...parameters.keys()]),
      trainRows: settings.data.trainRows,
      testRows: part === "test" ? rows.rows : 0,
      trainings,
    },
    history: readHistory(run),
    measured,
    classification: {
      ...classificationResults(settings, shown, classified, given),
      ...(analogies && { analogies }),
      ...(samples && { samples }),
    },
    style,
  };
  return { report, labelled: given.labelled, predicted };
}

/** The widths of a model, as `784–500–50`. */
export const widths = (
  first: string | number,
  { hidden, latent }: { readonly hidden: readonly number[]; readonly latent: number },
): string => [first, ...hidden, latent].join("–");
