/** A conditional VAE with its parameters: what a user holds after training, or after opening a run. */
import { ArrayValue, compile } from "../../compile/index.ts";
import { type Dataset, mapRows, rowsOf, take } from "../../data/index.ts";
import type { ParameterValues } from "../../models/index.ts";
import { fillNormal, stream } from "../../random/index.ts";
import { preparer } from "../held-out.ts";
import {
  type LogLikelihood,
  type LogLikelihoodOptions,
  type VaeEvaluation,
  vaeEvaluator,
} from "../vae/evaluator.ts";
import { joined, whole } from "./conditions.ts";
import type { Cvae } from "./model.ts";
import type { CvaeTrainSettings } from "./settings.ts";

/** Settings that the trained model reads. */
type Settings = Pick<CvaeTrainSettings, "seed" | "binarize"> & { readonly threads?: number };

/** A trained conditional VAE. */
export class TrainedCvae {
  readonly model: Cvae;
  readonly parameters: ParameterValues;
  readonly settings: Settings;
  readonly #prepare: (dataset: Dataset) => Dataset;
  // Rows joined with their conditions are made once, because they are used after every epoch.
  readonly #joined = new WeakMap<Dataset, Dataset>();

  constructor(model: Cvae, parameters: ParameterValues, settings: Settings) {
    this.model = model;
    this.parameters = parameters;
    this.settings = settings;
    this.#prepare = preparer(settings);
  }

  get #options() {
    const { threads, seed } = this.settings;
    return { parameters: this.parameters, seed, ...(threads !== undefined && { threads }) };
  }

  /** Rows as the model takes them: with their conditions, and binarised if it was trained on binary draws. */
  rows(data: Dataset): Dataset {
    const known = this.#joined.get(data);
    if (known !== undefined) return known;
    const rows = this.#prepare(joined(data, this.model.conditions));
    this.#joined.set(data, rows);
    return rows;
  }

  /** The bound on log p(x | c) and its terms, on rows of known condition. */
  evaluate(data: Dataset): Promise<VaeEvaluation> {
    const { parameters, ...options } = this.#options;
    return vaeEvaluator(this.model, parameters, options).evaluate(this.rows(data));
  }

  /** Importance-sampled log p(x | c). */
  logLikelihood(data: Dataset, options: LogLikelihoodOptions = {}): Promise<LogLikelihood> {
    const { parameters, ...rest } = this.#options;
    return vaeEvaluator(this.model, parameters, rest).logLikelihood(this.rows(data), options);
  }

  /** Means of q(z | x, c): [rows, latent], in the order of the rows of known condition. */
  encode(data: Dataset): Promise<Float32Array> {
    const { model } = this;
    return mapRows(
      this.rows(data),
      model.latent,
      compile((x) => model.encode(x).mean(), this.#options),
    );
  }

  /** Means of p(x | c, z); for a table draws from it, since categories have no mean. c [count, conditions], z [count, latent]. */
  async decode(c: Float32Array, z: Float32Array): Promise<Float32Array> {
    const { model } = this;
    const draw = compile((given, code) => {
      const x = model.decode(given, code);
      return model.likelihood.name === "table" ? x.sample("x") : x.mean();
    }, this.#options);
    const count = z.length / model.latent;
    const { data } = await draw(
      new ArrayValue([count, model.conditions.width], "float32", c),
      new ArrayValue([count, model.latent], "float32", z),
    );
    return whole(data as Float32Array, c, model.conditions);
  }

  /** `count` draws under each condition: [conditions × count, features]. The k-th draw of each has the same z. */
  sample(conditions: Float32Array, count: number, seed: number): Promise<Float32Array> {
    const { latent, conditions: kind } = this.model;
    const styles = new Float32Array(count * latent);
    fillNormal(styles, stream(seed, "prior/z"));
    const each = conditions.length / kind.width;
    const z = new Float32Array(each * styles.length);
    const c = new Float32Array(each * count * kind.width);
    for (let k = 0; k < each; k++) {
      z.set(styles, k * styles.length);
      const one = conditions.subarray(k * kind.width, (k + 1) * kind.width);
      for (let i = 0; i < count; i++) c.set(one, (k * count + i) * kind.width);
    }
    return this.decode(c, z);
  }

  /** The first rows of known condition, and their reconstructions. */
  async reconstruct(
    data: Dataset,
    count: number,
  ): Promise<{ readonly originals: Float32Array; readonly reconstructions: Float32Array }> {
    const { outputs, features, conditions } = this.model;
    const all = this.rows(data);
    const rows = take(all, Math.min(count, all.rows));
    const joint = rowsOf(rows, [...Array(rows.rows).keys()], new Float32Array(rows.rows * features));
    const x = new Float32Array(rows.rows * outputs);
    const c = new Float32Array(rows.rows * conditions.width);
    for (let i = 0; i < rows.rows; i++) {
      x.set(joint.subarray(i * features, i * features + outputs), i * outputs);
      c.set(joint.subarray(i * features + outputs, (i + 1) * features), i * conditions.width);
    }
    const { model } = this;
    const encode = compile((t) => model.encode(t).mean(), this.#options);
    const z = await mapRows(rows, model.latent, encode);
    return { originals: whole(x, c, conditions), reconstructions: await this.decode(c, z) };
  }
}
