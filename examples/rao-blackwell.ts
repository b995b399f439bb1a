/**
 * Rao-Blackwellisation: the score of a site is multiplied only by the part of the cost that depends on the site. The program's plate
 * tells which part that is. If the same rows are one event, they share one cost, and each suffers from the noise of all others.
 */
import { writeFileSync } from "node:fs";
import { Bernoulli, compile, elbo, grad, model, Normal, sgd, svi, tensor } from "tightbound";
import * as nn from "tightbound/nn";
import { drawCurves } from "./support/curves.ts";
import { gradientMoments } from "./support/gradients.ts";
import { table } from "./table.ts";

export interface Row {
  readonly rows: number;
  /** Mean and variance of one component of the gradient, that of the first row. */
  readonly exact: number;
  readonly each: { readonly mean: number; readonly variance: number };
  readonly joint: { readonly mean: number; readonly variance: number };
}

/** bᵢ ~ Bernoulli(½), xᵢ ~ N(2 bᵢ − 1, 1) for each row; the guide has a logit for each bᵢ. */
export function programs(rows: number, together: boolean) {
  const data = tensor(Array.from({ length: rows }, (_, i) => 1 + Math.cos(i)));
  const shape = together ? [rows] : [];
  // Either one event, or rows of a plate, which the bound knows to be independent.
  const eventRank = together ? 1 : 0;
  const target = model(({ sample, observe, plate }) => {
    const body = () => {
      const b = sample("b", Bernoulli({ probs: 0.5 }).expand(shape).toEvent(eventRank));
      observe("x", Normal(b.mul(2).sub(1), 1).toEvent(eventRank), data);
    };
    if (together) body();
    else plate("row", rows, body);
  });
  const guide = model(({ sample, plate, param }) => {
    const logits = param("logits", [rows], nn.initializers.constant(0.5));
    const body = () => sample("b", Bernoulli({ logits }).toEvent(eventRank));
    if (together) body();
    else plate("row", rows, body);
  });
  return { target, guide };
}

/** The score function's gradient with and without the plate, and the exact one. */
export async function raoBlackwell(sizes: readonly number[], draws: number, seed: number): Promise<Row[]> {
  const found: Row[] = [];
  for (const rows of sizes) {
    const measure = async (together: boolean) => {
      const { target, guide } = programs(rows, together);
      const options = { estimators: "score", baseline: "none", optimizer: sgd({ learningRate: 0 }) } as const;
      const { compiled } = await svi(target, guide).init([], { ...options, seed });
      const { mean, variance } = await gradientMoments(compiled, ["logits"], draws);
      return { mean: mean[0], variance: variance[0] };
    };
    const { target, guide } = programs(rows, false);
    const { surrogate } = elbo(target, guide, [], { estimators: "enumeration" });
    const [{ tensor: logits }] = guide.parameters();
    const exact = await compile(() => grad(surrogate, [logits])[0], { executor: "host" })();
    found.push({
      rows,
      exact: Number(exact.data[0]),
      each: await measure(false),
      joint: await measure(true),
    });
  }
  return found;
}

/** `npm run example -- rao-blackwell [figure.svg]` */
export async function main([path = "rao-blackwell.svg"]: readonly string[]): Promise<void> {
  const draws = 20_000;
  const rows = await raoBlackwell([1, 2, 4, 8, 16, 32, 64], draws, 0);
  const cells = ({ mean, variance }: Row["each"]) => [
    `${mean.toFixed(4)} ± ${Math.sqrt(variance / draws).toFixed(4)}`,
    variance.toPrecision(3),
  ];
  console.log(
    table(
      ["rows", "exact", "whole cost", "variance", "own cost", "variance"],
      rows.map((r) => [String(r.rows), r.exact.toFixed(4), ...cells(r.joint), ...cells(r.each)]),
    ),
  );
  const x = rows.map((r) => r.rows);
  const figure = await drawCurves({
    title: "Rao-Blackwellisation of the score function",
    xLabel: "rows of the plate",
    yLabel: "variance of one row's gradient",
    xScale: "log",
    yScale: "log",
    curves: [
      { name: "whole cost", x, y: rows.map((r) => r.joint.variance), mark: "line and dots" },
      { name: "own cost", x, y: rows.map((r) => r.each.variance), mark: "line and dots" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
