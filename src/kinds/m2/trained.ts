/** A model that learnt from few labels, with its parameters. */
import { ArrayValue, type Computed, compile } from "../../compile/index.ts";
import { type Dataset, mapRows, overChunks, select } from "../../data/index.ts";
import type { Distribution } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import { elbo } from "../../inference/index.ts";
import {
  confusionMatrix,
  errorRate,
  keptPosteriorOf,
  type M2,
  type ParameterValues,
  predictedClasses,
  type Stacked,
  selectFeatures,
} from "../../models/index.ts";
import { fillNormal, stream } from "../../random/index.ts";
import type { CarriedFigures } from "../../report/index.ts";
import { exp, logsumexp, type Tensor } from "../../tensor/index.ts";
import { preparer } from "../held-out.ts";
import type { Classified } from "../kind.ts";
import { saveTrained } from "../saving.ts";
import { asEveryClass, type ByClass } from "./by-class.ts";
import { carriedBy } from "./carried.ts";
import { informationOf, informationSource } from "./information.ts";
import type { SemiSupervisedTrainSettings } from "./settings.ts";

/** Rows times importance samples that Bayes' rule computes in one call. */
const ROWS_OF_BAYES = 2000;

/** A model whose guide classifies. */
export type ClassifyingModel = M2 | Stacked;

/** A trained M2 or M1+M2: what a user holds after training, or after opening a run. */
export class TrainedClassifier {
  readonly kind: ClassifyingModel["kind"];
  readonly model: ClassifyingModel;
  /** Names of the classes. */
  readonly classes: readonly string[];
  readonly settings: SemiSupervisedTrainSettings;
  /** Parameters of the whole model, including a frozen M1. */
  readonly parameters: ParameterValues;
  /** Held-out data as densities see them: if the model was trained on binary draws, binarised once, by the run's seed. */
  readonly prepare: (dataset: Dataset) => Dataset;
  readonly #classify: (x: ArrayValue) => Promise<Computed<Tensor>>;

  constructor(
    model: ClassifyingModel,
    parameters: ParameterValues,
    settings: SemiSupervisedTrainSettings,
    classes: readonly string[],
  ) {
    this.kind = model.kind;
    this.model = model;
    this.classes = classes;
    this.settings = settings;
    this.parameters = model.kind === "m2" ? parameters : new Map([...model.frozen, ...parameters]);
    this.prepare = preparer(settings);
    const m2 = this.#m2;
    this.#classify = compile((x) => exp(m2.classify(x)), this.#options);
  }

  /**
   * Saves the model as a run's folder, for `open` and the command line.
   *
   * @param options.overwrite whether to replace a run that is there. Default false.
   * @throws UsageError when the folder holds another run.
   */
  save(path: string, options: { readonly overwrite?: boolean } = {}): Promise<void> {
    return saveTrained(this, path, options);
  }

  get #m2(): M2 {
    return this.model.kind === "m2" ? this.model : this.model.m2;
  }

  get #options() {
    const { seed, threads } = this.settings;
    return { parameters: this.parameters, seed, ...(threads !== undefined && { threads }) };
  }

  /** q(y|x) of every row. Grey pixels are not binarised, even if the model was trained on binary draws. */
  async classify(data: Dataset): Promise<Required<Classified>> {
    const probabilities = await mapRows(await this.#view(data), this.classes.length, this.#classify);
    return { probabilities, predicted: predictedClasses(probabilities, this.classes.length) };
  }

  /** p(y), the model's shares of the classes. */
  async classShares(): Promise<readonly number[]> {
    const { data } = await compile(() => this.#m2.prior.mean(), this.#options)();
    return Array.from(data, Number);
  }

  /** Share of labelled rows that q(y|x) misclassifies. @throws UsageError when no row is labelled. */
  async error(data: Dataset): Promise<number> {
    if (data.labels === undefined) {
      throw new UsageError(`${data.name}: expected labels to compare with, found none.`);
    }
    const { predicted } = await this.classify(data);
    return errorRate(confusionMatrix(data.labels, predicted, this.classes.length));
  }

  /**
   * The class of every row by Bayes' rule, p(y|x) ∝ p(x, y), with importance samples from q(z|x, y) for p(x, y). For M1+M2, at the mean of
   * q(z1|x). If the model was trained on binary draws, data are binarised once.
   *
   * Cost: `samples` passes through M2's decoder for each row and class.
   *
   * @throws UsageError when `samples` is not a whole number above 0.
   */
  async classifyByBayes(data: Dataset, samples: number): Promise<Required<Classified>> {
    if (!Number.isInteger(samples) || samples < 1) {
      throw new UsageError(`Bayes' rule: samples must be a whole number of at least 1, found ${samples}.`);
    }
    const m2 = this.#m2;
    const seen = this.model.kind === "m2" ? this.prepare(data) : await this.#view(data);
    const width = this.classes.length;
    // Compiled again, so that the noise starts at step 0 and the same data give the same classes.
    const posterior = compile((x) => {
      const joint = m2.logJoint(x, samples);
      return exp(joint.sub(logsumexp(joint, -1, { keepDims: true })));
    }, this.#options);
    // Hidden layers of rows × samples are in memory at once.
    const rows = Math.max(1, Math.floor(ROWS_OF_BAYES / samples));
    const probabilities = await mapRows(seen, width, posterior, rows);
    return { probabilities, predicted: predictedClasses(probabilities, width) };
  }

  /**
   * How much the class of each row depends on what the model does not know of it, in nats: the mutual information of the class with z1 for
   * M1+M2, with the dropped units for M2 that has them, and with z otherwise. High where a label would teach much.
   *
   * Cost: `draws` passes of q(y|x) for each row; without dropout, M2 takes as many passes of its decoder for each class.
   *
   * @param data only the rows to judge, because each costs many passes
   * @throws UsageError when `draws` is not a whole number above 1.
   */
  async information(data: Dataset, draws = 16): Promise<Float32Array> {
    if (!Number.isInteger(draws) || draws < 2) {
      throw new UsageError(`information: draws must be a whole number of at least 2, found ${draws}.`);
    }
    // Densities see binary draws, if the model was trained on them; q(y|x) sees grey pixels, as in `classify`.
    const seen = informationSource(this.model) === "style" ? this.prepare(data) : data;
    return informationOf(this.model, seen, { ...this.#options, draws });
  }

  /** What class and style each say of the rows; of M1+M2, of what M2 sees of them. */
  async carried(data: Dataset): Promise<CarriedFigures> {
    const seen = this.model.kind === "m2" ? this.prepare(data) : await this.#view(data);
    const { predicted } = await this.classify(data);
    return carriedBy(this.#m2, seen, predicted, await this.classShares(), this.#options);
  }

  /**
   * One row as every class: drawn with its style kept, and log p(x|y) of each by importance samples.
   *
   * @param data one row
   * @param samples importance samples of each class. Default 200.
   * @throws UsageError when there is not exactly one row, or `samples` is not a whole number above 0.
   */
  async byClass(data: Dataset, samples = 200): Promise<ByClass> {
    if (data.rows !== 1) throw new UsageError(`byClass: expected one row, found ${data.rows}.`);
    if (!Number.isInteger(samples) || samples < 1) {
      throw new UsageError(`byClass: samples must be a whole number of at least 1, found ${samples}.`);
    }
    return asEveryClass(this, data, samples, this.#options);
  }

  /** The lower bound on log p(x) with y summed out, as a mean over rows: −U(x) of M2, or the bound of the whole M1+M2. */
  async bound(data: Dataset): Promise<number> {
    const values = await this.bounds(data);
    return values.reduce((a, b) => a + b, 0) / data.rows;
  }

  /** The same for each row, [rows], in nats. */
  bounds(data: Dataset): Promise<Float32Array> {
    const { model } = this;
    const closed = model.kind === "m2" ? ["z"] : ["z2"];
    const perDatum = compile(
      (x) => elbo(model.model, model.guide, [x], { analyticKl: closed }).perDatum.elbo.reshape([-1, 1]),
      this.#options,
    );
    return mapRows(this.prepare(data), 1, perDatum);
  }

  /**
   * Draws of every class, in the order of the classes: [classes × count, features]. The k-th draw of each class has the same style z.
   * Returns means of p(x|y, z); for a table draws from it, since categories have no mean.
   */
  async sample(count: number, seed = 0): Promise<Float32Array> {
    const { classes, latent } = this.model;
    const styles = new Float32Array(count * latent);
    fillNormal(styles, stream(seed, "prior/z"));
    const z = new Float32Array(classes * styles.length);
    const y = new Float32Array(classes * count * classes);
    for (let k = 0; k < classes; k++) {
      z.set(styles, k * styles.length);
      for (let i = 0; i < count; i++) y[(k * count + i) * classes + k] = 1;
    }
    const draw = compile(
      (given, style) => {
        const x = this.model.decode(given, style);
        return this.model.likelihood === "table" ? x.sample("x") : x.mean();
      },
      { ...this.#options, seed },
    );
    const rows = classes * count;
    const { data } = await draw(
      new ArrayValue([rows, classes], "float32", y),
      new ArrayValue([rows, latent], "float32", z),
    );
    return data as Float32Array;
  }

  /** The posterior of the style, q(z|x, y), of rows [rows, features] and one-hot classes; of M1+M2 at the mean of q(z1|x). */
  styleOf(x: Tensor, y: Tensor): Distribution {
    const { model } = this;
    return model.kind === "m2" ? model.encode(x, y) : model.m2.encode(model.encode(x), y);
  }

  /**
   * The style of every row: means of q(z|x, y), with y the class predicted by q(y|x), [rows, latent]. If the model was trained on binary
   * draws, data are binarised once.
   */
  async encode(data: Dataset): Promise<Float32Array> {
    return (await this.#passage(data, this.prepare(data), false)).styles;
  }

  /** Rows as the model sees them, and their reconstructions: the means of p(x|y, z) at the predicted class and the row's style. */
  async reconstruct(
    data: Dataset,
    indices: readonly number[],
  ): Promise<{ readonly originals: Float32Array; readonly reconstructions: Float32Array }> {
    // The draw of a row's pixels depends on its place among the others.
    const seen = select(this.prepare(data), indices);
    const { originals, reconstructions } = await this.#passage(select(data, indices), seen, true);
    return { originals, reconstructions };
  }

  async #passage(
    data: Dataset,
    seen: Dataset,
    decoded: boolean,
  ): Promise<Record<"originals" | "styles" | "reconstructions", Float32Array>> {
    const { classes, latent, features } = this.model;
    const { predicted } = await this.classify(data);
    const style = compile((x, y) => this.styleOf(x, y).mean(), this.#options);
    const draw = compile((y, z) => this.model.decode(y, z).mean(), this.#options);
    const styles = new Float32Array(data.rows * latent);
    const [originals, reconstructions] = [0, 1].map(
      () => new Float32Array(decoded ? data.rows * features : 0),
    );
    await overChunks(seen, async (x, count, start) => {
      const [rows] = x.shape;
      const y = new ArrayValue([rows, classes], "float32");
      const hot = y.data as Float32Array;
      for (let i = 0; i < rows; i++) hot[i * classes + predicted[start + (i < count ? i : 0)]] = 1;
      const z = await style(x, y);
      styles.set((z.data as Float32Array).subarray(0, count * latent), start * latent);
      if (!decoded) return;
      originals.set((x.data as Float32Array).subarray(0, count * features), start * features);
      const drawn = (await draw(y, z)).data as Float32Array;
      reconstructions.set(drawn.subarray(0, count * features), start * features);
    });
    return { originals, styles, reconstructions };
  }

  /** Data as M2 sees them: themselves, or the means of M1's posterior. */
  async #view(data: Dataset): Promise<Dataset> {
    const { model } = this;
    if (model.kind === "m2") return data;
    // M1's codes have no missing values, even if the row does.
    const { observed: _, ...rows } = data;
    const { threads } = this.settings;
    const posterior = await keptPosteriorOf(
      model.m1,
      model.frozen,
      data,
      threads === undefined ? {} : { threads },
    );
    const { means: x } = selectFeatures(posterior, model.active);
    return { ...rows, shape: [model.active.length], kind: "table", x, scale: 1 };
  }
}
