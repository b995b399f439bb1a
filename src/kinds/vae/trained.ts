/** A model with its parameters: what a user holds after training, or after opening a run. */
import { ArrayValue, compile } from "../../compile/index.ts";
import { type Dataset, mapRows, rowSize, rowsOf } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import type { ParameterValues, Vae } from "../../models/index.ts";
import { fillNormal, stream } from "../../random/index.ts";
import { sub } from "../../tensor/index.ts";
import { preparer } from "../held-out.ts";
import type { ImputeOptions } from "../kind.ts";
import { saveTrained } from "../saving.ts";
import {
  evaluateAutoencoder,
  type LogLikelihood,
  type LogLikelihoodOptions,
  vaeEvaluator,
} from "./evaluator.ts";
import { imputeRows } from "./imputing.ts";
import type { AnyModel, AutoencodingSettings } from "./training.ts";

/** Means over a dataset, in nats per datum. The bound and its KL are present if the model has them. */
export interface Evaluation {
  readonly elbo?: number;
  readonly reconstruction: number;
  readonly kl?: number;
  readonly klPerDimension?: readonly number[];
  readonly activity: readonly number[];
  readonly activeUnits: number;
  /** Posterior means or codes, [rows, latent]. */
  readonly means: Float32Array;
}

/** Decoded rows along dimensions of the latent space, one at a time. */
export interface Traversal {
  /** `dimensions.length × values.length` rows of features. */
  readonly pixels: Float32Array;
  readonly dimensions: readonly number[];
  readonly values: readonly number[];
}

/** Values of z in a traversal, in standard deviations of the prior. */
const TRAVERSAL_VALUES = [-3, -2.25, -1.5, -0.75, 0, 0.75, 1.5, 2.25, 3] as const;

type Computation = (rows: ArrayValue) => Promise<ArrayValue>;

/** A VAE or an autoencoder with its parameters: what a user holds after training, or after opening a run. */
export class Trained {
  readonly model: AnyModel;
  readonly settings: AutoencodingSettings;
  readonly parameters: ParameterValues;
  /** Held-out data as the model sees them: if it was trained on binary draws, binarised once, by the run's seed. */
  readonly prepare: (dataset: Dataset) => Dataset;
  // Compiled once, since they have no noise; they read the parameters' current values.
  #encode: Computation | undefined;
  #decode: Computation | undefined;

  constructor(model: AnyModel, parameters: ParameterValues, settings: AutoencodingSettings) {
    this.model = model;
    this.parameters = parameters;
    this.settings = settings;
    this.prepare = preparer(settings);
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

  get #options() {
    const { threads, seed } = this.settings;
    return { parameters: this.parameters, seed, ...(threads !== undefined && { threads }) };
  }

  /** The bound and its terms on held-out data (grey pixels are binarised first, as in training). */
  async evaluate(dataset: Dataset): Promise<Evaluation> {
    const { model } = this;
    const { parameters, ...options } = this.#options;
    const data = this.prepare(dataset);
    return model.kind === "vae"
      ? vaeEvaluator(model, parameters, options).evaluate(data)
      : evaluateAutoencoder(model, parameters, data, options);
  }

  /** The ELBO of each row, [rows], in nats, from one sample of z. @throws UsageError when the model has no density of data. */
  async bounds(dataset: Dataset): Promise<Float32Array> {
    const { elbo } = this.#vae("a density of data");
    const perDatum = compile((x) => {
      const { reconstruction, kl } = elbo(x);
      return sub(reconstruction, kl).reshape([-1, 1]);
    }, this.#options);
    return mapRows(this.prepare(dataset), 1, perDatum);
  }

  /** Importance-sampled log-likelihood of held-out data. @throws UsageError when the model has no density of data. */
  async logLikelihood(dataset: Dataset, options: LogLikelihoodOptions = {}): Promise<LogLikelihood> {
    const { parameters, ...rest } = this.#options;
    return vaeEvaluator(this.#vae("a log-likelihood"), parameters, rest).logLikelihood(
      this.prepare(dataset),
      options,
    );
  }

  /** Posterior means (codes, for an autoencoder) of rows [count, features]: [count, latent]. */
  async encode(rows: Float32Array): Promise<Float32Array> {
    const { model } = this;
    this.#encode ??= compile(
      (x) => (model.kind === "vae" ? model.encode(x).mean() : model.encode(x)),
      this.#options,
    );
    return this.#floats(await this.#encode(this.#rows(rows, model.features)));
  }

  /** Means of p(x|z) for z [count, latent]: [count, features]. */
  async decode(z: Float32Array): Promise<Float32Array> {
    const { model } = this;
    this.#decode ??= compile((code) => model.decode(code).mean(), this.#options);
    return this.#floats(await this.#decode(this.#rows(z, model.latent)));
  }

  /** The given rows of a dataset as the model sees them, and their reconstructions: means of p(x|z) at the posterior means. */
  async reconstruct(
    dataset: Dataset,
    indices: readonly number[],
  ): Promise<{ readonly originals: Float32Array; readonly reconstructions: Float32Array }> {
    const originals = rowsOf(
      this.prepare(dataset),
      indices,
      new Float32Array(indices.length * rowSize(dataset.shape)),
    );
    return { originals, reconstructions: await this.decode(await this.encode(originals)) };
  }

  /**
   * Means of p(x|z) for `count` draws z from the prior: [count, features]. For a table, rows drawn from p(x|z), since categories have no
   * mean. @throws UsageError when the model has no prior.
   */
  async sample(count: number, seed = 0): Promise<Float32Array> {
    const { latent, likelihood, decode } = this.#vae("a prior to sample from");
    const z = new Float32Array(count * latent);
    fillNormal(z, stream(seed, "prior/z"));
    if (likelihood.name !== "table") return this.decode(z);
    const draw = compile((code) => decode(code).sample("x"), { ...this.#options, seed });
    return this.#floats(await draw(this.#rows(z, latent)));
  }

  /**
   * Rows with their missing values filled by the posterior: `draws` completions of each, or, without, one of posterior means. Values that
   * are there stay as they are. [draws or 1, rows, features]
   *
   * @throws UsageError when the model has no posterior, or a number is none.
   */
  impute(dataset: Dataset, options: ImputeOptions = {}): Promise<Float32Array> {
    return imputeRows(this, this.prepare(dataset), options);
  }

  /** Moves one dimension of z at a time through the prior, with the others at 0. */
  async traverse(
    dimensions: readonly number[],
    values: readonly number[] = TRAVERSAL_VALUES,
  ): Promise<Traversal> {
    const { latent } = this.model;
    for (const d of dimensions) {
      if (!Number.isInteger(d) || d < 0 || d >= latent) {
        throw new UsageError(`traverse: dimension ${d} is outside 0 to ${latent - 1}.`);
      }
    }
    const z = new Float32Array(dimensions.length * values.length * latent);
    dimensions.forEach((d, i) => {
      values.forEach((v, j) => {
        z[(i * values.length + j) * latent + d] = v;
      });
    });
    return { pixels: await this.decode(z), dimensions, values };
  }

  #vae(what: string): Vae {
    if (this.model.kind === "vae") return this.model;
    throw new UsageError(
      `an autoencoder is deterministic: it has no ${what.replace(/^an? /, "")}. Train a vae instead.`,
    );
  }

  #rows(values: Float32Array, width: number): ArrayValue {
    if (values.length % width !== 0 || values.length === 0) {
      throw new UsageError(`expected whole rows of ${width} values, found ${values.length} values.`);
    }
    return new ArrayValue([values.length / width, width], "float32", values);
  }

  #floats(value: ArrayValue): Float32Array {
    return value.data as Float32Array;
  }
}
