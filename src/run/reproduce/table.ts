/** The paper's table, with what was found here. Errors in percent. */
import type { DrawFigures } from "./kingma2014.ts";
import type { Method } from "./protocol.ts";
import { type PublishedError, published } from "./published.ts";

/** One way to classify at one number of labels, over draws of the labels. */
export interface BenchmarkRow {
  /** As the paper writes it: `M1+M2`. */
  readonly method: string;
  /** `q(y|x)`, `Bayes`, or the classifier of M1. */
  readonly by: string;
  readonly labels: number;
  /** Test error of each draw, by label seed. */
  readonly errors: readonly number[];
  readonly mean: number;
  /** Standard deviation over draws, divisor n − 1, over √n; absent for a single draw. */
  readonly standardError?: number;
  /** Mean error on the validation rows, where there are any. */
  readonly validation?: number;
  /** Mean wall time of a draw's training. */
  readonly seconds: number;
  readonly published: readonly PublishedError[];
}

const NAMES: Readonly<Record<Method, string>> = { m1: "M1", m2: "M2", m1m2: "M1+M2" };

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean and its standard error. */
export function summarise(values: readonly number[]): {
  readonly mean: number;
  readonly standardError?: number;
} {
  const centre = mean(values);
  if (values.length < 2) return { mean: centre };
  const squares = values.reduce((total, v) => total + (v - centre) ** 2, 0);
  return { mean: centre, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** How the paper classifies: M1 by a transductive support vector machine, M2 and M1+M2 by q(y|x). Other ways stand beside nothing. */
const PAPER: Readonly<Record<Method, { readonly by: string; readonly method: string }>> = {
  m1: { by: "transductive-svm", method: "M1+TSVM" },
  m2: { by: "q(y|x)", method: "M2" },
  m1m2: { by: "q(y|x)", method: "M1+M2" },
};

const beside = (method: Method, by: string, labels: number): readonly PublishedError[] =>
  published.filter(
    (row) => row.labels === labels && row.method === PAPER[method].method && by === PAPER[method].by,
  );

/** Rows by labels, method and way to classify, in the order in which they first come. */
export function rowsOf(draws: readonly DrawFigures[]): readonly BenchmarkRow[] {
  const groups = new Map<string, { readonly by: string; readonly draws: DrawFigures[] }>();
  for (const draw of draws) {
    for (const by of Object.keys(draw.testErrors)) {
      const key = `${draw.labels}/${draw.method}/${by}`;
      const group = groups.get(key) ?? { by, draws: [] };
      group.draws.push(draw);
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(({ by, draws: of }): BenchmarkRow => {
    const { method, labels } = of[0];
    const errors = of.map(({ testErrors }) => 100 * testErrors[by]);
    const held = of.flatMap(({ validationErrors }) =>
      by in validationErrors ? [100 * validationErrors[by]] : [],
    );
    return {
      method: NAMES[method],
      by,
      labels,
      errors,
      ...summarise(errors),
      ...(held.length > 0 && { validation: mean(held) }),
      seconds: mean(of.map(({ seconds }) => seconds)),
      published: beside(method, by, labels),
    };
  });
}

const plusMinus = (value: number, spread: number | undefined): string =>
  spread === undefined ? value.toFixed(2) : `${value.toFixed(2)} ± ${spread.toFixed(2)}`;

/** The table as Markdown, a line for each row. */
export function markdownTable(rows: readonly BenchmarkRow[]): string {
  const lines = rows.map(
    ({ method, by, labels, errors, mean: centre, standardError, validation, seconds, published: paper }) =>
      [
        labels,
        method,
        by,
        plusMinus(centre, standardError),
        errors.map((e) => e.toFixed(2)).join(" "),
        validation?.toFixed(2) ?? "–",
        seconds > 0 ? Math.round(seconds) : "–",
        paper
          .map((p) => `${plusMinus(p.error, p.deviation)}${p.source === undefined ? "" : ` (${p.source})`}`)
          .join(", ") || "–",
      ].join(" | "),
  );
  return [
    "| labels | model | by | test error, % | each draw | validation | seconds a draw | published |",
    "|---|---|---|---|---|---|---|---|",
    ...lines.map((line) => `| ${line} |`),
  ].join("\n");
}
