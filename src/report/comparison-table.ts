/** A comparison of runs as rows of text, for a terminal and for a page. */
import type { ComparedFigure, Comparison } from "./comparison-types.ts";
import { decimal, duration, percent, whole } from "./format.ts";

const NOTHING = "–";

/** A value of a figure, for readers. */
export const figureText = ({ unit }: Pick<ComparedFigure, "unit">, value: number | undefined): string => {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  if (unit === "share") return percent(value);
  if (unit === "seconds") return duration(value);
  return unit === "count" ? whole(value) : decimal(value, 2);
};

/** One row of the table: a name, and a cell for each run. */
export interface ComparisonRow {
  readonly name: string;
  readonly cells: readonly string[];
}

/** The figures, one row each. */
export const figureRows = ({ figures }: Pick<Comparison, "figures">): readonly ComparisonRow[] =>
  figures.map((figure) => ({
    name: figure.name,
    cells: figure.values.map((value) => figureText(figure, value)),
  }));

/** The settings that differ, one row each. */
export const settingRows = ({ settings }: Pick<Comparison, "settings">): readonly ComparisonRow[] =>
  settings.map(({ name, values }) => ({ name, cells: values.map((value) => value ?? NOTHING) }));

/** Longest cell in a terminal: the rest is on the page. */
const WIDEST = 28;

/** Short enough for a column, with spaces that a terminal's search finds. */
const clipped = (text: string): string =>
  (text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text).replaceAll("\u00a0", " ");

/** What the comparison found, in one sentence. */
export const verdict = ({ best, runs, figures }: Pick<Comparison, "best" | "runs" | "figures">): string => {
  if (best === undefined) return "";
  const figure = figures.find(({ name }) => name === best.figure);
  const value = figure && figureText(figure, figure.values[best.run]);
  return `Best by ${best.figure}: ${runs[best.run].name}${value === undefined ? "" : `, ${value.replaceAll("\u00a0", " ")}`}.`;
};

/**
 * The comparison as lines for a terminal: a column for each run, the settings that differ above the figures, then the best run and what to
 * bear in mind.
 */
export const comparisonLines = (comparison: Comparison): readonly string[] => {
  const { runs, remarks } = comparison;
  const head = { name: "", cells: runs.map(({ name }) => name) };
  const rows = [head, ...settingRows(comparison), ...figureRows(comparison)].map(({ name, cells }) => [
    name,
    ...cells.map(clipped),
  ]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const [first, ...rest] = rows;
  const settings = rest.slice(0, comparison.settings.length);
  const found = verdict(comparison);
  return [
    line(first),
    ...settings.map(line),
    ...(settings.length > 0 ? [""] : []),
    ...rest.slice(settings.length).map(line),
    "",
    ...(found === "" ? [] : [found]),
    ...remarks,
  ];
};
