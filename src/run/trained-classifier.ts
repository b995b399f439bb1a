/** A model that learnt from few labels, with its parameters. */
import { type Computed, compile } from "../compile/compile.ts";
import type { ArrayValue } from "../compile/index.ts";
import { type Dataset, mapRows } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  confusionMatrix,
  errorRate,
  type M2,
  type ParameterValues,
  predictedClasses,
  type Stacked,
} from "../models/index.ts";
import { exp } from "../tensor/ops/transcendental.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { SemiSupervisedTrainSettings } from "../train/settings.ts";

export type ClassifyingModel = M2 | Stacked;

/** What a classifier says of each row. */
export interface Classification {
  /** Class indices. */
  readonly predicted: Int32Array;
  /** [rows, classes]. */
  readonly probabilities: Float32Array;
}

export class TrainedClassifier {
  readonly model: ClassifyingModel;
  /** Names of the classes. */
  readonly classes: readonly string[];
  readonly settings: SemiSupervisedTrainSettings;
  /** Of the whole model, a frozen M1 among it. */
  readonly parameters: ParameterValues;
  readonly #classify: (x: ArrayValue) => Promise<Computed<Tensor>>;
  // M1 stays as it is, so what M2 sees of a dataset does too.
  readonly #seen = new WeakMap<Dataset, Promise<Dataset>>();

  constructor(
    model: ClassifyingModel,
    parameters: ParameterValues,
    settings: SemiSupervisedTrainSettings,
    classes: readonly string[],
  ) {
    this.model = model;
    this.classes = classes;
    this.settings = settings;
    this.parameters = model.kind === "m2" ? parameters : new Map([...model.frozen, ...parameters]);
    const m2 = model.kind === "m2" ? model : model.m2;
    this.#classify = compile((x) => exp(m2.classify(x)), this.#options);
  }

  get #options() {
    const { seed, threads } = this.settings;
    return { parameters: this.parameters, seed, ...(threads !== undefined && { threads }) };
  }

  /** q(y|x) of every row. Grey pixels go in as they are, whatever binary draws the model was trained on. */
  async classify(data: Dataset): Promise<Classification> {
    const probabilities = await mapRows(await this.#view(data), this.classes.length, this.#classify);
    return { probabilities, predicted: predictedClasses(probabilities, this.classes.length) };
  }

  /** Share of the labelled rows whose class q(y|x) gets wrong. @throws UsageError when no row is labelled. */
  async error(data: Dataset): Promise<number> {
    if (data.labels === undefined) {
      throw new UsageError(`${data.name}: expected labels to compare with, found none.`);
    }
    const { predicted } = await this.classify(data);
    return errorRate(confusionMatrix(data.labels, predicted, this.classes.length));
  }

  /** Data as M2 sees them: themselves, or the means of M1's posterior. */
  #view(data: Dataset): Promise<Dataset> {
    const { model } = this;
    if (model.kind === "m2") return Promise.resolve(data);
    const known = this.#seen.get(data);
    if (known !== undefined) return known;
    const width = model.active.length;
    const view = mapRows(data, width, compile(model.encode, this.#options)).then(
      (x): Dataset => ({ ...data, shape: [width], kind: "table", x, scale: 1 }),
    );
    this.#seen.set(data, view);
    return view;
  }
}
