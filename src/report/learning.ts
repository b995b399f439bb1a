/** Curves over training. */
import { html, raw } from "hono/html";
import { decimal, duration, percent, whole } from "./format.ts";
import { datum } from "./opening.ts";
import { figure, forScreens, type Markup } from "./page.ts";
import { lineFigure, type Series } from "./plots.ts";
import type { EpochRecord, ReportData, TermValues } from "./types.ts";

type Term = keyof TermValues;

/** What each panel shows, in order. */
const PANELS: readonly (readonly [Term, string])[] = [
  ["elbo", "ELBO"],
  ["unlabelledElbo", "Unlabelled bound"],
  ["labelledElbo", "Labelled bound"],
  ["classification", "log q(y | x)"],
  ["reconstruction", "Reconstruction"],
  ["kl", "KL divergence"],
];

/** The error of a model that classifies, the bound and its terms, over epochs. */
export const learning = async (data: ReportData): Promise<Markup | undefined> => {
  const { history } = data;
  const errors = await errorFigure(data);
  const panels = await termPanels(data);
  if (errors === undefined && panels.length === 0) {
    return html`<h2>Learning</h2><p class="note">No epoch has a finite value, so there are no curves.</p>`;
  }
  const broken = history.filter((record) =>
    [record.train, record.validation ?? {}, record.test ?? {}]
      .flatMap((terms) => Object.values(terms))
      .some((value) => !Number.isFinite(value)),
  ).length;
  return html`<h2>Learning</h2>
${errors}
${panels.length > 0 && figure(html`<div class="panels">${panels}</div>`, html`${data.curves}${broken > 0 && html` In ${broken} of ${history.length} epochs a value was not finite; the curves have gaps there.`}`)}
${epochTable(history)}`;
};

const curve = (
  { history }: ReportData,
  name: string,
  role: Series["role"],
  of: (record: EpochRecord) => number | undefined,
): Series => {
  // Epochs without a measurement are skipped; values that are not finite leave a gap.
  const measured = history.filter((record) => of(record) !== undefined);
  return { name, role, x: measured.map(({ epoch }) => epoch), y: measured.map(of) };
};

const drawn = ({ y }: Series): boolean => y.some((value) => value !== undefined && Number.isFinite(value));

const termPanels = async (data: ReportData): Promise<readonly Markup[]> => {
  const yLabel = `nats per ${datum(data)}`;
  const panel = async ([term, title]: readonly [Term, string]): Promise<Markup | undefined> => {
    const series = [
      curve(data, "train", "train", (record) => record.train[term]),
      curve(data, "test", "test", (record) => record.test?.[term]),
      ...(term === "elbo" ? [curve(data, "log p(x)", "extra", (record) => record.test?.logLikelihood)] : []),
    ].filter(drawn);
    return series.length === 0 ? undefined : raw(await lineFigure({ title, yLabel, series }));
  };
  const panels = (await Promise.all(PANELS.map(panel))).filter((svg) => svg !== undefined);
  if (data.history.some(({ train }) => bounds.some((term) => train[term] !== undefined))) return panels;
  const loss = await panel(["loss", "Loss"]);
  return loss === undefined ? panels : [loss, ...panels];
};

const bounds = ["elbo", "unlabelledElbo"] as const;

const errorFigure = async (data: ReportData): Promise<Markup | undefined> => {
  const share = (terms: TermValues | undefined): number | undefined =>
    terms?.error === undefined ? undefined : 100 * terms.error;
  const series = [
    curve(data, "labelled", "train", (record) => share(record.train)),
    curve(data, "validation", "extra", (record) => share(record.validation)),
    curve(data, "test", "test", (record) => share(record.test)),
  ].filter(drawn);
  if (series.length === 0) return undefined;
  const svg = await forScreens((width) =>
    lineFigure({
      title: "Error over training",
      yLabel: `% of ${datum(data)}s misclassified (root scale)`,
      series,
      width,
      height: 290,
      yScale: "root",
    }),
  );
  const names = series.map(({ name }) => name);
  return figure(
    svg,
    html`${names.includes("labelled") && html`The labelled ${datum(data)}s are few, and soon memorised. `}${names.includes("validation") && html`The validation ${datum(data)}s were held out of training; their labels were used to compare models, not to learn. `}${names.includes("test") && html`Do not choose settings or epochs by the test curve: that would make the model look better than it is. `}The axis is stretched near zero, where the differences are.`,
  );
};

const epochTable = (history: readonly EpochRecord[]): Markup => {
  const last = history.at(-1);
  const bound = last?.train.elbo === undefined && last?.train.unlabelledElbo === undefined ? "loss" : "elbo";
  const columns: readonly [string, (record: EpochRecord) => string][] = [
    ["epoch", (r) => whole(r.epoch)],
    [`train ${bound === "elbo" ? "ELBO" : "loss"}`, (r) => decimal(r.train[bound], 2)],
    [`test ${bound === "elbo" ? "ELBO" : "loss"}`, (r) => decimal(r.test?.[bound], 2)],
    ["unlabelled bound", (r) => decimal(r.train.unlabelledElbo, 2)],
    ["labelled bound", (r) => decimal(r.train.labelledElbo, 2)],
    ["log q(y | x)", (r) => decimal(r.train.classification, 3)],
    ["labelled error", (r) => percent(r.train.error)],
    ["validation error", (r) => percent(r.validation?.error)],
    ["test error", (r) => percent(r.test?.error)],
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
