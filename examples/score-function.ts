/**
 * The score function ∇ log q has mean zero for every distribution. This is why a baseline may be subtracted from the factor that
 * multiplies it. And E[f(x) ∇ log q(x)] is the gradient of E[f(x)], shown here for f(x) = x, whose gradient is known.
 */
import { writeFileSync } from "node:fs";
import {
  Bernoulli,
  Beta,
  compile,
  type Distribution,
  Gamma,
  grad,
  Normal,
  Poisson,
  type Tensor,
} from "tightbound";
import { stopGradient } from "tightbound/tensor";
import { drawCurves } from "./support/curves.ts";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

interface Case {
  readonly name: string;
  /** The parameter that is differentiated. */
  readonly parameter: string;
  readonly at: number;
  readonly family: (parameter: Tensor) => Distribution;
}

export const cases: readonly Case[] = [
  { name: "Normal(μ, 2)", parameter: "μ", at: 1, family: (mu) => Normal(mu, 2) },
  { name: "Normal(1, σ)", parameter: "σ", at: 2, family: (sigma) => Normal(1, sigma) },
  { name: "Beta(a, 3)", parameter: "a", at: 2, family: (a) => Beta(a, 3) },
  { name: "Gamma(a, 1)", parameter: "a", at: 0.7, family: (a) => Gamma(a, 1) },
  { name: "Poisson(λ)", parameter: "λ", at: 4, family: (rate) => Poisson(rate) },
  { name: "Bernoulli(p)", parameter: "p", at: 0.1, family: (probs) => Bernoulli({ probs }) },
];

export interface Row {
  readonly case: Case;
  /** ∇ log q(x) of each draw. */
  readonly scores: Float64Array;
  readonly mean: number;
  readonly standardError: number;
  /** ∇E[x]: from the scores, its standard error, and in closed form. */
  readonly gradient: number;
  readonly gradientError: number;
  readonly exactGradient: number;
}

/** Draws from each distribution, and the score of each draw. */
export async function scoreFunction(draws: number, seed: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [i, one] of cases.entries()) {
    const evaluate = compile(
      (parameter: Tensor) => {
        const q = one.family(parameter);
        const x = stopGradient(q.sample(one.name));
        const [score] = grad(q.logProb(x).sum(), [parameter]);
        const [exact] = grad(q.mean().sum(), [parameter]);
        return { x: x.cast("float64"), score, exact };
      },
      { executor: "host", seed: seed + i },
    );
    // Repeat the parameter for each draw, so that each draw has its own derivative.
    const { x, score, exact } = await evaluate(new Float64Array(draws).fill(one.at));
    const scores = score.data as Float64Array;
    const { mean, standardError } = momentsOf(scores);
    const weighted = momentsOf(scores.map((s, j) => s * Number(x.data[j])));
    rows.push({
      case: one,
      scores,
      mean,
      standardError,
      gradient: weighted.mean,
      gradientError: weighted.standardError,
      exactGradient: Number(exact.data[0]),
    });
  }
  return rows;
}

/** The mean of the first k scores in units of their standard deviation, for values of k that are evenly spaced on a logarithmic axis. */
function runningMeans({ scores, standardError }: Row) {
  const sd = standardError * Math.sqrt(scores.length);
  const [x, y]: [number[], number[]] = [[], []];
  let total = 0;
  scores.forEach((s, i) => {
    total += s;
    if (i + 1 < 1.06 * (x.at(-1) ?? 0) || i < 9) return;
    x.push(i + 1);
    y.push(total / (i + 1) / sd);
  });
  return { x, y };
}

/** `npm run example -- score-function [figure.svg]` */
export async function main([path = "score-function.svg"]: readonly string[]): Promise<void> {
  const rows = await scoreFunction(100_000, 0);
  const pm = (value: number, error: number) => `${value.toFixed(4)} ± ${error.toFixed(4)}`;
  console.log(
    table(
      ["distribution", "in", "mean score", "E[x · score]", "∇E[x]"],
      rows.map((row) => [
        row.case.name,
        `${row.case.parameter} = ${row.case.at}`,
        pm(row.mean, row.standardError),
        pm(row.gradient, row.gradientError),
        row.exactGradient.toFixed(4),
      ]),
    ),
  );
  const curves = rows.map((row) => ({ name: row.case.name, ...runningMeans(row) }));
  const { x } = curves[0];
  const figure = await drawCurves({
    title: "The score has mean zero",
    xLabel: "draws",
    yLabel: "mean score so far, in its standard deviations",
    xScale: "log",
    yDomain: [-0.66, 0.66],
    curves: [
      ...curves,
      {
        name: "2 standard errors",
        x,
        y: x.map(() => 0),
        band: x.map((k) => 2 / Math.sqrt(k)),
        mark: "band",
      },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
