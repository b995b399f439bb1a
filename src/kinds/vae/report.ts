/** Gathers what a report shows from a run, its trained model and held-out data. */
import { type Dataset, take } from "../../data/index.ts";
import type { RunFolder } from "../../files/index.ts";
import { countParameters } from "../../nn/index.ts";
import {
  type BoundFigures,
  type ImageStack,
  imageStack,
  type Measured,
  type ReportData,
  type Traversals,
} from "../../report/index.ts";
import { readHistory } from "../history.ts";
import type { RunSettings } from "../run-settings.ts";
import type { TrainSettings, VaeModelSettings } from "./settings.ts";
import { tableFigures } from "./table-report.ts";
import type { Trained } from "./trained.ts";

/** At most so many dimensions are traversed. */
const MOST_DIMENSIONS = 10;
/** At most so many rows are shown in latent space. */
export const MOST_POINTS = 2000;

/** At most `most` latent dimensions, by decreasing KL (for an autoencoder, by decreasing variance of the code). */
export function mostActive(
  { klPerDimension, activity = [] }: Pick<BoundFigures, "klPerDimension" | "activity">,
  most = MOST_DIMENSIONS,
): readonly number[] {
  const by = klPerDimension ?? activity;
  return by
    .map((_, dimension) => dimension)
    .sort((a, b) => by[b] - by[a])
    .slice(0, most);
}

/** Settings of a run that has a VAE: a VAE's or M1's. */
export type VaeRun = RunSettings & {
  readonly model: VaeModelSettings;
  readonly train: Partial<TrainSettings>;
};

/** Words of a report for the kinds that have a VAE. */
export interface Wording {
  readonly title: string;
  readonly introduction: string;
  readonly curves: string;
  /** What made the codes without seeing labels. */
  readonly blind: string;
}

/** Numbers of test images shown with their reconstructions, and of draws from the prior. */
const RECONSTRUCTIONS = 20;
const SAMPLES = 100;

/**
 * All that a report of the run shows. There are no pictures if the rows are not images, and no draws or traversals if the model has no
 * prior.
 */
export async function reportData(
  run: RunFolder & { readonly settings: VaeRun },
  trained: Trained,
  {
    rows,
    part,
    measured,
  }: { readonly rows: Dataset; readonly part: "test" | "training"; readonly measured: Measured },
  { title, introduction, curves, blind }: Wording,
): Promise<ReportData> {
  const { settings } = run;
  const { model } = trained;
  const history = readHistory(run);
  const points = Math.min(MOST_POINTS, rows.rows);
  const { means } = measured.bound;
  return {
    title: `${title} on ${settings.data.name}`,
    subtitle: describeModel(settings),
    command: settings.command,
    createdAt: settings.createdAt,
    version: settings.version,
    introduction,
    curves,
    part,
    config: { ...settings.model, ...settings.train, data: settings.data },
    summary: {
      latent: model.latent,
      parameters: countParameters(model.parameters.map(({ tensor }) => tensor)),
      trainRows: settings.data.trainRows,
      testRows: rows.rows,
      trainings: [{ name: "Training time", seconds: history.at(-1)?.seconds ?? 0 }],
    },
    history,
    measured,
    ...(await pictures(trained, rows, measured.bound)),
    ...(settings.data.table && (await tableFigures(trained, rows, settings.data.table.preprocessing))),
    ...(means && {
      latent: {
        points: means.subarray(0, points * model.latent),
        dimensions: model.latent,
        blind,
        prior: model.kind === "vae",
        ...(rows.labels && { labels: rows.labels.subarray(0, points) }),
        ...(rows.classes && { classes: rows.classes }),
      },
    }),
  };
}

async function pictures(
  trained: Trained,
  rows: Dataset,
  bound: BoundFigures,
): Promise<Pick<ReportData, "originals" | "reconstructions" | "samples" | "traversals">> {
  const { shape, kind } = trained.model;
  if (imageStack(new Float32Array(0), shape) === undefined) return {};
  const images = (pixels: Float32Array) => imageStack(pixels, shape) as ImageStack;
  const count = Math.min(RECONSTRUCTIONS, rows.rows);
  const pairs = await trained.reconstruct(
    take(rows, count),
    Array.from({ length: count }, (_, i) => i),
  );
  const beside = { originals: images(pairs.originals), reconstructions: images(pairs.reconstructions) };
  if (kind !== "vae") return beside;
  const traversal = await trained.traverse(mostActive(bound));
  const traversals: Traversals = { ...traversal, images: images(traversal.pixels) };
  return { ...beside, samples: images(await trained.sample(SAMPLES, trained.settings.seed)), traversals };
}

/** `784–400–20, relu, bernoulli likelihood, dynamic binarisation`. */
function describeModel({ model, train }: VaeRun): string {
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
