/** What a report shows for a model with class and style: analogies, samples of each class, the styles. */
import { ArrayValue, compile } from "../../compile/index.ts";
import { type Dataset, hasLabels, rowSize, rowsOf } from "../../data/index.ts";
import type { ParameterValues } from "../../models/index.ts";
import { type ClassImages, type ImageStack, imageStack, type LatentPoints } from "../../report/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { ClassifiedData } from "../classification/least-sure.ts";
import { MOST_POINTS } from "../vae/report.ts";
import type { ClassifyingModel, TrainedClassifier } from "./trained.ts";

/** A model with class and style, as functions of tensors. */
export interface ClassStyle {
  readonly classes: number;
  /** Dimensions of the style. */
  readonly latent: number;
  /** The mean of q(z|x, y): x [rows, features], one-hot y [rows, classes] to [rows, latent]. */
  style(x: Tensor, y: Tensor): Tensor;
  /** The mean of x under y and z: [rows, features]. */
  draw(y: Tensor, z: Tensor): Tensor;
}

/** M2, or M2 over the means of M1's posterior. */
export const classStyleOf = (model: ClassifyingModel): ClassStyle => {
  const { classes, latent } = model;
  return {
    classes,
    latent,
    style: (x, y) => (model.kind === "m2" ? model.encode(x, y) : model.m2.encode(model.encode(x), y)).mean(),
    draw: (y, z) => model.decode(y, z).mean(),
  };
};

export interface ClassFigureOptions {
  readonly parameters: ParameterValues;
  /** Training rows whose label the model saw. */
  readonly labelled?: Dataset;
  readonly threads?: number;
}

/** At most so many styles are drawn in every class, and so many classes. */
const MOST_ROWS = 10;
const MOST_CLASSES = 20;
/** Samples of each class. */
const COLUMNS = 10;
/** At most so many labelled rows are marked among the codes. */
const MOST_LABELLED = 300;

/**
 * Analogies, if rows are images, and the styles of data.
 *
 * @example
 * const { analogies, style } = await styleFigures(classStyleOf(m2), classified, { parameters, labelled });
 */
export async function styleFigures(
  model: ClassStyle,
  data: ClassifiedData,
  { labelled, ...options }: ClassFigureOptions,
): Promise<{ readonly analogies?: ClassImages; readonly style: LatentPoints }> {
  const style = compile((x, y) => model.style(x, y), options);
  const draw = compile((y, z) => model.draw(y, z), options);
  const points = await codesOf(style, model.latent, data, labelled);
  const pictured = imageStack(new Float32Array(0), data.dataset.shape) !== undefined;
  return { ...(pictured && { analogies: await analogies({ style, draw }, model, data) }), style: points };
}

type Compiled = (...feeds: ArrayValue[]) => Promise<ArrayValue>;

const matrix = (values: Float32Array, columns: number): ArrayValue =>
  new ArrayValue([values.length / columns, columns], "float32", values);

const floats = ({ data }: ArrayValue): Float32Array => data as Float32Array;

/** One-hot rows. */
const oneHot = (labels: ArrayLike<number>, classes: number): ArrayValue => {
  const y = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) y[i * classes + labels[i]] = 1;
  return matrix(y, classes);
};

/** Rows of a dataset, in model units. */
const gather = (dataset: Dataset, rows: readonly number[]): Float32Array =>
  rowsOf(dataset, rows, new Float32Array(rows.length * rowSize(dataset.shape)));

async function analogies(
  { style, draw }: { readonly style: Compiled; readonly draw: Compiled },
  { latent }: ClassStyle,
  { dataset, classes, predicted }: ClassifiedData,
): Promise<ClassImages> {
  const width = rowSize(dataset.shape);
  const shown = Math.min(classes.length, MOST_CLASSES);
  const known = dataset.labels && hasLabels(dataset) ? dataset.labels : predicted;
  const rows = analogyRows(known, classes.length);
  const x = gather(dataset, rows);
  const y = rows.map((row) => predicted[row]);
  const styles = floats(await style(matrix(x, width), oneHot(y, classes.length)));
  // Every style in every class shown.
  const z = new Float32Array(rows.length * shown * latent);
  for (let i = 0; i < rows.length * shown; i++) {
    const from = Math.floor(i / shown) * latent;
    z.set(styles.subarray(from, from + latent), i * latent);
  }
  const labels = Array.from({ length: rows.length * shown }, (_, i) => i % shown);
  const drawn = floats(await draw(oneHot(labels, classes.length), matrix(z, latent)));
  const pixels = new Float32Array(rows.length * (1 + shown) * width);
  rows.forEach((_, i) => {
    const at = i * (1 + shown) * width;
    pixels.set(x.subarray(i * width, (i + 1) * width), at);
    pixels.set(drawn.subarray(i * shown * width, (i + 1) * shown * width), at + width);
  });
  return { images: imageStack(pixels, dataset.shape) as ImageStack, classes: classes.slice(0, shown) };
}

/** The rows whose style the analogies show: the first of each class in turn, so that sorted data show more than one class. */
export function analogyRows(labels: Int32Array, classes: number, most = MOST_ROWS): readonly number[] {
  const seen = new Array<number>(classes).fill(0);
  return Array.from(labels.keys())
    .filter((row) => labels[row] >= 0)
    .map((row) => ({ row, turn: seen[labels[row]]++ }))
    .sort((a, b) => a.turn - b.turn || labels[a.row] - labels[b.row])
    .slice(0, most)
    .map(({ row }) => row);
}

/** Draws of each class in a row, with the same style down each column; undefined if rows are not images. */
export async function classSamples(
  trained: Pick<TrainedClassifier, "classes" | "sample">,
  shape: readonly number[],
  seed: number,
): Promise<ClassImages | undefined> {
  const drawn = imageStack(await trained.sample(COLUMNS, seed), shape);
  if (drawn === undefined) return undefined;
  const classes = trained.classes.slice(0, MOST_CLASSES);
  const count = classes.length * COLUMNS;
  const { height, width, channels } = drawn;
  return {
    images: { ...drawn, count, pixels: drawn.pixels.subarray(0, count * height * width * channels) },
    classes,
  };
}

/**
 * Codes of the first rows, given their predicted class, then of labelled training rows, given their label.
 *
 * @param encode x and one-hot y to codes [rows, dimensions]
 */
export async function codesOf(
  encode: (x: ArrayValue, y: ArrayValue) => Promise<ArrayValue>,
  dimensions: number,
  { dataset, classes, predicted }: ClassifiedData,
  labelled?: Dataset,
): Promise<LatentPoints> {
  const ringed = Math.min(labelled?.rows ?? 0, MOST_LABELLED);
  const test = firstRows(Math.min(dataset.rows, MOST_POINTS - ringed));
  const given = labelled?.labels;
  const parts = [
    { dataset, rows: test, y: predicted, labels: dataset.labels },
    ...(labelled && given ? [{ dataset: labelled, rows: firstRows(ringed), y: given, labels: given }] : []),
  ];
  const total = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  const points = new Float32Array(total * dimensions);
  const labels = new Int32Array(total).fill(-1);
  let at = 0;
  for (const part of parts) {
    const x = matrix(gather(part.dataset, part.rows), rowSize(dataset.shape));
    const z = await encode(x, oneHot(part.y.subarray(0, part.rows.length), classes.length));
    points.set(floats(z), at * dimensions);
    if (part.labels !== undefined) labels.set(part.labels.subarray(0, part.rows.length), at);
    at += part.rows.length;
  }
  return {
    points,
    dimensions,
    ...((dataset.labels ?? given) && { labels }),
    classes,
    labelled: total - test.length,
  };
}

const firstRows = (count: number): readonly number[] => Array.from({ length: count }, (_, row) => row);
