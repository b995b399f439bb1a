/** What M1+M2 does. */
import { compile } from "../../compile/index.ts";
import { CheckpointError, UsageError } from "../../errors.ts";
import { runFolder } from "../../files/index.ts";
import { Stacked } from "../../models/index.ts";
import { readHistory } from "../history.ts";
import type { Kind, TrainedModel } from "../kind.ts";
import { TrainedM1 } from "../m1/trained.ts";
import { classPriorOf } from "../m2/class-prior.ts";
import { measureClassifier } from "../m2/measure.ts";
import { styledReport, widths } from "../m2/report.ts";
import type { SemiSupervisedTrainSettings } from "../m2/settings.ts";
import { codesOf } from "../m2/style.ts";
import { TrainedClassifier } from "../m2/trained.ts";
import { epochErrors, semiSupervisedTraining } from "../m2/training.ts";
import { classifierCautions, classifierFacts, classifierVerbs } from "../m2/verbs.ts";
import { checkObservation } from "../observation.ts";
import type { LabelSettings, RunSettings } from "../run-settings.ts";
import type { TrainSettings, VaeModelSettings } from "../vae/settings.ts";
import { Trained } from "../vae/trained.ts";
import { m1m2, type StackedModelSettings } from "./settings.ts";
import { stackOn, vaeBelow } from "./stack.ts";

type StackedRunSettings = RunSettings & {
  readonly model: StackedModelSettings;
  readonly labels: LabelSettings;
  readonly m1: {
    readonly model: VaeModelSettings & { readonly model: string };
    readonly train: TrainSettings;
    /** The run it was copied from. */
    readonly from?: string;
  };
  readonly train: SemiSupervisedTrainSettings;
};

/** M1, which is trained first. */
function vaeOf(base: TrainedModel | undefined, path?: string): Trained {
  // A run of M1 has its VAE under its classifiers.
  const found = base instanceof TrainedM1 ? base.vae : base;
  if (found instanceof Trained && found.model.kind === "vae") return found;
  throw path === undefined
    ? new UsageError("m1m2: expected a trained VAE.")
    : new CheckpointError(`${path}: expected M1 to be a vae; it is damaged`);
}

export const kind: Kind<StackedRunSettings, Stacked, TrainedClassifier> = {
  declaration: m1m2,
  describe(stacked) {
    const { settings, m1 } = stacked;
    return {
      model: { ...settings, keepInactive: false },
      m1: { model: { ...m1.settings, model: "vae" }, train: { ...vaeBelow(stacked)?.settings } },
    };
  },
  baseOf: vaeBelow,
  checkRows({ model: { classPrior }, labels, m1: { model, train } }, rows) {
    classPriorOf(classPrior, labels);
    checkObservation(rows, { likelihood: model.likelihood, binarize: train.binarize });
  },
  build({ model: { model: _, shape: __, classPrior, ...options }, labels }, data, base) {
    return stackOn(vaeOf(base), data.train, {
      ...options,
      classes: labels.classes.length,
      classPrior: classPriorOf(classPrior, labels),
    });
  },
  built: ({ active }) => ({ active: [...active] }),
  training: semiSupervisedTraining,
  figures: (trained, data, { train }, progress) => epochErrors(trained, data, train, progress),
  baseRun: ({ version, createdAt, command, data, m1 }) => ({
    version,
    createdAt,
    command,
    data,
    model: m1.model,
    train: m1.train,
  }),
  open({ run, valuesOf, built, base }) {
    const { m1, train, model, labels } = { ...run.settings, m1: vaeOf(base, run.path) };
    if (!Array.isArray(built.active) || m1.model.kind !== "vae") {
      throw new CheckpointError(
        `${run.checkpoint}: expected a checkpoint that says which of M1's dimensions M2 sees; it is damaged`,
      );
    }
    const { latent, hidden, activation } = model;
    const stacked = Stacked({
      m1: m1.model,
      frozen: m1.parameters,
      active: built.active.map(Number),
      classes: labels.classes.length,
      latent,
      hidden,
      activation,
      classPrior: classPriorOf(model.classPrior, labels),
    });
    return new TrainedClassifier(stacked, valuesOf(stacked.parameters), train, labels.classes);
  },
  facts: async (trained) => ({
    ...(trained.model.kind === "m1m2" && { active: trained.model.active.length }),
    ...(await classifierFacts(trained)),
  }),
  cautions: classifierCautions,
  measure: measureClassifier,
  async report(opened, shown) {
    const { run, trained } = opened;
    const { settings } = run;
    const { model, parameters, classes } = trained;
    if (model.kind !== "m1m2") throw new CheckpointError(`${run.path}: expected M1+M2, found ${model.kind}.`);
    const { threads } = settings.train;
    const { model: m1 } = settings.m1;
    const seconds = (path: typeof run | ReturnType<typeof runFolder>): number =>
      readHistory(path).at(-1)?.seconds ?? 0;
    const { report, labelled, predicted } = await styledReport(opened, shown, {
      title: m1m2.title,
      subtitle:
        `M1 ${widths(settings.model.shape.join("×"), m1)}, ${m1.activation}, ${m1.likelihood} likelihood; ` +
        `M2 ${widths(model.active.length, settings.model)}, ${settings.model.activation}`,
      introduction:
        "M1+M2 of Kingma et al. (2014), a generative model of class and style over the codes of a variational autoencoder,",
      config: { m1: settings.m1 },
      trainings: [
        {
          name: "Training M1",
          seconds: seconds(runFolder(`${run.path}/m1`)),
          note: "trained once, before M2",
        },
        { name: "Training M2", seconds: seconds(run) },
      ],
    });
    const encode = compile(model.encode, { parameters, ...(threads !== undefined && { threads }) });
    const latent = await codesOf(
      encode,
      model.active.length,
      { dataset: shown.rows, classes, predicted },
      labelled,
    );
    return {
      ...report,
      latent: { ...latent, blind: "M1" },
      omissions: [
        "M1 is a run of its own, in the folder m1 of this run. Its reconstructions and draws are in its own report.",
      ],
    };
  },
  ...classifierVerbs,
};
