/**
 * Regression with a Gaussian process: a smooth curve without a formula, and how sure one is of it. Length scale, scale and noise have priors and are
 * sampled; given them, the curve at new points is known in closed form. Where no points were seen, the band widens.
 */
import { writeFileSync } from "node:fs";
import { HalfNormal, LogNormal, model, nuts, type Tensor, tensor } from "tightbound";
import { GaussianProcess, kernels } from "tightbound/distributions";
import { drawCurves } from "./support/curves.ts";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

/** Points that are seen, and the places at which the curve is asked for. */
export const smooth = model(({ sample, observe, deterministic }, x: Tensor, y: Tensor, at: Tensor) => {
  const lengthScale = sample("lengthScale", LogNormal(0.5, 0.5));
  const scale = sample("scale", HalfNormal(2));
  const noise = sample("noise", HalfNormal(0.5));
  const process = GaussianProcess(kernels.matern52({ lengthScale, scale }), { noise });
  observe("y", process.at(x), y);
  const { mean, variance } = process.given(x, y, at);
  deterministic("mean", mean);
  deterministic("variance", variance);
});

/** The curve that the points come from. */
export const truth = (x: number): number => Math.sin(x) + 0.3 * x;

/** `count` points on [0, 10] but for a gap from 4.5 to 6.5, seen with noise of 0.2. */
export function drawPoints(count: number, seed: number): { readonly x: number[]; readonly y: number[] } {
  let state = seed * 2654435761 + 1;
  const uniform = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const x = Array.from({ length: count }, () => 8 * uniform())
    .map((u) => (u < 4.5 ? u : u + 2))
    .sort((a, b) => a - b);
  return { x, y: x.map((v) => truth(v) + 0.2 * normal()) };
}

export interface Curve {
  readonly mean: readonly number[];
  /** Standard deviation of the curve, of its hyperparameters and given them. */
  readonly sd: readonly number[];
  readonly noise: { readonly mean: number; readonly sd: number };
  readonly lengthScale: { readonly mean: number; readonly sd: number };
}

/** The posterior of the curve at some places. */
export async function fitCurve(
  { x, y }: { readonly x: readonly number[]; readonly y: readonly number[] },
  at: readonly number[],
  draws: number,
  seed: number,
  warmUp = 1000,
): Promise<Curve> {
  const { values } = await nuts(smooth).run([tensor(x), tensor(y), tensor(at)], {
    chains: 2,
    warmUp,
    draws,
    seed,
  });
  const columns = (site: string, width: number): number[][] => {
    const all = Array.from(values.get(site)?.data ?? [], Number);
    return Array.from({ length: width }, (_, t) => all.filter((_, i) => i % width === t));
  };
  const means = columns("mean", at.length).map(momentsOf);
  const variances = columns("variance", at.length).map((c) => momentsOf(c).mean);
  return {
    mean: means.map((m) => m.mean),
    // The variance of the mean over draws, and the mean of the variance given them.
    sd: means.map((m, i) => Math.sqrt(m.sd ** 2 + variances[i])),
    noise: momentsOf(columns("noise", 1)[0]),
    lengthScale: momentsOf(columns("lengthScale", 1)[0]),
  };
}

/** `npm run example -- gaussian-process-regression [figure.svg]` */
export async function main([path = "gaussian-process-regression.svg"]: readonly string[]): Promise<void> {
  const points = drawPoints(40, 5);
  const at = Array.from({ length: 111 }, (_, i) => i / 10 - 0.5);
  const found = await fitCurve(points, at, 500, 0);
  const near = (x: number): number => at.findIndex((a) => a >= x - 1e-9);
  console.log(
    table(
      ["x", "truth", "mean", "sd"],
      [1, 3, 5.5, 8].map((x) => [
        String(x),
        truth(x).toFixed(2),
        found.mean[near(x)].toFixed(2),
        found.sd[near(x)].toFixed(2),
      ]),
    ),
  );
  const figure = await drawCurves({
    title: "A curve without a formula, seen at 40 points",
    xLabel: "x",
    yLabel: "y",
    curves: [
      { name: "posterior, ± 2 sd", x: at, y: found.mean, band: found.sd.map((s) => 2 * s) },
      { name: "truth", x: at, y: at.map(truth) },
      { name: "seen", x: points.x, y: points.y, mark: "dots" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
