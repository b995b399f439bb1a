/** The page of a benchmark. */
import { html, raw } from "hono/html";
import {
  drawTable,
  type ErrorTable,
  errorTable,
  meanError,
  seedTable,
  type TextTable,
} from "./benchmark-table.ts";
import type { Benchmark, BenchmarkCell } from "./benchmark-types.ts";
import { drawFigure, loadPlot } from "./figure.ts";
import { counted, duration, percent, whole } from "./format.ts";
import { header, reproduction, settingsTable } from "./frame.ts";
import { figure, type Markup, page } from "./page.ts";
import { rootAxis } from "./plots.ts";

/**
 * Renders a benchmark as one self-contained HTML page: the table of published and measured errors, error over updates for each
 * draw, every draw with its wall time, settings, and the command. No network and no scripts; the same data give the same page.
 */
export const renderBenchmark = async (benchmark: Benchmark): Promise<string> =>
  page(
    benchmark.title,
    html`${header(benchmark)}
<p class="abstract">${benchmark.protocol}</p>
${comparison(benchmark)}
${await curves(benchmark)}
${draws(benchmark)}
${settings(benchmark)}
${reproduction(benchmark)}`,
  );

const tableOf = ({ heads, rows }: TextTable): Markup => html`<div class="scroll"><table class="numbers named">
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;

const comparisonTable = ({
  labels,
  rows,
}: ErrorTable): Markup => html`<div class="scroll"><table class="numbers named">
<thead><tr><th></th>${labels.map((n) => html`<th scope="colgroup" colspan="2">${counted(n, "label")}</th>`)}</tr>
<tr><th scope="col">method</th>${labels.map(() => html`<th scope="col">published</th><th scope="col">here</th>`)}</tr></thead>
<tbody>${rows.map(({ method, pairs }) => html`<tr><th scope="row">${method}</th>${pairs.map(({ published, here, note }) => html`<td>${published}</td><td>${here}${note !== undefined && html`<br><small>${note}</small>`}</td>`)}</tr>`)}</tbody>
</table></div>`;

const comparison = (benchmark: Benchmark): Markup => {
  const { source, testRows, cells } = benchmark;
  const draws = Math.max(0, ...cells.map((cell) => cell.draws?.length ?? 0));
  const means = cells.flatMap((cell) => meanError(cell.draws)?.mean ?? []);
  const least = means.length > 0 ? Math.min(...means) : undefined;
  return html`<h2>Published and measured</h2>
${figure(
  comparisonTable(errorTable(benchmark)),
  html`Test error in percent of ${counted(testRows, "row")}, lower is better. Published figures are those of ${source}. Ours are means over label draws, ${draws > 1 && html`up to ${draws} of them, `}± the standard error of that mean: it says how much luck there is in which rows are labelled.${least !== undefined && html` The test set adds its own, the same for all: at the least error here, ${percent(least)}, a standard error of ${percent(Math.sqrt((least * (1 - least)) / testRows))}.`}`,
)}`;
};

const curves = async ({ cells }: Benchmark): Promise<Markup | undefined> => {
  const shown = cells.filter((cell) => cell.draws?.some((draw) => draw.curve !== undefined));
  if (shown.length === 0) return undefined;
  const panels = await Promise.all(shown.map(curveFigure));
  return html`<h2>Error over training</h2>
${figure(
  html`<div class="pair">${panels.map((svg) => raw(svg))}</div>`,
  html`Test error of each label draw against the number of parameter updates, on an axis that is stretched near zero; the dashed line is the published figure. Curves that still fall at their end would have gone on improving; curves that end far apart differ by which rows were labelled. They are for looking at: a length or a setting chosen by them would flatter the method.`,
)}`;
};

/** One curve a draw, and the published error as a dashed line. */
const curveFigure = async ({ method, labels, draws = [], published }: BenchmarkCell): Promise<string> => {
  const Plot = await loadPlot();
  const points = draws.flatMap(({ seed, curve }) =>
    (curve?.updates ?? []).flatMap((x, i) => {
      const error = curve?.errors[i];
      return error === undefined ? [] : [{ x, y: 100 * error, seed }];
    }),
  );
  const line = published === undefined ? [] : [100 * published.error];
  const most = Math.max(0, ...points.map(({ x }) => x));
  return drawFigure(
    `${method}, ${counted(labels, "label")}`,
    {
      width: 350,
      height: 260,
      marginRight: 20,
      yLabel: "test error, %",
      x: {
        label: "updates",
        domain: [0, most],
        ticks: 5,
        tickSize: 4,
        tickFormat: (n: number) => (n >= 1000 ? `${n / 1000}k` : String(n)),
      },
      y: { grid: true, tickSize: 0, ...rootAxis([...points, ...line.map((y) => ({ y }))]) },
    },
    [
      Plot.ruleY(line, { stroke: "var(--extra)", strokeWidth: 1.4, strokeDasharray: "4 3" }),
      Plot.line(points, {
        x: "x",
        y: "y",
        z: "seed",
        stroke: "var(--test)",
        strokeOpacity: 0.6,
        strokeWidth: 1.4,
      }),
    ],
    [
      { name: counted(draws.length, "draw"), colour: "var(--test)" },
      ...(published === undefined ? [] : [{ name: "published", colour: "var(--extra)", dashed: true }]),
    ],
  );
};

const draws = (benchmark: Benchmark): Markup | undefined => {
  const { cells, shared = [] } = benchmark;
  const table = drawTable(benchmark);
  if (table.rows.length === 0) return html`<h2>Every draw</h2><p class="note">No draw is done yet.</p>`;
  const seconds = [
    ...shared.map((stage) => stage.seconds),
    ...cells.flatMap((cell) => (cell.draws ?? []).map((draw) => draw.seconds)),
  ].reduce((sum, each) => sum + each, 0);
  return html`<h2>Every draw</h2>
${figure(
  tableOf(seedTable(benchmark)),
  html`Test errors in percent by the seed of the label draw, and the wall time of one training${shared.length > 0 && html`, without what is trained once for all draws: ${shared.map(({ name, seconds: own }, i) => html`${i > 0 && ", "}${name} ${duration(own)}`)}`}. All ${whole(table.rows.length)} trainings together took ${duration(seconds)}.`,
)}
<details><summary>Every error and time</summary>${tableOf(table)}</details>`;
};

const settings = ({ cells, shared = [] }: Benchmark): Markup | undefined => {
  const groups = [
    ...shared.map(({ name, settings: own }) => ({ name, own })),
    ...cells.map(({ method, labels, settings: own }) => ({
      name: `${method}, ${counted(labels, "label")}`,
      own,
    })),
  ].flatMap(({ name, own }) => (own === undefined ? [] : [{ name, own }]));
  if (groups.length === 0) return undefined;
  return html`<h2>Settings</h2>
${groups.map(({ name, own }) => html`<details><summary>${name}</summary>${settingsTable(own)}</details>`)}`;
};
