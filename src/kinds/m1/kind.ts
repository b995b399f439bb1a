/** What M1 does: it trains a VAE, then fits classifiers to the posterior's features of the labelled rows. */
import { existsSync } from "#platform/files";
import { join } from "#platform/paths";
import { ArrayValue } from "../../compile/index.ts";
import type { Dataset } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import type { RunFolder } from "../../files/index.ts";
import { predictedClasses, type Vae } from "../../models/index.ts";
import type { ErrorFigures, Measured } from "../../report/index.ts";
import { errorFigures, type Way } from "../classification/errors.ts";
import { classificationResults, labelledData } from "../classification/results.ts";
import type { Kind, MeasureOptions, Stored } from "../kind.ts";
import { labelledPart } from "../labelled-part.ts";
import { sharesOf, withShares } from "../m2/class-prior.ts";
import { codesOf } from "../m2/style.ts";
import { checkObservation } from "../observation.ts";
import type { LabelSettings, RunSettings } from "../run-settings.ts";
import { boundCurves, buildVae } from "../vae/kind.ts";
import { measureVae } from "../vae/measure.ts";
import { reportData } from "../vae/report.ts";
import type { TrainSettings, VaeModelSettings } from "../vae/settings.ts";
import { Trained } from "../vae/trained.ts";
import { epochFigures, trainingOf } from "../vae/training.ts";
import { autoencodingVerbs } from "../vae/verbs.ts";
import { labelledByM1, loadLabelled, saveLabelled } from "./labelled-rows.ts";
import { type ClassifierName, type ClassifierSettings, classifierNames, m1 } from "./settings.ts";
import { TrainedM1 } from "./trained.ts";

type M1RunSettings = RunSettings & {
  readonly model: VaeModelSettings;
  readonly labels: LabelSettings;
  readonly classifiers: ClassifierSettings;
  readonly train: TrainSettings;
  readonly m1: { readonly from?: string };
};

/** The labelled rows as M1 sees them. */
const labelledFile = ({ path }: Pick<RunFolder, "path">): string => join(path, "labelled.safetensors");

/** Each classifier, as it reads after "by". */
const textOf = ({ neighbours }: ClassifierSettings): Readonly<Record<ClassifierName, string>> => ({
  knn: neighbours === 1 ? "the nearest neighbour" : `${neighbours} nearest neighbours`,
  "linear-svm": "a linear support vector machine",
  svm: "a support vector machine",
  "transductive-svm": "a transductive support vector machine",
  logistic: "logistic regression",
});

/** The error of each classifier, the chosen one first, and the bound of the VAE. @throws UsageError when rows have no labels */
async function measure(trained: TrainedM1, rows: Dataset, options: MeasureOptions = {}): Promise<Measured> {
  const { validation, full = false } = options;
  const { classes, settings, classifiers } = trained;
  const texts = textOf(settings);
  const figuresBy = async (name: ClassifierName): Promise<ErrorFigures> => {
    const way: Way = { by: name, text: texts[name] };
    const held = validation && (await trained.error(validation, name));
    return errorFigures(way, rows, await trained.classify(rows, name), classes.length, held);
  };
  const errors = [await figuresBy(settings.chosen)];
  for (const name of classifiers) if (name !== settings.chosen) errors.push(await figuresBy(name));
  const vae = full
    ? await measureVae(trained.vae, rows, options)
    : { rows: rows.rows, bound: { elbo: { value: await trained.bound(rows), rows: rows.rows } } };
  return { ...vae, errors, choices: classifiers };
}

/** The VAE of a run of M1. */
function storedVae({ run: { settings }, valuesOf }: Stored<M1RunSettings>): Trained {
  const model = buildVae(settings.model);
  return new Trained(model, valuesOf(model.parameters), settings.train);
}

export const kind: Kind<M1RunSettings, Vae, TrainedM1, Trained> = {
  declaration: m1,
  checkRows: ({ model, train }, rows) =>
    checkObservation(rows, { likelihood: model.likelihood, binarize: train.binarize }),
  build: ({ model }) => buildVae(model),
  training: trainingOf,
  figures: (trained, data, _, progress) => epochFigures(trained, data, progress),
  adopt: storedVae,
  async finish(vae, data, run) {
    const { classifiers, labels } = run.settings;
    const known = labelledPart(data.train, labels);
    const options = { ...classifiers, classes: labels.classes.length };
    saveLabelled(labelledFile(run), await labelledByM1(vae, known, options));
  },
  isComplete(run) {
    const file = labelledFile(run);
    const { classes } = run.settings.labels;
    return existsSync(file) && loadLabelled(file, classes.length).transductive !== undefined;
  },
  open(stored) {
    const { run } = stored;
    const { labels, classifiers } = run.settings;
    const vae = storedVae(stored);
    const labelled = loadLabelled(labelledFile(run), labels.classes.length);
    return new TrainedM1(vae, labelled, classifiers, labels.classes);
  },
  measuredAtEnd: true,
  measure,
  async report({ run, trained }, shown) {
    const { settings } = run;
    const { vae, classes } = trained;
    const { rows, part } = shown;
    const given = labelledData(shown, settings.labels);
    const classified = await trained.classify(rows);
    const measured = shown.measured ?? (await measureVae(vae, rows));
    const report = await reportData(
      run,
      vae,
      { rows, part, measured },
      {
        title: m1.title,
        introduction: "M1 of Kingma et al. (2014), a classifier over the codes of a variational autoencoder,",
        curves: boundCurves,
        blind: "the autoencoder",
      },
    );
    const { latent } = vae.model;
    const encode = async ({ data: x }: ArrayValue) => {
      const z = await vae.encode(x as Float32Array);
      return new ArrayValue([z.length / latent, latent], "float32", z);
    };
    const codes = await codesOf(
      encode,
      latent,
      { dataset: rows, classes, predicted: classified.predicted },
      given.labelled,
    );
    return {
      ...report,
      config: { ...report.config, labels: settings.labels, classifiers: settings.classifiers },
      latent: { ...codes, blind: "the autoencoder" },
      classification: classificationResults(settings, shown, classified, given),
    };
  },
  ...autoencodingVerbs<TrainedM1>(({ vae }) => vae),
  async classify(trained, rows, { classifier, classShares }) {
    const name = classifierNames.find((one) => one === classifier) ?? trained.settings.chosen;
    const classified = await trained.classify(rows, name);
    if (classShares === undefined) return classified;
    if (classified.probabilities === undefined) {
      throw new UsageError(
        `\`classShares\`: expected a classifier that gives probabilities; ${name} votes. Add \`classifier: "logistic"\`.`,
      );
    }
    const { labels, classes: width } = trained.labelled.known;
    const counts = trained.classes.map((_, k) => labels.filter((label) => label === k).length);
    const to = classShares as "estimated" | readonly number[];
    const probabilities = withShares(classified.probabilities, sharesOf(counts), to, trained.classes);
    return { probabilities, predicted: predictedClasses(probabilities, width) };
  },
};
