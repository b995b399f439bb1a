/** Gathers what a report shows of a run that learnt from labels. */
import { compile } from "../compile/compile.ts";
import { ArrayValue } from "../compile/index.ts";
import { type Dataset, hasLabels, select } from "../data/index.ts";
import { InternalError } from "../errors.ts";
import { countParameters } from "../nn/index.ts";
import type { ClassificationResults, TestError } from "../report/class-types.ts";
import type { ReportData } from "../report/types.ts";
import { runFolder } from "../train/run-folder.ts";
import type { Assessment } from "./assess.ts";
import { assessLabelled, type ClassificationFigures, type LabelledAssessment } from "./assess-labelled.ts";
import { classSamples, classStyleOf, codesOf, styleFigures } from "./class-figures.ts";
import { type RunData, shownRows } from "./data.ts";
import { reportData } from "./figures.ts";
import { readHistory } from "./history.ts";
import { type ClassifiedData, leastSure } from "./least-sure.ts";
import type { OpenedRun } from "./open.ts";
import {
  type ClassifierName,
  type ClassifierSettings,
  classifierNames,
  isM1,
  isStacked,
  type LabelledRunSettings,
  type M1RunSettings,
  type M2RunSettings,
  type StackedRunSettings,
} from "./settings.ts";
import { labelledPart } from "./supervision.ts";
import type { TrainedClassifier } from "./trained-classifier.ts";
import type { TrainedM1 } from "./trained-m1.ts";

/** Figures of a report that are known already; computed with their defaults where absent. */
export interface ClassReportOptions {
  readonly assessment?: LabelledAssessment;
  /** Of the VAE of M1. */
  readonly vae?: Assessment;
}

type Opened<S extends LabelledRunSettings, T> = Pick<OpenedRun<S, T>, "run" | "trained">;

/** The rows that are shown, and those whose label the model was given. */
interface Shown {
  readonly part: "test" | "training";
  readonly data: ClassifiedData;
  readonly labelled: Dataset;
}

/**
 * Everything that a report of the run shows: how well it classifies the test rows, what it draws of each class, and what it makes of
 * the rows that it was given labels of. Of M1 also all that a report of its VAE shows. Where no rows are held out, the training rows
 * are shown, and there are no errors; nor are there where no test row has a label.
 */
export async function classReportData(
  { run, trained }: Opened<LabelledRunSettings, TrainedClassifier | TrainedM1>,
  data: RunData,
  options: ClassReportOptions = {},
): Promise<ReportData> {
  const { settings } = run;
  const { classes } = trained;
  const { test, validation } = data;
  const train = labelledPart(data.train, settings.labels);
  const { rows: dataset, part } = shownRows({ ...data, train });
  const labelled = select(train, labelledRows(train));
  const assessment =
    test && hasLabels(test)
      ? (options.assessment ?? (await assessLabelled(trained, test, validation && { validation })))
      : undefined;
  const { predicted, probabilities } = await trained.classify(dataset);
  const shown: Shown = {
    part,
    data: { dataset, classes, predicted },
    labelled,
  };
  const classification: ClassificationResults = {
    classes,
    labelled: labelled.rows,
    unlabelled: train.rows - labelled.rows,
    ...(settings.labels.count !== undefined && { labelSeed: settings.labels.seed }),
    errors: assessment ? errorsOf(assessment, trained) : [],
    ...(assessment && { confusion: assessment.by.confusion }),
    ...(assessment?.by.calibration && { calibration: assessment.by.calibration }),
    ...(probabilities && {
      leastSure: leastSure({ ...shown.data, probabilities }, settings.data.table?.preprocessing),
    }),
  };
  if (trained.kind === "m1" && isM1(settings)) {
    const rest = await vaeFigures({ run: { ...run, settings }, trained }, shown, options);
    return { ...rest, classification };
  }
  if (trained.kind === "m1" || isM1(settings)) {
    throw new InternalError(
      `the run in ${run.path} is of ${settings.model.model} and was opened as ${trained.kind}`,
    );
  }
  const elbo = assessment?.elbo ?? (await trained.bound(dataset));
  return styledFigures({ run: { ...run, settings }, trained }, shown, { classification, elbo });
}

function labelledRows({ labels = new Int32Array(0) }: Dataset): readonly number[] {
  return Array.from(labels.keys()).filter((row) => labels[row] >= 0);
}

const QYX = "q(y\u00a0|\u00a0x)";

/** Each way to classify, the one that was chosen first, as it reads after "by". */
function errorsOf(
  { by, bayes, classifiers }: LabelledAssessment,
  trained: TrainedClassifier | TrainedM1,
): readonly TestError[] {
  if (classifiers !== undefined && trained.kind === "m1") {
    const { chosen } = trained.settings;
    const texts = classifierTexts(trained.settings);
    return [chosen, ...classifierNames.filter((name) => name !== chosen)].flatMap((name) => {
      const figures = classifiers[name];
      return figures === undefined ? [] : [testError(texts[name], figures)];
    });
  }
  const { samples = 0 } = bayes ?? {};
  const rule = `Bayes\u2019 rule with ${samples} sample${samples === 1 ? "" : "s"}`;
  return [testError(QYX, by), ...(bayes ? [testError(rule, bayes)] : [])];
}

const classifierTexts = ({ neighbours }: ClassifierSettings): Readonly<Record<ClassifierName, string>> => ({
  knn: neighbours === 1 ? "the nearest neighbour" : `${neighbours} nearest neighbours`,
  "linear-svm": "a linear support vector machine",
  svm: "a support vector machine",
  "transductive-svm": "a transductive support vector machine",
  logistic: "logistic regression",
});

const testError = (by: string, { error, validationError, confusion }: ClassificationFigures): TestError => ({
  by,
  error,
  rows: confusion.flat().reduce((a, b) => a + b, 0),
  ...(validationError !== undefined && { validation: validationError }),
});

/** What a report of M1's VAE shows, with the labelled rows among its codes. */
async function vaeFigures(
  { run, trained }: Opened<M1RunSettings, TrainedM1>,
  { part, data, labelled }: Shown,
  { vae: assessment }: ClassReportOptions,
): Promise<ReportData> {
  const { settings } = run;
  const { vae } = trained;
  const { seed } = settings.train;
  const report = await reportData(run, vae, data.dataset, { part, seed, ...(assessment && { assessment }) });
  const { latent } = vae.model;
  const encode = async ({ data: x }: ArrayValue) => {
    const z = await vae.encode(x as Float32Array);
    return new ArrayValue([z.length / latent, latent], "float32", z);
  };
  return {
    ...report,
    title: `M1 on ${settings.data.name}`,
    model: "m1",
    config: { ...report.config, labels: settings.labels, classifiers: settings.classifiers },
    latent: await codesOf(encode, latent, data, labelled),
  };
}

/** What there is of M2 and M1+M2 beside how they classify. */
async function styledFigures(
  { run, trained }: Opened<M2RunSettings | StackedRunSettings, TrainedClassifier>,
  { part, data, labelled }: Shown,
  { classification, elbo }: { readonly classification: ClassificationResults; readonly elbo: number },
): Promise<ReportData> {
  const { settings } = run;
  const { model, parameters } = trained;
  const { threads, seed } = settings.train;
  const history = readHistory(run);
  const m1 = isStacked(settings) ? readHistory(runFolder(run.m1)) : undefined;
  const options = { parameters, ...(threads !== undefined && { threads }) };
  const { style, analogies } = await styleFigures(classStyleOf(model), data, { ...options, labelled });
  const samples = await classSamples(trained, data.dataset.shape, seed);
  return {
    title: `${model.kind === "m2" ? "M2" : "M1+M2"} on ${settings.data.name}`,
    subtitle: describeModel(settings, model.kind === "m1m2" ? model.active.length : undefined),
    command: settings.command,
    createdAt: settings.createdAt,
    version: settings.version,
    model: model.kind,
    part,
    config: {
      ...settings.model,
      ...settings.train,
      labels: settings.labels,
      ...(isStacked(settings) && { m1: settings.m1 }),
      data: settings.data,
    },
    summary: {
      elbo,
      latent: model.latent,
      parameters: countParameters([...parameters.keys()]),
      trainRows: settings.data.trainRows,
      testRows: part === "test" ? data.dataset.rows : 0,
      seconds: history.at(-1)?.seconds ?? 0,
      ...(m1 && { m1Seconds: m1.at(-1)?.seconds ?? 0 }),
    },
    history,
    classification: { ...classification, ...(analogies && { analogies }), ...(samples && { samples }) },
    style,
    ...(model.kind === "m1m2" && {
      latent: await codesOf(compile(model.encode, options), model.active.length, data, labelled),
    }),
  };
}

/** `784–500–50, softplus, bernoulli likelihood, dynamic binarisation`; of M1+M2 the widths of both. */
function describeModel(settings: M2RunSettings | StackedRunSettings, active: number | undefined): string {
  const widths = (
    first: string | number,
    { hidden, latent }: { readonly hidden: readonly number[]; readonly latent: number },
  ) => [first, ...hidden, latent].join("–");
  const shape = settings.model.shape.join("×");
  if (isStacked(settings)) {
    const { model } = settings.m1;
    return (
      `M1 ${widths(shape, model)}, ${model.activation}, ${model.likelihood} likelihood; ` +
      `M2 ${widths(active ?? model.latent, settings.model)}, ${settings.model.activation}`
    );
  }
  const { model, train } = settings;
  const parts = [widths(shape, model), model.activation, `${model.likelihood} likelihood`];
  return [...parts, ...(train.binarize === "none" ? [] : [`${train.binarize} binarisation`])].join(", ");
}
