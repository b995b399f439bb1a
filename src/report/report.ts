import { html } from "hono/html";
import { configRows } from "./format.ts";
import { type Markup, page } from "./page.ts";
import type { ProjectionMethod } from "./projection.ts";
import {
  dimensions,
  latentSpace,
  learning,
  opening,
  reconstructions,
  samples,
  traversals,
} from "./sections.ts";
import type { ReportData } from "./types.ts";

/** How a report is drawn. */
export interface ReportOptions {
  /** How latent spaces of more than two dimensions become flat. Default `"auto"`: UMAP. */
  readonly projection?: ProjectionMethod;
  /** Seed of the projection. Default 0. */
  readonly seed?: number;
}

/**
 * Renders a run as one self-contained HTML page: figures as inline SVG, images as data URIs, no network and
 * no scripts. Sections whose data are absent are left out; where a reader would look for one, a closing note
 * says why it is not there. The same data give the same page.
 *
 * Takes a few seconds where the latent space has more than two dimensions, nearly all of them in UMAP.
 *
 * @throws {ShapeError} when a stack of images or points does not hold what its sizes say.
 */
export const renderReport = async (data: ReportData, options: ReportOptions = {}): Promise<string> => {
  const { projection = "auto", seed = 0 } = options;
  return page(
    data.title,
    html`${opening(data)}
${await learning(data)}
${await dimensions(data)}
${reconstructions(data)}
${samples(data)}
${traversals(data)}
${await latentSpace(data, { projection, seed })}
${configuration(data)}
${reproduction(data)}
${omissions(data)}`,
  );
};

const configuration = (data: ReportData): Markup => html`<h2>Configuration</h2>
<table class="rows"><tbody>${configRows(data.config).map(
  ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
)}</tbody></table>`;

const reproduction = (data: ReportData): Markup => {
  const { seed } = data.config;
  return html`<h2>How to make it again</h2>
<pre>${words(data.command)}</pre>
<p>Every random number is keyed by the seed${typeof seed === "number" && html` (here ${seed})`}, the step and the place where it is drawn. The same command with Tightbound ${data.version} and the same data gives the same numbers on the same kind of machine; another processor may differ in the last digits.</p>`;
};

/** A command that breaks between words, never after the hyphens of an option. */
const words = (command: string): Markup[] =>
  command.split(" ").map((word, i) => html`${i > 0 && " "}<span>${word}</span>`);

/** What a reader may miss, with the reason. */
const omissions = (data: ReportData): Markup | undefined => {
  const reasons = [
    data.model === "autoencoder" &&
      "A deterministic autoencoder has neither a prior nor a posterior, so there is no ELBO, no KL divergence and nothing to sample from.",
    data.originals === undefined &&
      data.samples === undefined &&
      "The data are not images, so there are no pictures of them.",
    data.model === "vae" &&
      data.klPerDimension === undefined &&
      "The KL divergence per dimension was not recorded.",
    data.latent === undefined && "The codes of the test set were not recorded.",
  ].filter((reason) => reason !== false);
  return reasons.length === 0
    ? undefined
    : html`<h2>What is not shown</h2>${reasons.map((reason) => html`<p class="reason">${reason}</p>`)}`;
};
