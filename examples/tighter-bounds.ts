/**
 * Tighter bounds with more samples: E[log (1/K) Σ w] rises with K from the ELBO to the log evidence (Burda, Grosse and Salakhutdinov
 * 2015), and its gap falls as Var(w / p(x)) / 2K (Domke and Sheldon 2018). The guide stays the same: more draws improve only the bound.
 */
import { writeFileSync } from "node:fs";
import { compile, model, Normal, tensor } from "tightbound";
import { importanceWeighted } from "tightbound/inference";
import { drawCurves } from "./support/curves.ts";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

const D = 5;
/** Precision of the observation. */
const B = 0.6;
const X = 3;

/** z ~ N(0, I) with 5 dimensions, x ~ N(Σ z, 1/B); the guide is the best one without correlation, with precision 1 + B. */
export const target = model(({ sample, observe }) => {
  const z = sample("z", Normal(0, 1).expand([D]).toEvent(1));
  observe("x", Normal(z.sum(-1), 1 / Math.sqrt(B)), tensor(X));
});
export const guide = model(({ sample }) => {
  const loc = tensor(new Array<number>(D).fill((B * X) / (1 + B * D)));
  sample("z", Normal(loc, 1 / Math.sqrt(1 + B)).toEvent(1));
});

/** x ~ N(0, D + 1/B); and the ELBO, whose gap is the divergence of precisions 1 + B from I + B · 11ᵀ. */
export const exact = {
  logEvidence: -0.5 * (Math.log(2 * Math.PI * (D + 1 / B)) + X ** 2 / (D + 1 / B)),
  gap: 0.5 * (D * Math.log(1 + B) - Math.log(1 + B * D)),
};

export interface Row {
  readonly samples: number;
  readonly bound: number;
  readonly standardError: number;
  /** The log evidence minus Var(w / p(x)) / 2K. */
  readonly predicted: number;
}

const logMeanExp = (values: Float64Array): number => {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((n, v) => n + Math.exp(v - top), 0) / values.length);
};

/** The bound for K = 1, 2, 4, … up to `most`, from the same `repetitions` × `most` draws. */
export async function tighterBounds(most: number, repetitions: number, seed: number): Promise<Row[]> {
  const weights = compile(() => importanceWeighted(target, guide, [], { particles: most }).logWeights, {
    executor: "host",
    seed,
  });
  const draws = new Float64Array(most * repetitions);
  for (let i = 0; i < repetitions; i++) draws.set((await weights()).data as Float32Array, i * most);
  const { mean: variance } = momentsOf(draws.map((w) => (Math.exp(w - exact.logEvidence) - 1) ** 2));
  const rows: Row[] = [];
  for (let samples = 1; samples <= most; samples *= 2) {
    const groups = Float64Array.from({ length: draws.length / samples }, (_, i) =>
      logMeanExp(draws.subarray(i * samples, (i + 1) * samples)),
    );
    const { mean: bound, standardError } = momentsOf(groups);
    rows.push({
      samples,
      bound,
      standardError,
      predicted: exact.logEvidence - variance / (2 * samples),
    });
  }
  return rows;
}

/** `npm run example -- tighter-bounds [figure.svg]` */
export async function main([path = "tighter-bounds.svg"]: readonly string[]): Promise<void> {
  const rows = await tighterBounds(1024, 1000, 0);
  console.log(
    table(
      ["samples", "bound, nats", "gap", "Var / 2K"],
      rows.map(({ samples, bound, standardError, predicted }) => [
        String(samples),
        `${bound.toFixed(4)} ± ${standardError.toFixed(4)}`,
        (exact.logEvidence - bound).toFixed(4),
        (exact.logEvidence - predicted).toFixed(4),
      ]),
    ),
  );
  console.log(`\nlog evidence: ${exact.logEvidence.toFixed(4)}; gap of the ELBO: ${exact.gap.toFixed(4)}`);
  const x = rows.map((r) => r.samples);
  const figure = await drawCurves({
    title: "More samples, a tighter bound",
    xLabel: "samples under the logarithm",
    yLabel: "nats",
    xScale: "log",
    yDomain: [exact.logEvidence - 1.1 * exact.gap, exact.logEvidence + 0.1 * exact.gap],
    curves: [
      { name: "bound", x, y: rows.map((r) => r.bound), mark: "line and dots" },
      { name: "log p(x) − Var / 2K", x, y: rows.map((r) => r.predicted), mark: "dashed" },
    ],
    lines: [{ name: "log p(x)", y: exact.logEvidence }],
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
