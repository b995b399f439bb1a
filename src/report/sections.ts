import { html } from "hono/html";
import type { PointTold } from "./figure.ts";
import { capital, counted, decimal, whole } from "./format.ts";
import type { EncodedImage } from "./image-grid.ts";
import { datum, part } from "./opening.ts";
import { figure, forScreens, type Markup, picture } from "./page.ts";
import { reconstructionBands, samplePicture, traversalCells } from "./pictures.ts";
import { ACTIVE_UNIT_THRESHOLD, activityFigure, klFigure } from "./plots.ts";
import { type ProjectionMethod, project } from "./projection.ts";
import { type Sprite, spriteMarkup, spriteOf } from "./row-pictures.ts";
import { scatterFigure } from "./scatter.ts";
import type { LatentPoints, ReportData } from "./types.ts";

/** KL and activity per latent dimension. */
export const dimensions = async (data: ReportData): Promise<Markup | undefined> => {
  const { klPerDimension: kl, activity } = data.measured.bound;
  if (kl === undefined && activity === undefined) return undefined;
  const charts = [
    kl && (await forScreens((width) => klFigure({ kl, width, ...(activity && { activity }) }))),
    activity && (await forScreens((width) => activityFigure({ activity, width, ...(kl && { kl }) }))),
  ];
  return html`<h2>Information in the latent dimensions</h2>
${figure(
  html`<div class="stacked">${charts}</div>`,
  html`${kl && html`Each bar is the information, in nats, that one dimension gives the decoder about ${datum(data) === "image" ? "an image" : "a row"}. A bar near zero is a dimension whose posterior equals the prior, so it carries none. `}${activity && html`A unit is called active when its posterior mean varies by more than ${ACTIVE_UNIT_THRESHOLD} over the ${part(data)} set (Burda et al., 2015): inactive units below the line are common and do no harm, but if all are inactive the code is not used at all.`}`,
)}`;
};

export const reconstructions = (data: ReportData): Markup | undefined => {
  if (data.originals === undefined || data.reconstructions === undefined) return undefined;
  if (data.originals.count === 0 || data.reconstructions.count === 0) return undefined;
  const bands = reconstructionBands(data.originals, data.reconstructions).map(
    ({ original, reconstruction }) => html`<div class="band">
<span>original</span>${picture(original, `${capital(part(data))} images`)}
<span>reconstruction</span>${picture(reconstruction, "Their reconstructions")}</div>`,
  );
  return html`<h2>Reconstructions</h2>
${figure(bands, html`${capital(part(data))} images above their reconstructions from ${counted(data.summary.latent, "number")}. Strokes that blur or vanish are not stored in the code. An image reconstructed as another class shows that the two classes overlap in latent space.`)}`;
};

export const samples = (data: ReportData): Markup | undefined => {
  if (data.samples === undefined || data.samples.count === 0) return undefined;
  return html`<h2>Samples</h2>
${figure(picture(samplePicture(data.samples), "Images decoded from draws of the prior"), html`Codes drawn from the prior and decoded, without looking at any image. If samples are much worse than reconstructions, the encoder leaves parts of the prior unused. If all samples look alike, the posterior has probably collapsed.`)}`;
};

export const traversals = (data: ReportData): Markup | undefined => {
  const { traversals: t, measured } = data;
  const kl = measured.bound.klPerDimension;
  if (t === undefined || t.images.count === 0) return undefined;
  const cells = traversalCells(t);
  const row = (dimension: number, images: readonly EncodedImage[]): Markup => html`<tr>
<th scope="row"><i>z</i><sub>${dimension}</sub>${kl?.[dimension] !== undefined && html` <small>${decimal(kl[dimension])}</small>`}</th>
${images.map((image) => html`<td>${picture(image, "")}</td>`)}</tr>`;
  return html`<h2>Latent traversals</h2>
${figure(
  html`<table class="traversal"><thead><tr><th scope="col"><i>z</i> =</th>${t.values.map((value) => html`<th scope="col">${decimal(value)}</th>`)}</tr></thead>
<tbody>${t.dimensions.map((dimension, i) => row(dimension, cells[i] ?? []))}</tbody></table>`,
  html`Each row moves one dimension through the values above the columns, in standard deviations of the prior, with all others at zero${kl !== undefined && html`; the small number is the dimension's KL in nats`}. A row that changes smoothly shows a learnt factor of variation. A row that does not change shows an inactive unit.`,
)}`;
};

/** The test set in two dimensions: its codes and, for a model with classes, its styles. */
export const latentSpaces = async (data: ReportData, options: Flattening): Promise<Markup | undefined> => {
  const { latent, style, classification } = data;
  const sprite = data.rows && spriteOf(data.rows);
  const blind = latent?.blind === undefined ? "" : `, which ${latent.blind} never saw`;
  const spaces = [
    latent &&
      (await space(data, latent, sprite, options, {
        title: `The ${part(data)} set in latent space`,
        codes: "codes",
        named: true,
        reading: latent.labels
          ? html`Colours are the labels${blind}.`
          : html`The data have no labels, so there is only one colour.`,
      })),
    style &&
      (await space(data, style, sprite, options, {
        title: `The ${part(data)} set by style`,
        codes: "styles",
        named: false,
        reading: html`Style is what q(z | x, y) finds in ${datum(data) === "image" ? "an image" : "a row"} beyond its class. If the colours mix, style is independent of the class, as the model assumes. If a colour is separate, that class has a style that the others do not share.`,
      })),
  ].filter((figure) => figure !== undefined);
  if (spaces.length === 0) return undefined;
  return html`<h2>Latent space${classification !== undefined && spaces.length > 1 && "s"}</h2>
${sprite && spriteMarkup(sprite)}${spaces}`;
};

interface Flattening {
  readonly projection: ProjectionMethod;
  readonly seed: number;
}

const space = async (
  data: ReportData,
  points: LatentPoints,
  sprite: Sprite | undefined,
  { projection: method, seed }: Flattening,
  {
    title,
    codes,
    named,
    reading,
  }: { readonly title: string; readonly codes: string; readonly named: boolean; readonly reading: Markup },
): Promise<Markup | undefined> => {
  if (points.points.length === 0) return undefined;
  const projection = await project(points.points, points.dimensions, { method, seed });
  if (projection.rows.length === 0) {
    return html`<p class="note">No row of the ${part(data)} set has finite ${codes}, so there is nothing to draw.</p>`;
  }
  const { labels, classes, labelled = 0 } = points;
  const total = points.points.length / points.dimensions;
  const ringed = Array.from(projection.rows.keys()).filter((i) => projection.rows[i] >= total - labelled);
  const withPrior = (points.prior ?? true) && projection.method === "identity" && points.dimensions === 2;
  const told = Array.from(projection.rows, (row) =>
    row < total - labelled ? pointTold(data, sprite, row, labels?.[row], classes) : undefined,
  );
  const every = Math.max(1, Math.ceil(told.length / MOST_TOLD_ON_A_PHONE));
  const svg = await forScreens((width) =>
    scatterFigure({
      title,
      points: projection.points,
      axes: projection.axes,
      ticks: projection.method !== "umap",
      ringed,
      named,
      told: told.map((one, i) => (width >= 500 || i % every === 0 ? one : undefined)),
      width,
      ...(labels && { labels: projection.rows.map((row) => labels[row] ?? -1) }),
      ...(classes && { classes }),
      ...(withPrior && { priorRadius: 2 }),
    }),
  );
  const all = part(data) === "test" ? data.summary.testRows : data.summary.trainRows;
  const shown = projection.rows.length - ringed.length;
  const how = {
    identity: html`at the mean of their ${codes}. ${withPrior && html`The dashed circle, of radius 2, contains 86 % of the prior. Samples from empty regions inside it will be poor.`}`,
    umap: html`at the means of their ${points.dimensions}-dimensional ${codes}, projected by UMAP (McInnes et al., 2018), which keeps neighbours together: you can see which points are close, but the axes and the distances between clusters mean nothing.`,
    pca: html`at the means of their ${points.dimensions}-dimensional ${codes}, projected on the two directions in which they vary most. Variation in the other directions is not visible.`,
  }[projection.method];
  const ringsNote =
    ringed.length > 0
      ? html` Rings mark ${counted(ringed.length, `training ${datum(data)}`)} whose label the model saw.`
      : "";
  const pointing =
    data.rows === undefined
      ? ""
      : html` Point at a dot, or tap it, to see which ${datum(data)} it is${sprite && ", and its picture"}.`;
  return figure(
    svg,
    html`${shown < all ? `${whole(shown)} of ${whole(all)}` : `All ${whole(all)}`} ${part(data)} ${datum(data)}s ${how} ${reading}${ringsNote}${pointing}`,
  );
};

/** On a phone dots lie close, and fewer are told apart. */
const MOST_TOLD_ON_A_PHONE = 600;

/** What a point is: the row's name, its class, its picture. */
const pointTold = (
  { rows }: ReportData,
  sprite: Sprite | undefined,
  row: number,
  label: number | undefined,
  classes: readonly string[] | undefined,
): PointTold | undefined => {
  const name = rows?.names[row];
  if (name === undefined) return undefined;
  const group = label === undefined || label < 0 ? undefined : (classes?.[label] ?? String(label));
  const text = group === undefined ? name : `${name}, ${group}`;
  if (sprite === undefined || row >= sprite.count) return { text };
  const [left, top] = sprite.at(row);
  const { id, width, height } = sprite;
  return { text, picture: { id, left, top, width, height } };
};
