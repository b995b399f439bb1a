/** What M2 does. */
import { M2 } from "../../models/index.ts";
import { readHistory } from "../history.ts";
import type { Kind } from "../kind.ts";
import { checkObservation } from "../observation.ts";
import type { LabelSettings, RunSettings } from "../run-settings.ts";
import { classPriorOf } from "./class-prior.ts";
import { measureClassifier } from "./measure.ts";
import { styledReport, widths } from "./report.ts";
import { type M2ModelSettings, m2, type SemiSupervisedTrainSettings } from "./settings.ts";
import { TrainedClassifier } from "./trained.ts";
import { epochErrors, semiSupervisedTraining } from "./training.ts";
import { classifierCautions, classifierFacts, classifierVerbs } from "./verbs.ts";

type M2RunSettings = RunSettings & {
  readonly model: M2ModelSettings;
  readonly labels: LabelSettings;
  readonly train: SemiSupervisedTrainSettings;
};

const build = ({ model: { model: _, shape, classPrior, ...options }, labels }: M2RunSettings): M2 =>
  M2({
    ...options,
    shape,
    features: shape.reduce((a, b) => a * b, 1),
    classes: labels.classes.length,
    classPrior: classPriorOf(classPrior, labels),
  });

export const kind: Kind<M2RunSettings, M2, TrainedClassifier> = {
  declaration: m2,
  describe: ({ settings }) => ({ model: { ...settings } }),
  checkRows({ model, train, labels }, rows) {
    classPriorOf(model.classPrior, labels);
    checkObservation(rows, { likelihood: model.likelihood, binarize: train.binarize });
  },
  build,
  training: semiSupervisedTraining,
  figures: (trained, data, { train }, progress) => epochErrors(trained, data, train, progress),
  open({ run: { settings }, valuesOf }) {
    const model = build(settings);
    return new TrainedClassifier(model, valuesOf(model.parameters), settings.train, settings.labels.classes);
  },
  facts: classifierFacts,
  cautions: classifierCautions,
  measure: measureClassifier,
  async report(opened, shown) {
    const { model, train } = opened.run.settings;
    const parts = [widths(model.shape.join("×"), model), model.activation, `${model.likelihood} likelihood`];
    const { report } = await styledReport(opened, shown, {
      title: m2.title,
      subtitle: [...parts, ...(train.binarize === "none" ? [] : [`${train.binarize} binarisation`])].join(
        ", ",
      ),
      introduction: "M2 of Kingma et al. (2014), a generative model of class and style,",
      trainings: [{ name: "Training time", seconds: readHistory(opened.run).at(-1)?.seconds ?? 0 }],
    });
    return report;
  },
  ...classifierVerbs,
};
