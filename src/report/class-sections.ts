/** Sections of a report about a model that classifies. Each is left out if its data are absent. */
import { html, raw } from "hono/html";
import { confidenceFigure, confusionFigure, reliabilityFigure } from "./class-plots.ts";
import type { ClassImages, ClassificationResults, ClassifiedRow, LeastSure } from "./class-types.ts";
import { counted, percent, whole } from "./format.ts";
import { datum, errorsOf, part } from "./opening.ts";
import { figure, forScreens, type Markup, picture } from "./page.ts";
import { analogyCells, cells, classSampleStrips } from "./pictures.ts";
import type { ReportData } from "./types.ts";

/** A confusion matrix of more classes is not drawn; the most frequent mistakes are listed instead. */
const MOST_DRAWN = 30;
const MOST_MISTAKES = 20;

/** The name of a class, or its number if it has no name. */
const nameOf = ({ classes }: Pick<ClassificationResults, "classes">, index: number): string =>
  classes[index] ?? String(index);

export const analogies = (data: ReportData): Markup | undefined => {
  const { classification: c } = data;
  const shown = c?.analogies;
  if (c === undefined || shown === undefined || shown.images.count === 0) return undefined;
  const row = ([original, ...drawn]: ReturnType<typeof analogyCells>[number]): Markup => html`<tr>
<td>${original && picture(original, `A ${part(data)} image`)}</td><td></td>${drawn.map((image, k) => html`<td>${picture(image, nameOf(shown, k))}</td>`)}</tr>`;
  return html`<h2>Analogies</h2>
${figure(
  html`<table class="traversal analogies"><thead><tr><th scope="col">image</th><td class="gap"></td>${shown.classes.map((name) => html`<th scope="col" title="${name}">${name}</th>`)}</tr></thead>
<tbody>${analogyCells(shown).map(row)}</tbody></table>`,
  html`Each row begins with a ${part(data)} image. Its style, that is, everything but its class, is then drawn in every ${fewer(shown, c)} class. If slant, width and stroke stay the same along a row while the class changes, the model has separated style from class. If all images of a row look alike, the model ignores the class; if all rows look alike, it ignores the style.`,
)}`;
};

/** "one of the first 20", if not all classes are shown. */
const fewer = (shown: ClassImages, { classes }: ClassificationResults): string =>
  shown.classes.length < classes.length
    ? `one of the first ${shown.classes.length} of ${classes.length}`
    : "";

export const classSamples = ({ classification: c }: ReportData): Markup | undefined => {
  const shown = c?.samples;
  if (shown === undefined || shown.images.count === 0) return undefined;
  const rows = classSampleStrips(shown).map(
    (strip, k) =>
      html`<span title="${nameOf(shown, k)}">${nameOf(shown, k)}</span>${picture(strip, `Samples of class ${nameOf(shown, k)}`)}`,
  );
  return html`<h2>Samples of each class</h2>
${figure(html`<div class="band strips">${rows}</div>`, html`Styles drawn from the prior and decoded in each class, without looking at any image. Each column has the same style in all rows. If a row does not show its class, or all rows look alike, the model has not learnt the class from its labels.`)}`;
};

export const confusion = async (data: ReportData): Promise<Markup | undefined> => {
  const { classification: c } = data;
  const [first] = errorsOf(data);
  if (c === undefined || first === undefined) return undefined;
  const counts = first.confusion;
  const names = c.classes.map((_, k) => nameOf(c, k));
  const mistakes = counts
    .flatMap((row, truth) => row.map((count, predicted) => ({ truth, predicted, count })))
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .sort((a, b) => b.count - a.count);
  const [worst] = mistakes;
  const most =
    worst === undefined
      ? html`No row is misclassified.`
      : html`The most frequent mistake: ${counted(worst.count, "row")} of class ${nameOf(c, worst.truth)} classified as ${nameOf(c, worst.predicted)}.`;
  if (names.length > MOST_DRAWN) {
    return html`<h2>Where it goes wrong</h2>
<table class="numbers"><thead><tr><th scope="col">true class</th><th scope="col">predicted class</th><th scope="col">rows</th></tr></thead>
<tbody>${mistakes.slice(0, MOST_MISTAKES).map(({ truth, predicted, count }) => html`<tr><td>${nameOf(c, truth)}</td><td>${nameOf(c, predicted)}</td><td>${whole(count)}</td></tr>`)}</tbody></table>
<p class="note">The most frequent of ${whole(mistakes.length)} kinds of mistake, by ${first.text}. ${names.length} classes are too many for a picture.</p>`;
  }
  const svg = await forScreens((width) =>
    confusionFigure({ title: "Confusion matrix", counts, classes: names, width }),
  );
  return html`<h2>Where it goes wrong</h2>
${figure(svg, html`Test rows by true class and by the class predicted by ${first.text}. The diagonal is correct; mistakes are coloured by their share of the row. ${most}`)}`;
};

export const leastSure = (data: ReportData): Markup | undefined => {
  const { classification: c } = data;
  const shown = c?.leastSure;
  if (c === undefined || shown === undefined || shown.rows.length === 0) return undefined;
  const wrong = shown.rows.filter(
    ({ truth, predicted }) => truth !== undefined && truth !== predicted,
  ).length;
  const known = shown.rows.some(({ truth }) => truth !== undefined);
  const [first] = errorsOf(data);
  const caption = html`The ${shown.rows.length} ${part(data)} ${datum(data)}s whose predicted class has the lowest probability${first && html` by ${first.text}`}, lowest first${known && html`; ${whole(wrong)} of them ${wrong === 1 ? "is" : "are"} wrong`}. A good model makes most of its mistakes here, and few among the rows it is sure of.`;
  return html`<h2>What it is least sure of</h2>
${figure(shown.images ? unsureImages(c, shown, shown.images) : unsureTable(c, shown), caption)}`;
};

const isWrong = ({ truth, predicted }: ClassifiedRow): boolean => truth !== undefined && truth !== predicted;

const unsureImages = (
  c: ClassificationResults,
  { rows }: LeastSure,
  images: NonNullable<LeastSure["images"]>,
) => {
  const pictures = cells(images, 1);
  return html`<ul class="cells">${rows.map((row, i) => {
    const [image] = pictures[i] ?? [];
    return html`<li>${image && picture(image, row.name ?? `Image ${row.row}`)}<span>${nameOf(c, row.predicted)} <small>${percent(row.probability, 0)}</small>${row.truth !== undefined && html`<br><small class="${isWrong(row) ? "wrong" : ""}">${isWrong(row) ? html`is ${nameOf(c, row.truth)}` : "right"}</small>`}</span></li>`;
  })}</ul>`;
};

/** The name of a column, with line breaks allowed after underscores. */
const breakable = (name: string): Markup[] =>
  name.split("_").map((part, i) => html`${i > 0 && html`_<wbr>`}${part}`);

const unsureTable = (
  c: ClassificationResults,
  { rows, rowNoun = "row", cells: table }: LeastSure,
): Markup => {
  const known = rows.some(({ truth }) => truth !== undefined);
  return html`<div class="scroll"><table class="numbers unsure">
<thead><tr><th scope="col">${breakable(rowNoun)}</th><th scope="col">predicted</th><th scope="col">probability</th>${known && html`<th scope="col">is</th>`}${table?.columns.map((name) => html`<th scope="col">${breakable(name)}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row, i) =>
      html`<tr><td>${row.name ?? whole(row.row)}</td><td>${nameOf(c, row.predicted)}</td><td>${percent(row.probability, 1)}</td>${known && html`<td class="${isWrong(row) ? "wrong" : ""}">${row.truth === undefined ? "–" : nameOf(c, row.truth)}</td>`}${table?.values[i]?.map((value) => html`<td>${value}</td>`)}</tr>`,
  )}</tbody></table></div>`;
};

export const reliability = async (data: ReportData): Promise<Markup | undefined> => {
  const [first] = errorsOf(data);
  const shown = first?.calibration;
  if (shown === undefined || first === undefined) return undefined;
  const rows = shown.bins.reduce((sum, bin) => sum + bin.rows, 0);
  const mean = (of: "confidence" | "accuracy"): number =>
    shown.bins.reduce((sum, bin) => sum + bin.rows * bin[of], 0) / rows;
  const [confidence, accuracy] = [mean("confidence"), mean("accuracy")];
  const verdict = confidence > accuracy ? "overconfident" : "underconfident";
  return html`<h2>Calibration of its probabilities</h2>
${figure(
  html`<div class="pair">${raw(await reliabilityFigure(shown.bins))}${raw(await confidenceFigure(shown.bins))}</div>`,
  html`Test rows in ${shown.bins.length} bins by confidence, the probability of the class predicted by ${first.text}. A bar is the share of these rows that is correct, the stroke their mean confidence. On the dashed line, 80\u00a0% of rows classified with 80\u00a0% confidence are correct; a bar that ends below its stroke is overconfident. The mean of these gaps, weighted by rows, is the expected calibration error, ${percent(shown.error)}. The mean confidence is ${percent(confidence, 1)} and ${percent(accuracy, 1)} are correct, so on the whole the model is ${verdict}. Bars with few rows mean little.`,
)}`;
};
