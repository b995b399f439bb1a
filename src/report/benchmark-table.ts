/** The table of a benchmark as text: what was published and what was measured, method by method. */
import type { Benchmark, BenchmarkCell, BenchmarkDraw } from "./benchmark-types.ts";
import { counted, decimal, duration, whole } from "./format.ts";

/** A mean over draws of the labels. */
export interface MeanError {
  readonly mean: number;
  /** Standard error of the mean over draws; absent with fewer than two. */
  readonly standardError?: number;
}

/** Mean of the draws' errors and its standard error, s / √n with the n − 1 divisor; undefined without a draw. */
export const meanError = (draws: readonly BenchmarkDraw[] = []): MeanError | undefined => {
  const n = draws.length;
  if (n === 0) return undefined;
  const mean = draws.reduce((sum, { error }) => sum + error, 0) / n;
  if (n === 1) return { mean };
  const squares = draws.reduce((sum, { error }) => sum + (error - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (n - 1) / n) };
};

/** A table of plain text: what an HTML table and a Markdown table are both made from. */
export interface TextTable {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const NOTHING = "–";

/** `3.33 ± 0.14`, in percent. */
const spread = (share: number, deviation: number | undefined): string =>
  `${decimal(100 * share, 2)}${deviation === undefined ? "" : ` ± ${decimal(100 * deviation, 2)}`}`;

/** One number of labels of one method: the published error and ours, and a note where ours are not the draws that were asked for. */
export interface ErrorPair {
  readonly published: string;
  readonly here: string;
  readonly note?: string;
}

const errorPair = (cell: BenchmarkCell | undefined): ErrorPair => {
  const published =
    cell?.published === undefined ? NOTHING : spread(cell.published.error, cell.published.spread);
  const mean = meanError(cell?.draws);
  if (cell?.draws === undefined || mean === undefined) return { published, here: NOTHING };
  const { length } = cell.draws;
  const { planned = length } = cell;
  const note = length < planned ? `${length} of ${planned} draws` : length === 1 ? "1 draw" : undefined;
  return { published, here: spread(mean.mean, mean.standardError), ...(note !== undefined && { note }) };
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

const errorText = (benchmark: Pick<Benchmark, "cells">): TextTable => {
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

/** A row per method and number of labels, a column per label draw, in percent, and the mean time of a draw. */
export const seedTable = ({ cells }: Pick<Benchmark, "cells">): TextTable => {
  const drawn = cells.flatMap(({ method, labels, draws = [] }) =>
    draws.length > 0 ? [{ method, labels, draws }] : [],
  );
  const seeds = distinct(drawn.flatMap(({ draws }) => draws.map(({ seed }) => seed))).toSorted(
    (a, b) => a - b,
  );
  return {
    heads: ["method", "labels", ...seeds.map((seed) => `seed ${seed}`), "time of one"],
    rows: drawn.map(({ method, labels, draws }) => [
      method,
      whole(labels),
      ...seeds.map((seed) => {
        const draw = draws.find((other) => other.seed === seed);
        return draw === undefined ? NOTHING : spread(draw.error, undefined);
      }),
      duration(draws.reduce((sum, { seconds }) => sum + seconds, 0) / draws.length),
    ]),
  };
};

/** A row per draw, with all errors that were measured of it, in percent. */
export const drawTable = ({ cells }: Pick<Benchmark, "cells">): TextTable => {
  const drawn = cells.flatMap((cell) => (cell.draws ?? []).map((draw) => ({ cell, draw })));
  const others = distinct(drawn.flatMap(({ draw }) => Object.keys(draw.others ?? {})));
  return {
    heads: ["method", "labels", "label seed", "error", ...others, "time"],
    rows: drawn.map(({ cell, draw }) => [
      cell.method,
      whole(cell.labels),
      String(draw.seed),
      spread(draw.error, undefined),
      ...others.map((name) => {
        const error = draw.others?.[name];
        return error === undefined ? NOTHING : spread(error, undefined);
      }),
      duration(draw.seconds),
    ]),
  };
};

/**
 * A Markdown table whose columns stand under each other, so that it reads as well in a terminal. The first column is aligned to the
 * left, the others to the right.
 */
const markdown = ({ heads, rows }: TextTable): string => {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i].length), 3));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? `:${"-".repeat(width + 1)}` : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(heads), rule, ...rows.map((row) => line(row.map((cell) => cell.replaceAll("|", "\\|"))))].join(
    "\n",
  );
};

/**
 * The table of a benchmark as Markdown, which is also how it is printed: errors in percent, the mean of the label draws ± its
 * standard error beside what was published, then every draw with its wall time.
 *
 * @example
 * ```ts
 * console.log(benchmarkMarkdown(benchmark));
 * ```
 */
export const benchmarkMarkdown = (benchmark: Benchmark): string => {
  const { title, source, protocol, shared = [] } = benchmark;
  const draws = drawTable(benchmark);
  return [
    `# ${title}`,
    protocol,
    `Test error in percent; published: ${source}; here: mean over label draws ± standard error of the mean.`,
    markdown(errorText(benchmark)),
    ...shared.map(({ name, seconds }) => `${name}, once for all draws: ${duration(seconds)}.`),
    ...(draws.rows.length > 0 ? [markdown(draws)] : []),
    "",
  ].join("\n\n");
};
