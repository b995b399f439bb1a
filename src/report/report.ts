import { html } from "hono/html";
import { analogies, classSamples, confusion, leastSure, reliability } from "./class-sections.ts";
import { tableColumns, tableReconstructions } from "./columns.ts";
import { reproduction, settingsTable } from "./frame.ts";
import { learning } from "./learning.ts";
import { datum, errorsOf, opening, part } from "./opening.ts";
import { type Markup, page } from "./page.ts";
import type { ProjectionMethod } from "./projection.ts";
import { dimensions, latentSpaces, reconstructions, samples, traversals } from "./sections.ts";
import type { ReportData } from "./types.ts";

/** How a report is drawn. */
export interface ReportOptions {
  /** How to project latent spaces of more than two dimensions. Default `"auto"`: UMAP. */
  readonly projection?: ProjectionMethod;
  /** Seed of the projection. Default 0. */
  readonly seed?: number;
}

/**
 * Renders a run as one self-contained HTML page: figures as inline SVG, images as data URIs, no network and no scripts. Sections whose data
 * are absent are left out; a note at the end says why a section is missing that a reader might look for. The same data give the same page.
 *
 * Takes a few seconds if the latent space has more than two dimensions, nearly all of it in UMAP.
 *
 * @throws ShapeError when a stack of images or points does not fit its sizes.
 */
export const renderReport = async (data: ReportData, options: ReportOptions = {}): Promise<string> => {
  const { projection = "auto", seed = 0 } = options;
  return page(
    data.title,
    html`${opening(data)}
${await learning(data)}
${analogies(data)}
${classSamples(data)}
${await confusion(data)}
${leastSure(data)}
${await reliability(data)}
${await dimensions(data)}
${await tableColumns(data)}
${tableReconstructions(data)}
${reconstructions(data)}
${samples(data)}
${traversals(data)}
${await latentSpaces(data, { projection, seed })}
${configuration(data)}
${reproduction(data, data.config.seed)}
${omissions(data)}`,
  );
};

const configuration = ({ config }: ReportData): Markup => html`<h2>Configuration</h2>
${settingsTable(config)}`;

/** Missing sections, each with the reason. */
const omissions = (data: ReportData): Markup | undefined => {
  const [chosen] = errorsOf(data);
  const reasons = [
    ...(data.omissions ?? []),
    datum(data) === "row" && "The data are not images, so there are no pictures of them.",
    part(data) === "test" &&
      data.classification !== undefined &&
      chosen === undefined &&
      "No test row has a label, so there is no error, no confusion matrix and no calibration.",
    data.classification !== undefined &&
      data.classification.leastSure === undefined &&
      chosen !== undefined &&
      `Classification by ${chosen.text} is a vote without probabilities, so there is no calibration, and no list of the least sure ${datum(data)}s. Other classifiers give probabilities.`,
    data.latent === undefined && data.style === undefined && "The codes were not recorded.",
  ].filter((reason) => reason !== false);
  return reasons.length === 0
    ? undefined
    : html`<h2>What is not shown</h2>${reasons.map((reason) => html`<p class="reason">${reason}</p>`)}`;
};
