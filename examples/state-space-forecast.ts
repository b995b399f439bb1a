/**
 * A state-space model: a level that walks, seen with noise, and a forecast from it. The program is a `scan` over the months; what follows the last
 * one is a second scan that starts where the first ended. The uncertainty of the forecast grows with its distance, because the level keeps
 * walking.
 */
import { writeFileSync } from "node:fs";
import { HalfNormal, model, Normal, nuts, predictive, type Tensor, tensor } from "tightbound";
import { drawCurves } from "./support/curves.ts";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

/** Months that are seen, and `ahead` further ones, which are drawn. */
export const months = model(({ sample, observe, scan, deterministic }, seen: Tensor, ahead: number) => {
  const walk = sample("walk", HalfNormal(1));
  const noise = sample("noise", HalfNormal(1));
  const first = sample("first", Normal(0, 5));
  const { carry: last } = scan("month", first, seen, (before, y) => {
    const level = sample("level", Normal(before, walk));
    observe("y", Normal(level, noise), y);
    return { carry: level };
  });
  if (ahead === 0) return;
  scan(
    "further month",
    last,
    undefined,
    (before) => {
      const level = Normal(before, walk).sample("further level");
      deterministic("forecast", Normal(level, noise).sample("further noise"));
      return { carry: level };
    },
    { length: ahead },
  );
});

/** A walk with steps of 0.4, seen with noise of 0.6. */
export function drawMonths(count: number, seed: number): number[] {
  let state = seed * 2654435761 + 1;
  const uniform = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  let level = 2;
  return Array.from({ length: count }, () => {
    level += 0.4 * normal();
    return level + 0.6 * normal();
  });
}

export interface Forecast {
  /** Posterior mean of the level in each month that was seen. */
  readonly level: readonly number[];
  /** Mean and standard deviation of each month ahead. */
  readonly ahead: readonly { readonly mean: number; readonly sd: number }[];
  readonly walk: { readonly mean: number; readonly sd: number };
  readonly noise: { readonly mean: number; readonly sd: number };
}

/** Fits the months that were seen, and draws those ahead from the posterior. */
export async function forecast(
  seen: readonly number[],
  ahead: number,
  draws: number,
  seed: number,
): Promise<Forecast> {
  const y = tensor(seen);
  const { values } = await nuts(months).run([y, 0], { chains: 2, draws, seed });
  const further = await predictive(months, [y, ahead], { posterior: values, draws: 2 * draws, seed });
  const columns = (found: typeof further, site: string, width: number): number[][] => {
    const all = Array.from(found.get(site)?.data ?? [], Number);
    return Array.from({ length: width }, (_, t) => all.filter((_, i) => i % width === t));
  };
  const [walk, noise] = ["walk", "noise"].map((site) => momentsOf(columns(values, site, 1)[0]));
  return {
    level: columns(values, "level", seen.length).map((c) => momentsOf(c).mean),
    ahead: columns(further, "forecast", ahead).map(momentsOf),
    walk,
    noise,
  };
}

/** `npm run example -- state-space-forecast [figure.svg]` */
export async function main([path = "state-space-forecast.svg"]: readonly string[]): Promise<void> {
  const [count, ahead] = [96, 24];
  const all = drawMonths(count + ahead, 3);
  const found = await forecast(all.slice(0, count), ahead, 1000, 0);
  console.log(
    table(
      ["months ahead", "mean", "sd"],
      [1, 6, 12, 24].map((k) => {
        const { mean, sd } = found.ahead[k - 1];
        return [String(k), mean.toFixed(2), sd.toFixed(2)];
      }),
    ),
  );
  const times = all.map((_, t) => t + 1);
  const later = times.slice(count);
  const figure = await drawCurves({
    title: "A level that walks, and its forecast",
    xLabel: "month",
    yLabel: "what is seen",
    curves: [
      {
        name: "forecast, ± 2 sd",
        x: later,
        y: found.ahead.map((f) => f.mean),
        band: found.ahead.map((f) => 2 * f.sd),
      },
      { name: "level", x: times.slice(0, count), y: found.level },
      { name: "seen", x: times, y: all, mark: "dots" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
