/** The page that compares runs. */
import { html, raw } from "hono/html";
import { figureRows, settingRows, verdict } from "./comparison-table.ts";
import type { ComparedRun, Comparison } from "./comparison-types.ts";
import { counted } from "./format.ts";
import { header, reproduction } from "./frame.ts";
import { figure, type Markup, page } from "./page.ts";
import { lineFigure, type Series } from "./plots.ts";
import { classColours } from "./theme.ts";
import type { EpochRecord } from "./types.ts";

/** A panel: a figure of an epoch, and how it is drawn. */
interface Panel {
  readonly title: string;
  readonly yLabel: string;
  readonly yScale?: "linear" | "root";
  of(record: EpochRecord): number | undefined;
}

const share = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : 100 * value;

const PANELS: readonly Panel[] = [
  {
    title: "Validation error",
    yLabel: "% (root scale)",
    yScale: "root",
    of: ({ validation }) => share(validation?.error),
  },
  { title: "Test error", yLabel: "% (root scale)", yScale: "root", of: ({ test }) => share(test?.error) },
  { title: "Validation ELBO", yLabel: "nats per row", of: ({ validation }) => validation?.elbo },
  { title: "Test ELBO", yLabel: "nats per row", of: ({ test }) => test?.elbo },
  { title: "Test reconstruction", yLabel: "nats per row", of: ({ test }) => test?.reconstruction },
  { title: "Test KL", yLabel: "nats per row", of: ({ test }) => test?.kl },
  { title: "Training ELBO", yLabel: "nats per row", of: ({ train }) => train.elbo ?? train.unlabelledElbo },
  { title: "Training loss", yLabel: "nats per row", of: ({ train }) => train.loss },
  { title: "Active units", yLabel: "latent dimensions", of: ({ activeUnits }) => activeUnits },
];

/**
 * Renders a comparison as one self-contained HTML page: figures, the settings that differ, and curves on top of each other, a colour for
 * each run. No network and no scripts; the same data give the same page.
 */
export const renderComparison = async (comparison: Comparison): Promise<string> => {
  const colours = classColours(comparison.runs.length);
  const found = verdict(comparison);
  return page(
    comparison.title,
    html`${header(comparison)}
${found !== "" && html`<p class="abstract">${found}</p>`}
${comparison.remarks.map((remark) => html`<p class="note">${remark}</p>`)}
<h2>Runs</h2>
<ul class="runs">${comparison.runs.map((run, i) => entry(run, colours[i] ?? ""))}</ul>
<h2>Figures</h2>
${table(comparison, colours, figureRows(comparison))}
<h2>Settings that differ</h2>
${
  comparison.settings.length === 0
    ? html`<p class="note">The runs have the same settings.</p>`
    : table(comparison, colours, settingRows(comparison))
}
${await curves(comparison, colours)}
${reproduction(comparison)}`,
  );
};

const dot = (colour: string): Markup => raw(`<i class="dot" style="background:${colour}"></i>`);

const entry = ({ name, path, title, epoch, planned }: ComparedRun, colour: string): Markup =>
  html`<li>${dot(colour)} ${name}<small>${title}, ${epoch === 0 ? "no epoch done" : `epoch ${epoch} of ${planned}`}; ${path}</small></li>`;

const table = (
  { runs, best }: Comparison,
  colours: readonly string[],
  rows: ReturnType<typeof figureRows>,
): Markup => html`<div class="scroll"><table class="numbers named">
<thead><tr><th></th>${runs.map(({ name }, i) => html`<th scope="col">${dot(colours[i] ?? "")} ${name}${best?.run === i && html`<br><small>best</small>`}</th>`)}</tr></thead>
<tbody>${rows.map(({ name, cells }) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;

const curves = async ({ runs }: Comparison, colours: readonly string[]): Promise<Markup> => {
  const panels = await Promise.all(PANELS.map((panel) => panelOf(panel, runs, colours)));
  const drawn = panels.filter((svg) => svg !== undefined);
  return html`<h2>Curves</h2>
${
  drawn.length === 0
    ? html`<p class="note">No run has finished an epoch.</p>`
    : figure(
        html`<ul class="runs key">${runs.map(({ name }, i) => html`<li>${dot(colours[i] ?? "")} ${name}</li>`)}</ul><div class="panels">${drawn.map((svg) => raw(svg))}</div>`,
        html`The curves of ${counted(runs.length, "run")} over epochs, on the same axes; point at a curve to read it. Training curves are of different objectives where the bound, β or α differ, so compare held-out curves. Do not choose by a test curve: the one that looks best is partly lucky.`,
      )
}`;
};

const panelOf = async (
  { title, yLabel, yScale = "linear", of }: Panel,
  runs: readonly ComparedRun[],
  colours: readonly string[],
): Promise<string | undefined> => {
  const series = runs.flatMap(({ name, history }, i): readonly Series[] => {
    const measured = history.filter((record) => Number.isFinite(of(record)));
    return measured.length === 0
      ? []
      : [
          {
            name,
            role: "test",
            ...(colours[i] && { colour: colours[i] }),
            x: measured.map(({ epoch }) => epoch),
            y: measured.map(of),
          },
        ];
  });
  return series.length === 0 ? undefined : lineFigure({ title, yLabel, yScale, series, legend: false });
};
