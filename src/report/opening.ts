/** The beginning of a report of a run: title, one paragraph of findings, and the main figures. */
import { html } from "hono/html";
import type { ClassificationResults } from "./class-types.ts";
import { counted, decimal, duration, percent, whole } from "./format.ts";
import { card, header } from "./frame.ts";
import { bitsPerDimension, type ErrorFigures } from "./measured.ts";
import type { Markup } from "./page.ts";
import type { ReportData } from "./types.ts";

/** What to call a datum in this report. */
export const datum = ({ originals, samples, classification: c }: ReportData): string =>
  originals !== undefined ||
  samples !== undefined ||
  c?.samples !== undefined ||
  c?.leastSure?.images !== undefined
    ? "image"
    : "row";

/** The part of the data shown: `test`, `training`. */
export const part = (data: ReportData): string => data.part ?? "test";

export const opening = (data: ReportData): Markup => {
  const { classification } = data;
  return html`${header(data)}
${(data.measured.warnings ?? []).map((warning) => html`<p class="reason">${warning}</p>`)}
<p class="abstract">${classification === undefined ? abstract(data) : classAbstract(data, classification)}</p>
<dl class="figures">${[...(classification ? classCards(data, classification) : []), ...cards(data)]}</dl>`;
};

const cards = (data: ReportData): readonly (Markup | false | undefined)[] => {
  const { summary: s, measured, classification } = data;
  const { elbo, reconstruction, kl, activeUnits } = measured.bound;
  const { likelihood } = measured;
  const unit = `nats per ${datum(data)}`;
  return [
    elbo && card(part(data) === "test" ? "Test ELBO" : "ELBO", decimal(elbo.value), unit),
    elbo &&
      measured.levels !== undefined &&
      card(
        "Bits per dimension",
        decimal(bitsPerDimension(elbo.value, measured.levels)),
        `of the ELBO, over the ${whole(measured.levels)} values of an image`,
      ),
    likelihood &&
      card(
        "Log-likelihood",
        decimal(likelihood.logLikelihood.value),
        `${unit}, ${whole(likelihood.importanceSamples)} importance samples${likelihood.logLikelihood.rows === measured.rows ? "" : `, first ${whole(likelihood.logLikelihood.rows)} ${part(data)} ${datum(data)}s`}`,
      ),
    reconstruction &&
      card("Reconstruction", decimal(reconstruction.value), `${unit}, expected log\u00a0p(x\u00a0|\u00a0z)`),
    kl && card("KL divergence", decimal(kl.value), `${unit}, posterior from prior`),
    activeUnits !== undefined &&
      card("Active units", `${activeUnits} of ${s.latent}`, "latent dimensions in use"),
    activeUnits === undefined &&
      card("Latent dimensions", whole(s.latent), data.style ? "size of the style" : "size of the code"),
    elbo &&
      classification === undefined &&
      part(data) === "test" &&
      card("Held-out data", whole(s.testRows), `test ${datum(data)}s, never trained on`),
    card("Parameters", whole(s.parameters), "weights and biases"),
    ...s.trainings.map(({ name, seconds, note }) =>
      card(
        name,
        duration(seconds),
        note ?? `${counted(data.history.length, "epoch")} of ${counted(s.trainRows, datum(data))}`,
      ),
    ),
  ];
};

/** Each way to classify, the default one first. */
export const errorsOf = ({ measured }: ReportData): readonly ErrorFigures[] => measured.errors ?? [];

/** For the default way. */
const calibrationOf = (data: ReportData): ErrorFigures["calibration"] => errorsOf(data)[0]?.calibration;

/** The ways to classify that get their own card. */
const MOST_ERRORS = 4;

const classCards = (data: ReportData, c: ClassificationResults): readonly (Markup | false | undefined)[] => [
  ...errorsOf(data)
    .slice(0, MOST_ERRORS)
    .map(({ text, error, validation }) =>
      card(
        "Test error",
        percent(error.value),
        `of ${whole(error.rows)} ${datum(data)}s, by ${text}${validation === undefined ? "" : `; validation ${percent(validation)}`}`,
      ),
    ),
  card(
    "Labels",
    whole(c.labelled),
    `of ${counted(c.labelled + c.unlabelled, `training ${datum(data)}`)}${c.labelSeed === undefined ? "" : `, label seed ${c.labelSeed}`}`,
  ),
  data.measured.carried &&
    card(
      "Class and style",
      `${decimal(data.measured.carried.class)} and ${decimal(data.measured.carried.style)}`,
      `nats of a ${datum(data)} that each says: what log\u00a0p(x\u00a0|\u00a0y,\u00a0z) loses with another`,
    ),
  calibrationOf(data) &&
    card("Calibration error", percent(calibrationOf(data)?.error), "confidence against accuracy"),
];

const judged = (data: ReportData, comma = ""): Markup =>
  part(data) === "test"
    ? html`${comma} and evaluated on ${whole(data.summary.testRows)} it has never seen.`
    : html`. No rows were held out for testing: what follows describes the ${datum(data)}s it was fitted to.`;

const abstract = (data: ReportData): Markup => {
  const { summary: s, measured } = data;
  const { elbo, reconstruction, kl } = measured.bound;
  const { likelihood } = measured;
  const between = Object.entries(likelihood?.bounds ?? {});
  return html`${data.introduction} with ${counted(s.latent, "latent dimension")}, fitted to ${counted(s.trainRows, datum(data))}${judged(data)}
${elbo && html`Its lower bound on the log-likelihood of a ${part(data)} ${datum(data)} averages ${decimal(elbo.value)} nats${kl && reconstruction && html`: ${decimal(reconstruction.value)} for the reconstruction minus ${decimal(kl.value)} for the code`}.`}
${likelihood && html`The importance-weighted estimate of the log-likelihood itself is ${decimal(likelihood.logLikelihood.value)} nats; the closer the bound is to it, the closer the encoder is to the true posterior.`}
${likelihood && between.length > 0 && html`Between the two lie the importance-weighted bounds: ${between.map(([k, value], i) => html`${i > 0 && ", "}${decimal(value)} with ${counted(Number(k), "sample")}`)}${likelihood.logLikelihood.rows !== measured.rows && html` (these and the estimate are averages over the first ${whole(likelihood.logLikelihood.rows)} ${part(data)} ${datum(data)}s, so the ELBO, which is over all ${whole(measured.rows)}, may not fit exactly)`}.`}`;
};

const classAbstract = (data: ReportData, c: ClassificationResults): Markup => {
  const all = c.labelled + c.unlabelled;
  const given =
    c.unlabelled === 0
      ? html`all of them labelled`
      : html`${whole(c.labelled)} of them labelled and ${whole(c.unlabelled)} not`;
  return html`${data.introduction} fitted to ${counted(all, datum(data))}, ${given}${judged(data, ",")} ${verdict(data, c)}`;
};

const verdict = (data: ReportData, { classes }: ClassificationResults): Markup => {
  const [first, ...others] = errorsOf(data);
  if (first === undefined) {
    return part(data) === "test"
      ? html`No test ${datum(data)} has a label, so its error is unknown.`
      : html`Its error is unknown.`;
  }
  const { error, text, confusion } = first;
  const { value, rows } = error;
  const sizes = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  return html`Of ${counted(rows, `labelled test ${datum(data)}`)} it puts ${whole(value * rows)} in the wrong one of ${classes.length} classes: an error of ${percent(value)} by ${text}, with a standard error of ${percent(error.standardError)} over the test set${others.map((other) => html`; ${percent(other.error.value)} by ${other.text}${other.error.rows !== rows && html` (of ${whole(other.error.rows)} of them)`}`)}. Always predicting the most frequent class has an error of ${percent(1 - Math.max(...sizes) / rows, 1)}.`;
};
