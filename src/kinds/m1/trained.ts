/** A trained M1: a trained VAE, and classifiers fitted to its features of the labelled rows. */
import { type ArrayValue, compile } from "../../compile/index.ts";
import { type Dataset, mapRows } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import {
  confusionMatrix,
  errorRate,
  type FittedClassifier,
  knn,
  latentColumns,
  logistic,
  type ParameterValues,
  predictedClasses,
  svm,
  transductiveSvm,
  type Vae,
} from "../../models/index.ts";
import type { Classified } from "../kind.ts";
import type { Trained } from "../vae/trained.ts";
import { type LabelledByM1, vaeOf } from "./labelled-rows.ts";
import { type ClassifierName, type ClassifierSettings, classifierNames } from "./settings.ts";

/** A trained M1 with its classifiers. */
export class TrainedM1 {
  readonly kind = "m1";
  /** The VAE. */
  readonly vae: Trained;
  /** The model of the VAE. */
  readonly model: Vae;
  readonly parameters: ParameterValues;
  /** Names of the classes. */
  readonly classes: readonly string[];
  readonly settings: ClassifierSettings;
  readonly labelled: LabelledByM1;
  /** The classifiers it can fit: all, except the transductive one in runs from before that was added. */
  readonly classifiers: readonly ClassifierName[];
  readonly #fitted = new Map<ClassifierName, Promise<FittedClassifier>>();
  readonly #features = new WeakMap<Dataset, Promise<Float32Array>>();
  readonly #encode: (x: ArrayValue) => Promise<ArrayValue>;

  constructor(
    vae: Trained,
    labelled: LabelledByM1,
    settings: ClassifierSettings,
    classes: readonly string[],
  ) {
    this.vae = vae;
    this.labelled = labelled;
    this.classifiers = classifierNames.filter(
      (name) => name !== "transductive-svm" || labelled.transductive !== undefined,
    );
    this.settings = settings;
    this.classes = classes;
    this.model = vaeOf(vae);
    this.parameters = vae.parameters;
    const { model } = this;
    const { threads } = vae.settings;
    const { pick } = latentColumns(labelled.active, model.latent);
    this.#encode = compile((x) => pick(model.encode(x).mean()), {
      parameters: vae.parameters,
      ...(threads !== undefined && { threads }),
    });
  }

  /** The class of every row by one of the classifiers, and probabilities if it gives any. */
  async classify(data: Dataset, name: ClassifierName = this.settings.chosen): Promise<Classified> {
    const fitted = await this.#fit(name);
    const scores = await fitted.scores(await this.#means(data));
    return {
      predicted: predictedClasses(scores, this.classes.length),
      ...(fitted.scoring === "probability" && { probabilities: scores }),
    };
  }

  /** Share of labelled rows that a classifier misclassifies. @throws UsageError when no row is labelled. */
  async error(data: Dataset, name: ClassifierName = this.settings.chosen): Promise<number> {
    if (data.labels === undefined) {
      throw new UsageError(`${data.name}: expected labels to compare with, found none.`);
    }
    const { predicted } = await this.classify(data, name);
    return errorRate(confusionMatrix(data.labels, predicted, this.classes.length));
  }

  /** The error of each of its {@link classifiers}. */
  async errors(data: Dataset): Promise<Readonly<Partial<Record<ClassifierName, number>>>> {
    const entries: [ClassifierName, number][] = [];
    for (const name of this.classifiers) entries.push([name, await this.error(data, name)]);
    return Object.fromEntries(entries);
  }

  /** The ELBO of the VAE, as a mean over rows. */
  async bound(data: Dataset): Promise<number> {
    const { elbo = Number.NaN } = await this.vae.evaluate(data);
    return elbo;
  }

  #fit(name: ClassifierName): Promise<FittedClassifier> {
    const { neighbours, cost: C, gamma, priorScale } = this.settings;
    const { threads } = this.vae.settings;
    const { known } = this.labelled;
    const recipes = {
      knn: () => knn({ k: neighbours }).fit(known),
      "linear-svm": () => svm({ kernel: "linear", C }).fit(known),
      svm: () => svm({ C, ...(gamma !== undefined && { gamma }) }).fit(known),
      "transductive-svm": () => this.#fitTransductive(),
      logistic: () => logistic({ priorScale, ...(threads !== undefined && { threads }) }).fit(known),
    };
    const fitted = this.#fitted.get(name) ?? recipes[name]();
    this.#fitted.set(name, fitted);
    return fitted;
  }

  /** Without unlabelled rows it is the plain machine. */
  #fitTransductive(): Promise<FittedClassifier> {
    const { transductive } = this.labelled;
    if (transductive === undefined) {
      throw new UsageError(
        "m1: this run was made before the transductive support vector machine was added, so it keeps no unlabelled rows for it. " +
          "train --resume on its folder adds them; or choose another classifier.",
      );
    }
    if (transductive.labels.length === 0) return this.#fit("svm");
    const { cost: C, unlabelledCost, gamma, unlabelled } = this.settings;
    return transductiveSvm({
      C,
      unlabelled,
      ...(unlabelledCost !== undefined && { unlabelledC: unlabelledCost }),
      ...(gamma !== undefined && { gamma }),
    }).fit(transductive);
  }

  #means(data: Dataset): Promise<Float32Array> {
    const means = this.#features.get(data) ?? mapRows(data, this.labelled.active.length, this.#encode);
    this.#features.set(data, means);
    return means;
  }
}
