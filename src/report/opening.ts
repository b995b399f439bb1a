/** How a report of a run begins: title, one paragraph of findings, and the headline figures. */
import { html } from "hono/html";
import type { ClassificationResults } from "./class-types.ts";
import { counted, decimal, duration, percent, whole } from "./format.ts";
import { card, header } from "./frame.ts";
import type { Markup } from "./page.ts";
import type { ReportData } from "./types.ts";

/** What a datum of this report is called. */
export const datum = ({ originals, samples, classification: c }: ReportData): string =>
  originals !== undefined ||
  samples !== undefined ||
  c?.samples !== undefined ||
  c?.leastSure?.images !== undefined
    ? "image"
    : "row";

/** The part of the data that it shows: `test`, `training`. */
export const part = (data: ReportData): string => data.part ?? "test";

export const opening = (data: ReportData): Markup => {
  const { classification } = data;
  return html`${header(data)}
<p class="abstract">${classification === undefined ? abstract(data) : classAbstract(data, classification)}</p>
<dl class="figures">${[...(classification ? classCards(data, classification) : []), ...cards(data)]}</dl>`;
};

const cards = (data: ReportData): readonly (Markup | false)[] => {
  const { summary: s, classification } = data;
  const unit = `nats per ${datum(data)}`;
  return [
    s.elbo !== undefined && card(part(data) === "test" ? "Test ELBO" : "ELBO", decimal(s.elbo), unit),
    s.logLikelihood !== undefined &&
      card(
        "Log-likelihood",
        decimal(s.logLikelihood),
        s.importanceSamples === undefined
          ? `${unit}, estimated`
          : `${unit}, ${whole(s.importanceSamples)} importance samples${s.logLikelihoodRows === undefined || s.logLikelihoodRows === s.testRows ? "" : `, first ${whole(s.logLikelihoodRows)} ${part(data)} ${datum(data)}s`}`,
      ),
    s.reconstruction !== undefined &&
      card("Reconstruction", decimal(s.reconstruction), `${unit}, expected log\u00a0p(x\u00a0|\u00a0z)`),
    s.kl !== undefined && card("KL divergence", decimal(s.kl), `${unit}, code against prior`),
    s.activeUnits !== undefined &&
      card("Active units", `${s.activeUnits} of ${s.latent}`, "latent dimensions in use"),
    s.activeUnits === undefined &&
      card("Latent dimensions", whole(s.latent), data.style ? "size of the style" : "size of the code"),
    s.elbo !== undefined &&
      classification === undefined &&
      part(data) === "test" &&
      card("Held-out data", whole(s.testRows), `test ${datum(data)}s, never trained on`),
    card("Parameters", whole(s.parameters), "weights and biases"),
    s.m1Seconds !== undefined && card("Training of M1", duration(s.m1Seconds), "before M2, once"),
    card(
      s.m1Seconds === undefined ? "Training time" : "Training of M2",
      duration(s.seconds),
      `${counted(data.history.length, "epoch")} of ${counted(s.trainRows, datum(data))}`,
    ),
  ];
};

/** The ways to classify that get a card of their own. */
const MOST_ERRORS = 4;

const classCards = (data: ReportData, c: ClassificationResults): readonly (Markup | false)[] => [
  ...c.errors
    .slice(0, MOST_ERRORS)
    .map(({ by, error, rows, validation }) =>
      card(
        "Test error",
        percent(error),
        `of ${whole(rows)} ${datum(data)}s, by ${by}${validation === undefined ? "" : `; validation ${percent(validation)}`}`,
      ),
    ),
  card(
    "Labels",
    whole(c.labelled),
    `of ${counted(c.labelled + c.unlabelled, `training ${datum(data)}`)}${c.labelSeed === undefined ? "" : `, label seed ${c.labelSeed}`}`,
  ),
  c.calibration !== undefined &&
    card("Calibration error", percent(c.calibration.error), "confidence against accuracy"),
];

const KINDS = {
  vae: "A variational autoencoder",
  autoencoder: "A deterministic autoencoder",
  m1: "M1 of Kingma et al. (2014), a classifier over the codes of a variational autoencoder,",
  m2: "M2 of Kingma et al. (2014), a generative model of class and style,",
  m1m2: "M1+M2 of Kingma et al. (2014), a generative model of class and style over the codes of a variational autoencoder,",
} as const;

const judged = (data: ReportData, comma = ""): Markup =>
  part(data) === "test"
    ? html`${comma} and judged on ${whole(data.summary.testRows)} it has never seen.`
    : html`. No rows were held out to test on: what follows is of the ${datum(data)}s that it was fitted to.`;

const abstract = (data: ReportData): Markup => {
  const { summary: s } = data;
  return html`${KINDS[data.model]} with ${counted(s.latent, "latent dimension")}, fitted to ${counted(s.trainRows, datum(data))}${judged(data)}
${s.elbo !== undefined && html`Its lower bound on the log-likelihood of a ${part(data)} ${datum(data)} averages ${decimal(s.elbo)} nats${s.kl !== undefined && s.reconstruction !== undefined && html`: ${decimal(s.reconstruction)} for the reconstruction less ${decimal(s.kl)} for the code`}.`}
${s.logLikelihood !== undefined && html`The importance-weighted estimate of the log-likelihood itself is ${decimal(s.logLikelihood)} nats; the closer the bound comes to it, the closer the encoder is to the true posterior.`}
${s.importanceWeighted !== undefined && s.importanceWeighted.length > 0 && html`Between the two lie the importance-weighted bounds: ${s.importanceWeighted.map(({ samples: k, value }, i) => html`${i > 0 && ", "}${decimal(value)} with ${counted(k, "sample")}`)}${s.logLikelihoodRows !== undefined && s.logLikelihoodRows !== s.testRows && html` (these and the estimate are averages over the first ${whole(s.logLikelihoodRows)} ${part(data)} ${datum(data)}s, so the ELBO, which is over all ${whole(s.testRows)}, may sit a little aside)`}.`}`;
};

const classAbstract = (data: ReportData, c: ClassificationResults): Markup => {
  const all = c.labelled + c.unlabelled;
  const given =
    c.unlabelled === 0
      ? html`all of them with their label`
      : html`${whole(c.labelled)} of them with their label and ${whole(c.unlabelled)} without`;
  return html`${KINDS[data.model]} fitted to ${counted(all, datum(data))}, ${given}${judged(data, ",")} ${verdict(data, c)}`;
};

const verdict = (data: ReportData, { errors, classes, confusion }: ClassificationResults): Markup => {
  const [first, ...others] = errors;
  if (first === undefined) {
    return part(data) === "test"
      ? html`No test ${datum(data)} has a label, so how often it is right cannot be said.`
      : html`How often it is right cannot be said.`;
  }
  const { error, rows, by } = first;
  const sizes = confusion?.map((row) => row.reduce((sum, count) => sum + count, 0));
  return html`Of ${counted(rows, `labelled test ${datum(data)}`)} it puts ${whole(error * rows)} into the wrong one of ${classes.length} classes: ${percent(error)} by ${by}, with a standard error of ${percent(Math.sqrt((error * (1 - error)) / rows))} over the test set${others.map((other) => html`; ${percent(other.error)} by ${other.by}${other.rows !== rows && html` (of ${whole(other.rows)} of them)`}`)}. ${sizes && html`Always naming the most frequent class would be wrong about ${percent(1 - Math.max(...sizes) / rows, 1)}.`}`;
};
