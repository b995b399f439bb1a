/** The page of a benchmark. */
import { html, raw } from "hono/html";
import {
  drawTable,
  type ErrorTable,
  errorsOf,
  errorTable,
  meanError,
  seedTable,
  type TextTable,
} from "./benchmark-table.ts";
import type { Benchmark, BenchmarkCell } from "./benchmark-types.ts";
import { drawFigure, loadPlot } from "./figure.ts";
import { capital, counted, duration, percent } from "./format.ts";
import { header, reproduction, settingsTable } from "./frame.ts";
import { figure, forScreens, type Markup, page } from "./page.ts";
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
  const counts = [...new Set(cells.map((cell) => errorsOf(cell).length).filter((count) => count > 0))];
  const means = cells.map(errorsOf).flatMap((errors) => (errors.length > 0 ? [meanError(errors).mean] : []));
  const least = means.length > 0 ? Math.min(...means) : undefined;
  return html`<h2>Published and measured</h2>
${figure(
  comparisonTable(errorTable(benchmark)),
  html`Test error in percent of ${counted(testRows, "row")}, lower is better. Published figures are from ${source}.${oursAre(counts)}${least !== undefined && html` The test set adds a standard error of its own, the same for all methods: at the smallest error here, ${percent(least)}, a standard error of ${percent(Math.sqrt((least * (1 - least)) / testRows))}.`}`,
)}`;
};

/** What our figures are means of, by the number of draws. */
const oursAre = (counts: readonly number[]): string => {
  const most = Math.max(0, ...counts);
  if (most === 0) return "";
  if (most === 1)
    return " Ours are from a single label draw, so it is unknown how much depends on which rows are labelled.";
  return (
    ` Ours are means over ${counts.length > 1 ? "up to " : ""}${most} label draws, ± the standard error of that mean, which shows how ` +
    "much depends on which rows are labelled."
  );
};

const curves = async ({ cells }: Benchmark): Promise<Markup | undefined> => {
  const shown = cells.filter((cell) => cell.draws?.some((draw) => draw.curve !== undefined));
  if (shown.length === 0) return undefined;
  const [first, ...others] = shown;
  // Panels side by side are as wide as a phone already.
  const panels =
    others.length === 0
      ? await forScreens((width) => curveFigure(first, width))
      : html`<div class="pair">${(await Promise.all(shown.map((cell) => curveFigure(cell, 350)))).map((svg) => raw(svg))}</div>`;
  return html`<h2>Error over training</h2>
${figure(
  panels,
  html`${capital(partsOf(shown))} error against the number of parameter updates, one line per label draw, on an axis that is stretched near zero. The dashed line is the published figure. If a curve still falls at its end, longer training would have improved it. If curves end far apart, the result depends on which rows were labelled. Do not choose settings by these curves: that would make the method look better than it is.`,
)}`;
};

/** The rows that curves are measured on: `test`, or `test or validation` if there are curves of both. */
const partsOf = (cells: readonly BenchmarkCell[]): string => {
  const parts = cells.flatMap(({ draws = [] }) => draws.flatMap(({ curve }) => curve?.part ?? []));
  return [...new Set(parts)].sort().join(" or ");
};

/** One curve per draw, and the published error as a dashed line. */
const curveFigure = async (cell: BenchmarkCell, width: number): Promise<string> => {
  const { method, labels, draws = [], published } = cell;
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
      width,
      height: 260,
      marginRight: 20,
      yLabel: `${partsOf([cell])} error, %`,
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
      // A line of one point is invisible.
      points.length <= draws.length ? Plot.dot(points, { x: "x", y: "y", r: 3, fill: "var(--test)" }) : null,
    ],
    [],
  );
};

const draws = (benchmark: Benchmark): Markup | undefined => {
  const { cells, shared = [] } = benchmark;
  const table = drawTable(benchmark);
  if (table.rows.length === 0) return html`<h2>Every draw</h2><p class="note">No draw has finished yet.</p>`;
  const trained = cells.flatMap((cell) => (cell.draws ?? []).flatMap(({ seconds }) => seconds ?? []));
  const total = [...shared.map(({ seconds }) => seconds), ...trained].reduce((sum, each) => sum + each, 0);
  const once = shared.map(({ name, seconds }, i) => html`${i > 0 && ", "}${name} ${duration(seconds)}`);
  return html`<h2>Every draw</h2>
${figure(
  tableOf(seedTable(benchmark)),
  html`Test errors in percent, by the seed of the label draw, and the wall time of one training run${shared.length > 0 && html`, excluding what is trained once for all draws: ${once}`}${trained.length < table.rows.length && html`; a dash if a row has none of its own`}. All training runs together took ${duration(total)}.`,
)}
<details><summary>Every error and time</summary>${tableOf(table)}</details>`;
};

const settings = ({ cells, shared = [] }: Benchmark): Markup | undefined => {
  const groups = [
    ...shared.map(({ name, settings: own }) => ({ name, own })),
    ...cells.map(({ method, training = method, labels, settings: own }) => ({
      name: `${training}, ${counted(labels, "label")}`,
      own,
    })),
  ].flatMap(({ name, own }) => (own === undefined ? [] : [{ name, own }]));
  if (groups.length === 0) return undefined;
  return html`<h2>Settings</h2>
${groups.map(({ name, own }) => html`<details><summary>${capital(name)}</summary>${settingsTable(own)}</details>`)}`;
};
