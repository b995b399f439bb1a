/**
 * Ordered answers: the party identification of 944 Americans in 1996, from strong Democrat (0) to strong Republican (6), by their place from
 * liberal to conservative, age, education and income. The codes are an order and no distances: few people are independent (3), many are at
 * the ends. An ordered logistic or probit regression learns where the steps between the answers are. A normal regression of the codes has
 * to take the steps as equal, and cannot say that the ends are full and the middle is empty.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { map, model, type Program, tensor } from "tightbound";
import { constraints, flat, Normal, OrderedLogistic, OrderedProbit } from "tightbound/distributions";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

export const predictors = ["self_lr", "age", "education", "income"] as const;
/** Answers 0, …, 6. */
const ANSWERS = 7;

export interface Answers {
  /** Standardised, [rows, predictors]. */
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
}

function standardised(values: readonly number[]): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length);
  return values.map((v) => (v - mean) / sd);
}

/** The rows of the election study. */
export function answers(path = "examples/data/anes96.csv"): Answers {
  const [head, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  const names = head.split(",");
  const column = (name: string): number[] =>
    lines.map((line) => Number(line.split(",")[names.indexOf(name)]));
  const columns = predictors.map((name) => standardised(column(name)));
  return { x: lines.map((_, i) => columns.map((c) => c[i])), y: column("party") };
}

export const links = ["logistic", "probit"] as const;
export type Link = (typeof links)[number];

const families = { logistic: OrderedLogistic, probit: OrderedProbit } as const;

/** Flat priors: the mode is the maximum likelihood. */
export function ordinal({ x, y }: Answers, link: Link): Program<[]> {
  const [rows, answer] = [tensor(x.map((row) => [...row])), tensor(y.map(Number))];
  return model(({ sample, observe, plate }) => {
    const slopes = sample("slopes", flat(constraints.real, [predictors.length]));
    const cutpoints = sample("cutpoints", flat(constraints.orderedVector, [ANSWERS - 1]));
    plate("person", y.length, () => {
      observe("party", families[link](rows.mul(slopes).sum(-1), cutpoints), answer);
    });
  });
}

export interface Fit {
  readonly slopes: readonly number[];
  readonly cutpoints: readonly number[];
}

export async function regress(data: Answers, link: Link): Promise<Fit> {
  const { values } = await map(ordinal(data, link)).run([]);
  const at = (site: string): number[] => Array.from(values.get(site)?.data ?? [], Number);
  return { slopes: at("slopes"), cutpoints: at("cutpoints") };
}

/** The ordinary least squares of the codes: slopes, intercept and standard deviation. */
export async function leastSquares({ x, y }: Answers) {
  const [rows, answer] = [tensor(x.map((row) => [...row])), tensor(y.map(Number))];
  const program = model(({ sample, observe, plate }) => {
    const slopes = sample("slopes", flat(constraints.real, [predictors.length]));
    const intercept = sample("intercept", flat(constraints.real));
    const sigma = sample("sigma", flat(constraints.positive));
    plate("person", y.length, () => {
      observe("party", Normal(rows.mul(slopes).sum(-1).add(intercept), sigma), answer);
    });
  });
  const { values } = await map(program).run([]);
  const at = (site: string): number[] => Array.from(values.get(site)?.data ?? [], Number);
  return { slopes: at("slopes"), intercept: at("intercept")[0], sigma: at("sigma")[0] };
}

/** P(answer) of every person, [answers][persons]. */
export async function probabilities(
  data: Answers,
  link: Link,
  { slopes, cutpoints }: Fit,
): Promise<number[][]> {
  const predictor = tensor(
    data.x.map((row) => row.reduce((sum, v, i) => sum + v * slopes[i], 0)),
    { dtype: "float64" },
  );
  const one = families[link](predictor, tensor(cutpoints, { dtype: "float64" }));
  const each = Array.from({ length: ANSWERS }, (_, k) => one.logProb(k).exp().value());
  return (await Promise.all(each)).map(({ data: p }) => Array.from(p, Number));
}

/** The same under the normal regression: the probability of all numbers that round to the answer, the ends left open. */
export async function roundedProbabilities(
  data: Answers,
  { slopes, intercept, sigma }: Awaited<ReturnType<typeof leastSquares>>,
): Promise<number[][]> {
  const loc = data.x.map((row) => row.reduce((sum, v, i) => sum + v * slopes[i], intercept));
  const about = Normal(tensor(loc, { dtype: "float64" }), tensor(sigma, { dtype: "float64" }));
  const cuts = Array.from({ length: ANSWERS - 1 }, (_, k) => about.cdf(k + 0.5).value());
  const below = (await Promise.all(cuts)).map(({ data: p }) => Array.from(p, Number));
  return Array.from({ length: ANSWERS }, (_, k) =>
    loc.map((_, i) => (below[k]?.[i] ?? 1) - (below[k - 1]?.[i] ?? 0)),
  );
}

/** Σ ln P(given answer), and the expected number of each answer. */
export const judged = (data: Answers, p: readonly (readonly number[])[]) => ({
  logLikelihood: data.y.reduce((sum, k, i) => sum + Math.log(p[k][i]), 0),
  expected: p.map((row) => row.reduce((a, b) => a + b, 0)),
});

/** `npm run example -- ordinal-regression [figure.svg]` */
export async function main([path = "ordinal-regression.svg"]: readonly string[]): Promise<void> {
  const data = answers();
  const counts = Array.from({ length: ANSWERS }, (_, k) => data.y.filter((v) => v === k).length);
  const normal = await leastSquares(data);
  const ways = [
    ...(await Promise.all(
      links.map(async (link) => {
        const found = await regress(data, link);
        return {
          name: `ordered ${link}`,
          slopes: found.slopes,
          ...judged(data, await probabilities(data, link, found)),
        };
      }),
    )),
    {
      name: "normal, of the codes",
      slopes: normal.slopes,
      ...judged(data, await roundedProbabilities(data, normal)),
    },
  ];
  console.log(
    table(
      ["regression", "log likelihood", ...predictors, "expected strong Democrats", "independents"],
      ways.map((w) => [
        w.name,
        w.logLikelihood.toFixed(1),
        ...w.slopes.map((b) => b.toFixed(2)),
        w.expected[0].toFixed(0),
        w.expected[3].toFixed(0),
      ]),
    ),
  );
  const x = counts.map((_, k) => k);
  const figure = await drawCurves({
    title: "Party identification",
    xLabel: "from strong Democrat to strong Republican",
    yLabel: "people",
    curves: [
      { name: "answers", x, y: counts, mark: "dots" },
      { name: "ordered logistic", x, y: ways[0].expected },
      { name: "normal, of the codes", x, y: ways[2].expected, mark: "dashed" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
