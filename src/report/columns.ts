/** A table's model beside its data: each column real and sampled, and rows beside their reconstructions. */
import { html, raw } from "hono/html";
import { drawFigure, loadPlot } from "./figure.ts";
import { capital, clip, counted, decimal } from "./format.ts";
import { part } from "./opening.ts";
import { figure, type Markup } from "./page.ts";
import type { ColumnValues, ReportData, TableRows } from "./types.ts";

/** At most so many columns are drawn. */
const MOST_COLUMNS = 30;
/** Bars of a histogram, at most; of categories, the most frequent ones. */
const BARS = 24;
const MOST_CATEGORIES = 8;

/** A bar: shares of the real and of the sampled values, from 0 to 1. */
interface Bar {
  readonly from: number;
  readonly to: number;
  readonly real: number;
  readonly sampled: number;
  readonly name: string;
}

/** Shares of values in each bar. */
const shares = (values: readonly number[], edges: readonly number[]): readonly number[] => {
  const found = new Array<number>(edges.length - 1).fill(0);
  const step = edges[1] - edges[0];
  for (const value of values) {
    const bar = Math.floor((value - edges[0]) / step);
    found[Math.min(found.length - 1, Math.max(0, bar))] += 1 / values.length;
  }
  return found;
};

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/** Numbers in bars of equal width. What lies beyond the outer hundredths of both is in the outer bars. */
function numberBars(real: readonly number[], sampled: readonly number[]): readonly Bar[] {
  const sorted = [...real, ...sampled].sort((a, b) => a - b);
  const whole = sorted.every(Number.isInteger);
  const [low, high] = [quantile(sorted, 0.005), quantile(sorted, 0.995)];
  const span = Math.max(high - low, whole ? 1 : 1e-9 * Math.max(1, Math.abs(low)));
  // Whole numbers have bars that stand for as many numbers each.
  const step = whole ? Math.max(1, Math.ceil((span + 1) / BARS)) : span / BARS;
  const count = whole ? Math.ceil((span + 1) / step) : BARS;
  const first = whole ? low - 0.5 : low;
  const edges = Array.from({ length: count + 1 }, (_, i) => first + i * step);
  const [a, b] = [shares(real, edges), shares(sampled, edges)];
  return a.map((share, i) => {
    const [from, to] = [edges[i], edges[i + 1]];
    const name = whole && step === 1 ? decimal(from + 0.5, 0) : `${told(from, step)} to ${told(to, step)}`;
    return { from, to, real: share, sampled: b[i], name };
  });
}

/** A number with as many digits as a step shows. */
const told = (value: number, step: number): string =>
  decimal(value, Math.min(8, Math.max(0, 1 - Math.floor(Math.log10(step)))));

/** Categories by how frequent they are, or in the order that they have; the rest as one. */
function categoryBars(
  real: readonly string[],
  sampled: readonly string[],
  order: readonly string[] | undefined,
): readonly Bar[] {
  const shareOf = (values: readonly string[], name: string): number =>
    values.length === 0 ? 0 : values.filter((value) => value === name).length / values.length;
  const found = new Set([...real, ...sampled]);
  const names = order?.filter((name) => found.has(name)) ?? [...found];
  const bars = names.map((name) => ({ name, real: shareOf(real, name), sampled: shareOf(sampled, name) }));
  if (order === undefined) bars.sort((a, b) => b.real - a.real || b.sampled - a.sampled);
  const shown = bars.slice(0, bars.length > MOST_CATEGORIES ? MOST_CATEGORIES - 1 : bars.length);
  const others = bars.slice(shown.length);
  const sum = (of: "real" | "sampled"): number => others.reduce((total, bar) => total + bar[of], 0);
  return [
    ...shown,
    ...(others.length > 0
      ? [{ name: `${others.length} others`, real: sum("real"), sampled: sum("sampled") }]
      : []),
  ].map((bar, i) => ({ ...bar, from: i - 0.5, to: i + 0.5 }));
}

/** The bars of a column; undefined where it has no values. */
export function barsOf({ real, sampled, categories }: ColumnValues): readonly Bar[] | undefined {
  if (real.length === 0 || sampled.length === 0) return undefined;
  const isNumber = (value: number | string): value is number => typeof value === "number";
  if (real.every(isNumber) && sampled.every(isNumber)) return numberBars(real, sampled);
  const [a, b] = [real.map(String), sampled.map(String)];
  return categoryBars(a, b, categories);
}

/** One column: real values as bars, sampled ones as a line of steps, or as bars beside them for categories. */
export const columnFigure = async (
  column: ColumnValues,
  { width = 250, height = 190 }: { readonly width?: number; readonly height?: number } = {},
): Promise<string | undefined> => {
  const bars = barsOf(column);
  if (bars === undefined) return undefined;
  const Plot = await loadPlot();
  const words = typeof column.real[0] === "string";
  const percents = bars.map((bar) => ({ ...bar, real: 100 * bar.real, sampled: 100 * bar.sampled }));
  const steps = percents.flatMap(({ from, to, sampled }) => [
    { x: from, y: sampled },
    { x: to, y: sampled },
  ]);
  const longest = words ? Math.max(...bars.map(({ name }) => clip(name).length)) : 0;
  const slanted = words && longest * 6.4 > (width - 60) / bars.length;
  const title = ({ name, real, sampled }: Bar): string =>
    `${name}: ${decimal(real)} % of the rows, ${decimal(sampled)} % of the samples`;
  return drawFigure(
    clip(column.name),
    {
      width,
      height: height + (slanted ? longest * 4.6 : 0),
      marginRight: 12,
      marginBottom: slanted ? 26 + longest * 4.6 : 30,
      yLabel: "% of rows",
      x: {
        label: null,
        tickSize: words ? 0 : 4,
        ...(words
          ? {
              ticks: bars.map((_, i) => i),
              tickFormat: (i: number) => clip(bars[i]?.name ?? ""),
              tickRotate: slanted ? -40 : 0,
              domain: [-0.6, bars.length - 0.4],
            }
          : { ticks: 4 }),
      },
      y: { grid: true, ticks: 4, tickSize: 0, nice: true },
    },
    [
      Plot.rectY(percents, {
        x1: ({ from }: Bar) => (words ? from + 0.1 : from),
        x2: ({ from, to }: Bar) => (words ? (from + to) / 2 : to),
        y1: 0,
        y2: "real",
        fill: "var(--active)",
        fillOpacity: 0.45,
        title,
      }),
      words
        ? Plot.rectY(percents, {
            x1: ({ from, to }: Bar) => (from + to) / 2,
            x2: ({ to }: Bar) => to - 0.1,
            y1: 0,
            y2: "sampled",
            fill: "var(--extra)",
            fillOpacity: 0.8,
            title,
          })
        : Plot.line(steps, { x: "x", y: "y", stroke: "var(--extra)", strokeWidth: 1.6 }),
      Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
    ],
    [
      { name: "real", colour: "var(--active)" },
      { name: "sampled", colour: "var(--extra)" },
    ],
  );
};

/** Columns real against sampled. */
export const tableColumns = async (data: ReportData): Promise<Markup | undefined> => {
  const { columns = [] } = data;
  const drawn = await Promise.all(columns.slice(0, MOST_COLUMNS).map((column) => columnFigure(column)));
  const panels = drawn.filter((svg) => svg !== undefined);
  if (panels.length === 0) return undefined;
  const most = Math.max(...columns.map(({ sampled }) => sampled.length));
  return html`<h2>Columns, real and sampled</h2>
${figure(
  html`<div class="panels">${panels.map((svg) => raw(svg))}</div>`,
  html`Each column of the ${part(data)} rows, and of ${counted(most, "row")} that the model drew: a code from the prior, then a row from p(x\u00a0|\u00a0z). Blank cells are left out. Where the two differ, the model has not learnt the column, or its type does not fit: <code>--type</code> has another.${columns.length > MOST_COLUMNS && html` The first ${MOST_COLUMNS} of ${columns.length} columns are shown.`} That each column fits does not say that columns fit together.`,
)}`;
};

/** Rows of a table beside their reconstructions. */
export const tableReconstructions = (data: ReportData): Markup | undefined => {
  const { tableRows } = data;
  if (tableRows === undefined || tableRows.originals.length === 0) return undefined;
  const { columns, rowNoun = "row", names }: TableRows = tableRows;
  const lines = tableRows.originals.map(
    (
      cells,
      i,
    ) => html`<tr><th scope="row" rowspan="2">${names[i]}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
<tr class="again">${(tableRows.reconstructions[i] ?? []).map((cell) => html`<td>${cell}</td>`)}</tr>`,
  );
  return html`<h2>Reconstructions</h2>
${figure(
  html`<div class="scroll"><table class="numbers named pairs"><thead><tr><th scope="col">${rowNoun}</th>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${lines}</tbody></table></div>`,
  html`${capital(part(data))} rows, and in italics below each its reconstruction from ${counted(data.summary.latent, "number")}: the mean of each column, or its most probable category, at the mean of the code. Where a cell is blank (–), the reconstruction is what the other cells suggest.`,
)}`;
};
