/** The paper's table with the errors found here. Errors are shares of rows. */
import { meanError } from "../report/index.ts";
import type { DrawFigures } from "./kingma2014.ts";
import { type Method, protocols } from "./protocol.ts";
import { type PublishedError, published } from "./published.ts";

/** One way to classify at one number of labels, over draws of the labels. */
export interface BenchmarkRow {
  /** The name in the paper: `M1+M2`. */
  readonly method: string;
  /** `q(y|x)`, `Bayes`, or the classifier of M1. */
  readonly by: string;
  readonly labels: number;
  /** Test error of each draw, by label seed. */
  readonly errors: readonly number[];
  /** Mean of `errors`. */
  readonly mean: number;
  /** Standard deviation over draws, divisor n − 1, over √n; absent for a single draw. */
  readonly standardError?: number;
  /** Mean error on the validation rows, if there are any. */
  readonly validation?: number;
  /** Mean wall time of a draw's training. */
  readonly seconds: number;
  readonly published: readonly PublishedError[];
}

const mean = (values: readonly number[]): number => meanError(values).mean;

/** The published figures for one way to classify at one number of labels. */
export const beside = (method: Method, by: string, labels: number): readonly PublishedError[] =>
  by === protocols[method].paper.by
    ? published.filter((row) => row.labels === labels && row.method === protocols[method].paper.method)
    : [];

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
    const errors = of.map(({ testErrors }) => testErrors[by]);
    const held = of.flatMap(({ validationErrors }) => (by in validationErrors ? [validationErrors[by]] : []));
    return {
      method: protocols[method].name,
      by,
      labels,
      errors,
      ...meanError(errors),
      ...(held.length > 0 && { validation: mean(held) }),
      seconds: mean(of.map(({ seconds }) => seconds)),
      published: beside(method, by, labels),
    };
  });
}
