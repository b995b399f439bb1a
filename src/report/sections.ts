import { html, raw } from "hono/html";
import { counted, dateTime, decimal, duration, whole } from "./format.ts";
import type { EncodedImage } from "./image-grid.ts";
import { figure, type Markup } from "./page.ts";
import { reconstructionBands, samplePicture, traversalCells } from "./pictures.ts";
import {
  ACTIVE_UNIT_THRESHOLD,
  activityFigure,
  klFigure,
  lineFigure,
  type Series,
  scatterFigure,
} from "./plots.ts";
import { type ProjectionMethod, project } from "./projection.ts";
import type { EpochRecord, ReportData } from "./types.ts";

/** What a datum of this report is called. */
const datum = (data: ReportData): string =>
  data.originals !== undefined || data.samples !== undefined ? "image" : "row";

const picture = ({ png, width, height }: EncodedImage, alt: string): Markup =>
  html`<img src="data:image/png;base64,${Buffer.from(png).toString("base64")}" width="${width}" height="${height}" alt="${alt}">`;

/** Title, byline, one paragraph of findings, and the headline figures. */
export const opening = (data: ReportData): Markup => {
  const { summary: s } = data;
  const unit = `nats per ${datum(data)}`;
  const card = (name: string, value: string, note: string): Markup =>
    html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;
  const cards = [
    s.elbo !== undefined && card("Test ELBO", decimal(s.elbo), unit),
    s.logLikelihood !== undefined &&
      card(
        "Log-likelihood",
        decimal(s.logLikelihood),
        s.importanceSamples === undefined
          ? `${unit}, estimated`
          : `${unit}, ${whole(s.importanceSamples)} importance samples${s.logLikelihoodRows === undefined || s.logLikelihoodRows === s.testRows ? "" : `, first ${whole(s.logLikelihoodRows)} test ${datum(data)}s`}`,
      ),
    card("Reconstruction", decimal(s.reconstruction), `${unit}, expected log\u00a0p(x\u00a0|\u00a0z)`),
    s.kl !== undefined && card("KL divergence", decimal(s.kl), `${unit}, code against prior`),
    s.activeUnits !== undefined &&
      card("Active units", `${s.activeUnits} of ${s.latent}`, "latent dimensions in use"),
    s.activeUnits === undefined && card("Latent dimensions", whole(s.latent), "size of the code"),
    s.elbo !== undefined &&
      card("Held-out data", whole(s.testRows), `test ${datum(data)}s, never trained on`),
    card("Parameters", whole(s.parameters), "weights and biases"),
    card(
      "Training time",
      duration(s.seconds),
      `${counted(data.history.length, "epoch")} of ${counted(s.trainRows, datum(data))}`,
    ),
  ];
  const kind = data.model === "vae" ? "variational autoencoder" : "deterministic autoencoder";
  return html`<header>
<h1>${data.title}</h1>
${data.subtitle !== undefined && html`<p class="subtitle">${data.subtitle}</p>`}
<p class="byline">${dateTime(data.createdAt)} · Tightbound ${data.version}</p>
</header>
<p class="abstract">A ${kind} with ${counted(s.latent, "latent dimension")}, fitted to ${counted(s.trainRows, datum(data))} and judged on ${whole(s.testRows)} it has never seen.
${s.elbo !== undefined && html`Its lower bound on the log-likelihood of a test ${datum(data)} averages ${decimal(s.elbo)} nats${s.kl !== undefined && html`: ${decimal(s.reconstruction)} for the reconstruction less ${decimal(s.kl)} for the code`}.`}
${s.logLikelihood !== undefined && html`The importance-weighted estimate of the log-likelihood itself is ${decimal(s.logLikelihood)} nats; the closer the bound comes to it, the closer the encoder is to the true posterior.`}
${s.importanceWeighted !== undefined && s.importanceWeighted.length > 0 && html`Between the two lie the importance-weighted bounds: ${s.importanceWeighted.map(({ samples: k, value }, i) => html`${i > 0 && ", "}${decimal(value)} with ${counted(k, "sample")}`)}${s.logLikelihoodRows !== undefined && s.logLikelihoodRows !== s.testRows && html` (these and the estimate are averages over the first ${whole(s.logLikelihoodRows)} test ${datum(data)}s, so the ELBO, which is over all ${whole(s.testRows)}, may sit a little aside)`}.`}
</p>
<dl class="figures">${cards}</dl>`;
};

/** The bound and its terms over epochs. */
export const learning = async (data: ReportData): Promise<Markup | undefined> => {
  const { history } = data;
  const yLabel = `nats per ${datum(data)}`;
  const pick = (
    name: string,
    of: (record: EpochRecord) => number | undefined,
    role: Series["role"],
  ): Series => ({
    name,
    role,
    x: history.map((record) => record.epoch),
    y: history.map(of),
  });
  const panel = async (
    title: string,
    term: "elbo" | "loss" | "reconstruction" | "kl",
    extra: readonly Series[] = [],
  ) => {
    const series = [
      pick("train", (record) => record.train[term], "train"),
      pick("test", (record) => record.test?.[term], "test"),
      ...extra,
    ].filter(({ y }) => y.some((value) => value !== undefined && Number.isFinite(value)));
    return series.length === 0 ? undefined : raw(await lineFigure({ title, yLabel, series }));
  };
  const likelihood = pick("log p(x)", (record) => record.test?.logLikelihood, "extra");
  const bound = await panel("ELBO", "elbo", [likelihood]);
  const panels = [
    bound ?? (await panel("Loss", "loss")),
    await panel("Reconstruction", "reconstruction"),
    await panel("KL divergence", "kl"),
  ].filter((svg) => svg !== undefined);
  if (panels.length === 0) {
    return html`<h2>Learning</h2><p class="note">No epoch left a finite value behind, so there are no curves to draw.</p>`;
  }
  const broken = history.filter((record) =>
    [...Object.values(record.train), ...Object.values(record.test ?? {})].some(
      (value) => !Number.isFinite(value),
    ),
  ).length;
  const caption =
    data.model === "vae"
      ? html`The evidence lower bound (higher is better) is the reconstruction term less the KL term. The test curve is the one to trust: where it turns down while the train curve still rises, the model has begun to memorise. The KL term is what the code costs, in nats; if it sinks to zero the decoder has learnt to ignore the code, which is called posterior collapse.`
      : html`The training objective and the log-likelihood of the reconstruction after each epoch. The test curve is the one to trust: where it worsens while the train curve still improves, the model has begun to memorise.`;
  return html`<h2>Learning</h2>
${figure(html`<div class="panels">${panels}</div>`, html`${caption}${broken > 0 && html` In ${broken} of ${history.length} epochs a value was not finite; the curves break there.`}`)}
${epochTable(history)}`;
};

const epochTable = (history: readonly EpochRecord[]): Markup => {
  const last = history.at(-1);
  const bound = last?.train.elbo === undefined ? "loss" : "elbo";
  const columns: readonly [string, (record: EpochRecord) => string][] = [
    ["epoch", (r) => whole(r.epoch)],
    [`train ${bound === "elbo" ? "ELBO" : "loss"}`, (r) => decimal(r.train[bound], 2)],
    [`test ${bound === "elbo" ? "ELBO" : "loss"}`, (r) => decimal(r.test?.[bound], 2)],
    ["test reconstruction", (r) => decimal(r.test?.reconstruction, 2)],
    ["test KL", (r) => decimal(r.test?.kl, 2)],
    ["active units", (r) => (r.activeUnits === undefined ? "–" : whole(r.activeUnits))],
    ["time", (r) => duration(r.seconds)],
  ];
  const filled = columns.filter(([, of]) => history.some((record) => of(record) !== "–"));
  return html`<details><summary>The same figures as a table</summary><div class="scroll"><table class="numbers">
<thead><tr>${filled.map(([name]) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${history.map((record) => html`<tr>${filled.map(([, of]) => html`<td>${of(record)}</td>`)}</tr>`)}</tbody>
</table></div></details>`;
};

/** KL and activity per latent dimension. */
export const dimensions = async (data: ReportData): Promise<Markup | undefined> => {
  const { klPerDimension: kl, activity } = data;
  if (kl === undefined && activity === undefined) return undefined;
  const charts = [
    kl && raw(await klFigure({ kl, ...(activity && { activity }) })),
    activity && raw(await activityFigure({ activity, ...(kl && { kl }) })),
  ];
  return html`<h2>What the latent dimensions carry</h2>
${figure(
  html`<div class="stacked">${charts}</div>`,
  html`${kl && html`Each bar is what one dimension tells the decoder about ${datum(data) === "image" ? "an image" : "a row"}, in nats; a bar near zero is a dimension whose posterior has fallen back onto the prior and carries nothing. `}${activity && html`A unit is called active when its posterior mean varies by more than ${ACTIVE_UNIT_THRESHOLD} over the test set (Burda et al., 2015): idle units below the line are common and cost nothing, but if all lie there the code is not used at all.`}`,
)}`;
};

export const reconstructions = (data: ReportData): Markup | undefined => {
  if (data.originals === undefined || data.reconstructions === undefined) return undefined;
  if (data.originals.count === 0 || data.reconstructions.count === 0) return undefined;
  const bands = reconstructionBands(data.originals, data.reconstructions).map(
    ({ original, reconstruction }) => html`<div class="band">
<span>original</span>${picture(original, "Test images")}
<span>reconstruction</span>${picture(reconstruction, "Their reconstructions")}</div>`,
  );
  return html`<h2>Reconstructions</h2>
${figure(bands, html`Test images above what is left of them after a passage through ${counted(data.summary.latent, "number")}. Strokes that blur or vanish are what the code could not afford to keep; an image rebuilt as another class shows where two classes share a place in latent space.`)}`;
};

export const samples = (data: ReportData): Markup | undefined => {
  if (data.samples === undefined || data.samples.count === 0) return undefined;
  return html`<h2>Samples</h2>
${figure(picture(samplePicture(data.samples), "Images decoded from draws of the prior"), html`Codes drawn from the prior and decoded: no image was looked at. Samples much worse than the reconstructions mean that the encoder leaves parts of the prior unused; samples that all look alike are a sign of collapse.`)}`;
};

export const traversals = (data: ReportData): Markup | undefined => {
  const { traversals: t, klPerDimension: kl } = data;
  if (t === undefined || t.images.count === 0) return undefined;
  const cells = traversalCells(t);
  const row = (dimension: number, images: readonly EncodedImage[]): Markup => html`<tr>
<th scope="row"><i>z</i><sub>${dimension}</sub>${kl?.[dimension] !== undefined && html` <small>${decimal(kl[dimension])}</small>`}</th>
${images.map((image) => html`<td>${picture(image, "")}</td>`)}</tr>`;
  return html`<h2>Latent traversals</h2>
${figure(
  html`<table class="traversal"><thead><tr><th scope="col"><i>z</i> =</th>${t.values.map((value) => html`<th scope="col">${decimal(value)}</th>`)}</tr></thead>
<tbody>${t.dimensions.map((dimension, i) => row(dimension, cells[i] ?? []))}</tbody></table>`,
  html`Each row moves one dimension through the values at the head of the columns, in standard deviations of the prior, while all others rest at zero${kl !== undefined && html`; the small number is the dimension's KL in nats`}. A row that changes smoothly is a learnt factor of variation; a row that does not change is an idle unit.`,
)}`;
};

/** The test set in two dimensions. */
export const latentSpace = async (
  data: ReportData,
  options: { readonly projection: ProjectionMethod; readonly seed: number },
): Promise<Markup | undefined> => {
  const { latent } = data;
  if (latent === undefined || latent.points.length === 0) return undefined;
  const projection = await project(latent.points, latent.dimensions, {
    method: options.projection,
    seed: options.seed,
  });
  if (projection.rows.length === 0) {
    return html`<h2>Latent space</h2><p class="note">No row of the test set has a finite code, so there is nothing to draw.</p>`;
  }
  const { labels, classes } = latent;
  const withPrior = data.model === "vae" && projection.method === "identity" && latent.dimensions === 2;
  const svg = await scatterFigure({
    title: "The test set in latent space",
    points: projection.points,
    axes: projection.axes,
    ticks: projection.method !== "umap",
    ...(labels && { labels: projection.rows.map((row) => labels[row] ?? -1) }),
    ...(classes && { classes }),
    ...(withPrior && { priorRadius: 2 }),
  });
  const total = latent.points.length / latent.dimensions;
  const shown =
    projection.rows.length < total
      ? `${whole(projection.rows.length)} of ${whole(total)} test ${datum(data)}s`
      : `All ${whole(total)} test ${datum(data)}s`;
  const reading = {
    identity: html`${shown} at the mean of their codes. ${withPrior && html`The dashed circle, of radius 2, holds 86 % of the prior: ground inside it that no point covers is ground from which samples come out badly.`}`,
    umap: html`${shown} at the means of their ${latent.dimensions}-dimensional codes, laid flat by UMAP (McInnes et al., 2018), which keeps neighbours together: who is whose neighbour can be read, the axes and the distances between islands cannot.`,
    pca: html`${shown} at the means of their ${latent.dimensions}-dimensional codes, seen along the two directions in which these vary most; what varies along the other directions is hidden.`,
  }[projection.method];
  return html`<h2>Latent space</h2>
${figure(raw(svg), html`${reading} ${labels ? html`Colours are the labels, which ${data.model === "vae" ? "the model" : "the autoencoder"} never saw.` : html`The data have no labels, so there is one colour.`}`)}`;
};
