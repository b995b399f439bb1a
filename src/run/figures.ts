/** Gathers what a report shows from a run, its trained model and held-out data. */
import { type Dataset, take } from "../data/index.ts";
import { countParameters } from "../nn/index.ts";
import type { ImageStack, ReportData, ReportSummary, Traversals } from "../report/types.ts";
import type { RunFolder } from "../train/run-folder.ts";
import { type Assessment, assess } from "./assess.ts";
import { readHistory } from "./history.ts";
import { imageStack } from "./image-stack.ts";
import type { M1RunSettings, VaeRunSettings } from "./settings.ts";
import type { Evaluation, Trained } from "./trained.ts";

/** What a report's pictures show. */
export interface FigureOptions {
  /** Whether the rows shown were held out of training. Default "test". */
  readonly part?: ReportData["part"];
  /** Figures that are known already; computed with their defaults where absent. */
  readonly assessment?: Assessment;
  /** Test images shown beside their reconstructions. Default 20. */
  readonly reconstructions?: number;
  /** Draws from the prior. Default 100. */
  readonly samples?: number;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

/** Dimensions that are traversed at most. */
const MOST_DIMENSIONS = 10;
/** Rows shown in latent space at most. */
export const MOST_POINTS = 2000;

/** Latent dimensions by decreasing KL (of an autoencoder, by decreasing variance of the code), `most` at most. */
export function mostActive(
  { klPerDimension, activity }: Pick<Evaluation, "klPerDimension" | "activity">,
  most = MOST_DIMENSIONS,
): readonly number[] {
  const by = klPerDimension ?? activity;
  return by
    .map((_, dimension) => dimension)
    .sort((a, b) => by[b] - by[a])
    .slice(0, most);
}

/**
 * Everything that a report of the run shows. Pictures are left out where the rows are no images, draws and traversals where
 * the model has no prior.
 */
export async function reportData(
  run: RunFolder & { readonly settings: VaeRunSettings | M1RunSettings },
  trained: Trained,
  test: Dataset,
  options: FigureOptions = {},
): Promise<ReportData> {
  const { settings } = run;
  const { model } = trained;
  const { part = "test" } = options;
  const assessment = options.assessment ?? (await assess(trained, test));
  const { evaluation } = assessment;
  const history = readHistory(run);
  const points = Math.min(MOST_POINTS, test.rows);
  return {
    title: `${model.kind === "vae" ? "Variational autoencoder" : "Autoencoder"} on ${settings.data.name}`,
    subtitle: describeModel(settings),
    command: settings.command,
    createdAt: settings.createdAt,
    version: settings.version,
    model: model.kind,
    part,
    config: { ...settings.model, ...settings.train, data: settings.data },
    summary: summaryOf(settings, trained, assessment, history.at(-1)?.seconds ?? 0),
    history,
    ...(evaluation.klPerDimension && { klPerDimension: evaluation.klPerDimension }),
    activity: evaluation.activity,
    ...(await pictures(trained, test, evaluation, options)),
    latent: {
      points: evaluation.means.subarray(0, points * model.latent),
      dimensions: model.latent,
      ...(test.labels && { labels: test.labels.subarray(0, points) }),
      ...(test.classes && { classes: test.classes }),
    },
  };
}

async function pictures(
  trained: Trained,
  test: Dataset,
  evaluation: Evaluation,
  options: FigureOptions,
): Promise<Pick<ReportData, "originals" | "reconstructions" | "samples" | "traversals">> {
  const { shape, kind } = trained.model;
  if (imageStack(new Float32Array(0), shape) === undefined) return {};
  const images = (pixels: Float32Array) => imageStack(pixels, shape) as ImageStack;
  const count = Math.min(options.reconstructions ?? 20, test.rows);
  const pairs = await trained.reconstruct(
    take(test, count),
    Array.from({ length: count }, (_, i) => i),
  );
  const beside = { originals: images(pairs.originals), reconstructions: images(pairs.reconstructions) };
  if (kind !== "vae") return beside;
  const traversal = await trained.traverse(mostActive(evaluation));
  const traversals: Traversals = { ...traversal, images: images(traversal.pixels) };
  return {
    ...beside,
    samples: images(await trained.sample(options.samples ?? 100, options.seed ?? 0)),
    traversals,
  };
}

function summaryOf(
  settings: VaeRunSettings | M1RunSettings,
  trained: Trained,
  { evaluation, rows, likelihood }: Assessment,
  seconds: number,
): ReportSummary {
  const { elbo, kl, reconstruction, activeUnits } = evaluation;
  return {
    ...(elbo !== undefined && { elbo }),
    ...(kl !== undefined && { kl }),
    reconstruction,
    activeUnits,
    ...(likelihood && {
      logLikelihood: likelihood.logLikelihood,
      importanceSamples: likelihood.importanceSamples,
      logLikelihoodRows: likelihood.rows,
      importanceWeighted: Object.entries(likelihood.bounds).map(([k, value]) => ({
        samples: Number(k),
        value,
      })),
    }),
    latent: trained.model.latent,
    parameters: countParameters(trained.model.parameters.map(({ tensor }) => tensor)),
    trainRows: settings.data.trainRows,
    testRows: rows,
    seconds,
  };
}

/** `784–400–20, relu, bernoulli likelihood, dynamic binarisation`. */
function describeModel({ model, train }: VaeRunSettings | M1RunSettings): string {
  const widths = [model.shape.join("×"), ...model.hidden, model.latent].join("–");
  const parts = [
    `${model.network === "mlp" ? "" : "convolutional "}${widths}`,
    model.activation,
    `${model.likelihood} likelihood`,
    ...(train.binarize === "none" ? [] : [`${train.binarize} binarisation`]),
    ...(train.bound === "iwae" ? [`importance-weighted bound of ${train.samples} samples`] : []),
  ];
  return parts.join(", ");
}
