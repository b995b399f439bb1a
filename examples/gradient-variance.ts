/**
 * The same gradient by two estimators. Pathwise gradients go through the draw, and the noise in one component does not depend on the number
 * of others. The score function multiplies ∇ log q by the whole cost, so its noise grows as dimensions are added.
 */
import { writeFileSync } from "node:fs";
import { model, Normal, sgd, svi, tensor } from "tightbound";
import type { Estimator } from "tightbound/inference";
import * as nn from "tightbound/nn";
import { drawCurves } from "./support/curves.ts";
import { gradientMoments } from "./support/gradients.ts";
import { table } from "./table.ts";

export const estimators = ["score", "pathwise"] as const satisfies readonly Estimator[];
type Compared = (typeof estimators)[number];

export interface Row {
  readonly dimension: number;
  /** The gradient in the guide's first mean, in closed form. */
  readonly exact: number;
  readonly by: Readonly<Record<Compared, { readonly mean: number; readonly variance: number }>>;
}

const SCALE = 0.25;

/** z ~ N(0, I), x | z ~ N(z, I) with x = 1; the guide is N(0, ¼² I), so that ∂ELBO/∂mean = x − 2 · mean = 1. */
export function programs(dimension: number) {
  const { zeros, constant } = nn.initializers;
  const one = tensor(new Array<number>(dimension).fill(1));
  const target = model(({ sample, observe }) => {
    const z = sample("z", Normal(0, 1).expand([dimension]).toEvent(1));
    observe("x", Normal(z, 1).toEvent(1), one);
  });
  const guide = model(({ sample, param }) => {
    const logScale = param("logScale", [dimension], constant(Math.log(SCALE)));
    sample("z", Normal(param("loc", [dimension], zeros), { logScale }).toEvent(1));
  });
  return { target, guide };
}

/** Mean and variance of each estimator's gradient, from `draws` gradients with one draw of z each. */
export async function gradientVariance(
  dimensions: readonly number[],
  draws: number,
  seed: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const dimension of dimensions) {
    const { target, guide } = programs(dimension);
    const measure = async (estimator: Compared) => {
      const options = {
        estimators: estimator,
        baseline: "none",
        optimizer: sgd({ learningRate: 0 }),
      } as const;
      const { compiled } = await svi(target, guide).init([], { ...options, seed });
      const { mean, variance } = await gradientMoments(compiled, ["loc"], draws);
      return { mean: mean[0], variance: variance[0] };
    };
    rows.push({
      dimension,
      exact: 1,
      by: { score: await measure("score"), pathwise: await measure("pathwise") },
    });
  }
  return rows;
}

/** `npm run example -- gradient-variance [figure.svg]` */
export async function main([path = "gradient-variance.svg"]: readonly string[]): Promise<void> {
  const draws = 20_000;
  const rows = await gradientVariance([1, 2, 4, 8, 16, 32, 64, 128], draws, 0);
  const cells = ({ mean, variance }: { readonly mean: number; readonly variance: number }) => [
    `${mean.toFixed(3)} ± ${Math.sqrt(variance / draws).toFixed(3)}`,
    variance.toPrecision(3),
  ];
  console.log(
    table(
      ["dimensions", "exact", "score function", "variance", "pathwise", "variance"],
      rows.map(({ dimension, exact, by }) => [
        String(dimension),
        String(exact),
        ...cells(by.score),
        ...cells(by.pathwise),
      ]),
    ),
  );
  const x = rows.map((r) => r.dimension);
  const curve = (name: string, estimator: Compared) =>
    ({ name, x, y: rows.map((r) => r.by[estimator].variance), mark: "line and dots" }) as const;
  const figure = await drawCurves({
    title: "One gradient, two estimators",
    xLabel: "dimensions of z",
    yLabel: "variance of one component of the gradient, one draw",
    xScale: "log",
    yScale: "log",
    curves: [curve("score function", "score"), curve("pathwise", "pathwise")],
    lines: [{ name: "the gradient squared", y: 1 }],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
