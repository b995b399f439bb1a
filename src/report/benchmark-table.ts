/** The table of a benchmark as text: published and measured figures, by method. */
import type { Benchmark, BenchmarkCell, BenchmarkDraw } from "./benchmark-types.ts";
import { capital, counted, decimal, duration, whole } from "./format.ts";

/** A mean over draws of the labels. */
export interface MeanError {
  readonly mean: number;
  /** Standard error of the mean over draws; absent with fewer than two. */
  readonly standardError?: number;
}

/** Mean of the draws' errors (NaN if there are none) and its standard error, s / √n, with divisor n − 1 in s. */
export const meanError = (errors: readonly number[]): MeanError => {
  const n = errors.length;
  const mean = errors.reduce((sum, error) => sum + error, 0) / n;
  if (n < 2) return { mean };
  const squares = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (n - 1) / n) };
};

/** The errors of a cell's draws. */
export const errorsOf = ({ draws = [] }: BenchmarkCell): readonly number[] => draws.map(({ error }) => error);

/** A table of plain text, from which HTML and Markdown tables are made. */
export interface TextTable {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const NOTHING = "–";

/** `3.33 ± 0.14`, in percent. */
const spread = (share: number, deviation: number | undefined): string =>
  `${decimal(100 * share, 2)}${deviation === undefined ? "" : ` ± ${decimal(100 * deviation, 2)}`}`;

/** One number of labels of one method: the published error and ours, and a note if some of the draws are missing. */
export interface ErrorPair {
  readonly published: string;
  readonly here: string;
  readonly note?: string;
}

const errorPair = (cell: BenchmarkCell | undefined): ErrorPair => {
  const published =
    cell?.published === undefined ? NOTHING : spread(cell.published.error, cell.published.spread);
  const errors = cell === undefined ? [] : errorsOf(cell);
  const { length } = errors;
  if (length === 0) return { published, here: NOTHING };
  const { planned = length } = cell ?? {};
  const note = length < planned ? `${length} of ${planned} draws` : length === 1 ? "1 draw" : undefined;
  const { mean, standardError } = meanError(errors);
  return { published, here: spread(mean, standardError), ...(note !== undefined && { note }) };
};

const distinct = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

/** A row per method, a pair per number of labels, in percent. */
export interface ErrorTable {
  readonly labels: readonly number[];
  readonly rows: readonly { readonly method: string; readonly pairs: readonly ErrorPair[] }[];
}

export const errorTable = ({ cells }: Pick<Benchmark, "cells">): ErrorTable => {
  const labels = distinct(cells.map((cell) => cell.labels));
  return {
    labels,
    rows: distinct(cells.map((cell) => cell.method)).map((method) => ({
      method,
      pairs: labels.map((n) => errorPair(cells.find((cell) => cell.method === method && cell.labels === n))),
    })),
  };
};

const comparisonText = (benchmark: Pick<Benchmark, "cells">): TextTable => {
  const { labels, rows } = errorTable(benchmark);
  return {
    heads: ["method", ...labels.flatMap((n) => [`${counted(n, "label")}, published`, "here"])],
    rows: rows.map(({ method, pairs }) => [
      method,
      ...pairs.flatMap(({ published, here, note }) => [
        published,
        note === undefined ? here : `${here} (${note})`,
      ]),
    ]),
  };
};

/** Names of the other errors of the draws. */
const otherNames = (draws: readonly BenchmarkDraw[]): readonly string[] =>
  distinct(draws.flatMap(({ others = {} }) => Object.keys(others)));

const errorText = (error: number | undefined): string =>
  error === undefined ? NOTHING : spread(error, undefined);

const timeText = (seconds: readonly number[]): string =>
  seconds.length === 0 ? NOTHING : duration(seconds.reduce((sum, each) => sum + each, 0) / seconds.length);

/** A row per method and number of labels, a column per label draw, in percent; then means of the draws' other errors and times. */
export const seedTable = ({ cells }: Pick<Benchmark, "cells">): TextTable => {
  const drawn = cells.flatMap(({ method, labels, draws = [] }) =>
    draws.length > 0 ? [{ method, labels, draws }] : [],
  );
  const all = drawn.flatMap(({ draws }) => draws);
  const seeds = distinct(all.map(({ seed }) => seed)).toSorted((a, b) => a - b);
  const others = otherNames(all);
  return {
    heads: [
      "method",
      "labels",
      ...seeds.map((seed) => `seed ${seed}`),
      ...others.map((name) => `${name}, mean`),
      "time of one",
    ],
    rows: drawn.map(({ method, labels, draws }) => [
      method,
      whole(labels),
      ...seeds.map((seed) => errorText(draws.find((other) => other.seed === seed)?.error)),
      ...others.map((name) => {
        const errors = draws.flatMap((draw) => draw.others?.[name] ?? []);
        return errors.length === 0 ? NOTHING : errorText(meanError(errors).mean);
      }),
      timeText(draws.flatMap(({ seconds }) => seconds ?? [])),
    ]),
  };
};

/** A row per draw, with all its errors, in percent. */
export const drawTable = ({ cells }: Pick<Benchmark, "cells">): TextTable => {
  const drawn = cells.flatMap((cell) => (cell.draws ?? []).map((draw) => ({ cell, draw })));
  const others = otherNames(drawn.map(({ draw }) => draw));
  return {
    heads: ["method", "labels", "label seed", "error", ...others, "time"],
    rows: drawn.map(({ cell, draw }) => [
      cell.method,
      whole(cell.labels),
      String(draw.seed),
      errorText(draw.error),
      ...others.map((name) => errorText(draw.others?.[name])),
      timeText(draw.seconds === undefined ? [] : [draw.seconds]),
    ]),
  };
};

/** A Markdown table with aligned columns, readable in a terminal. The first column is aligned left, the others right. */
export const markdown = ({ heads, rows }: TextTable): string => {
  const [head, ...body] = [heads, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((name, i) => Math.max(name.length, ...body.map((row) => row[i].length), 3));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? `:${"-".repeat(width + 1)}` : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
};

/**
 * The table of a benchmark as Markdown, which is also what is printed: errors in percent, as the mean of the label draws ± its standard
 * error beside the published figure; then the error of every draw and the wall time of one.
 *
 * @example
 * ```ts
 * console.log(benchmarkMarkdown(benchmark));
 * ```
 */
export const benchmarkMarkdown = (benchmark: Benchmark): string => {
  const { title, source, protocol, shared = [] } = benchmark;
  const draws = seedTable(benchmark);
  return [
    `# ${title}`,
    protocol,
    `Test error in percent; published: ${source}; here: mean over label draws ± standard error of the mean.`,
    markdown(comparisonText(benchmark)),
    ...shared.map(({ name, seconds }) => `${capital(name)}, once for all draws: ${duration(seconds)}.`),
    ...(draws.rows.length > 0 ? [markdown(draws)] : []),
  ]
    .map((part) => `${part}\n`)
    .join("\n");
};
