/**
 * Varying slopes: radon in 919 houses of 85 counties of Minnesota, measured in the basement or on the first floor. Every county has its own level in the basement and its
 * own step to the first floor, and the two may go together: where there is much radon, the step down may be larger. Levels and steps are normal vectors with a
 * correlation matrix, whose factor has an LKJ prior. Counties with two houses are pulled to the mean of all, those with a hundred are not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { HalfNormal, model, Normal, nuts, type Program, summary, tensor } from "tightbound";
import { LKJCholesky } from "tightbound/distributions";
import { gather } from "tightbound/tensor";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

export interface Houses {
  /** From 0. */
  readonly county: readonly number[];
  /** 0: measured in the basement; 1: on the first floor. */
  readonly floor: readonly number[];
  /** ln pCi/l. */
  readonly radon: readonly number[];
  readonly counties: number;
}

export function houses(path = "examples/data/radon.csv"): Houses {
  const rows = readFileSync(path, "utf8").trim().split("\n").slice(1);
  const [county, floor, radon] = [0, 1, 2].map((k) => rows.map((row) => Number(row.split(",")[k])));
  return { county, floor, radon, counties: Math.max(...county) + 1 };
}

/** Level and step of each county, [counties, 2], as standard normals turned and stretched: not centred, since most counties have few houses. */
export function varyingSlopes({ county, floor, radon, counties }: Houses): Program<[]> {
  const [at, upstairs, y] = [tensor([...county], { dtype: "int64" }), tensor([...floor]), tensor([...radon])];
  return model(({ sample, observe, plate, deterministic }) => {
    const mean = sample("mean", Normal([1, -0.5], [2, 2]).toEvent(1));
    const spread = sample("spread", HalfNormal(1).expand([2]).toEvent(1));
    const factor = sample("factor", LKJCholesky(2, 2));
    deterministic("correlation", factor.slice({ axis: 0, start: 1 }).slice({ axis: 1, end: 1 }).reshape([]));
    const z = sample("z", Normal(0, 1).expand([counties, 2]).toEvent(2));
    const own = z.matmul(factor.transpose()).mul(spread).add(mean);
    deterministic("county", own);
    const sigma = sample("sigma", HalfNormal(1));
    const [level, step] = [0, 1].map((k) =>
      gather(own.slice({ axis: 1, start: k, end: k + 1 }).reshape([counties]), at, 0),
    );
    plate("house", radon.length, () => observe("radon", Normal(level.add(step.mul(upstairs)), sigma), y));
  });
}

export interface Found {
  readonly mean: number;
  readonly sd: number;
}

/** Posterior moments by name: `mean[0]`, `spread[1]`, `correlation`, `county[3,1]`, …, and the largest R̂. */
export async function moments(data: Houses, draws: number, chains = 4) {
  const posterior = await nuts(varyingSlopes(data)).run([], { draws, warmUp: draws, chains, seed: 0 });
  const { rows } = summary(posterior);
  return {
    found: new Map<string, Found>(rows.map(({ name, mean, sd }) => [name, { mean, sd }])),
    // Some elements of the factor are always 0 or 1: they have none.
    rHat: Math.max(...rows.map(({ rHat }) => rHat).filter(Number.isFinite)),
  };
}

/** The mean of a county's own houses, on one floor. */
export const ownMean = ({ county, floor, radon }: Houses, which: number, on: number): number => {
  const own = radon.filter((_, i) => county[i] === which && floor[i] === on);
  return own.reduce((a, b) => a + b, 0) / own.length;
};

/** `npm run example -- varying-slopes [figure.svg]` */
export async function main([path = "varying-slopes.svg"]: readonly string[]): Promise<void> {
  const data = houses();
  const { found, rHat } = await moments(data, 1000);
  const shown = ["mean[0]", "mean[1]", "spread[0]", "spread[1]", "correlation", "sigma"];
  const of = (name: string): Found => {
    const one = found.get(name);
    if (one === undefined) throw new Error(`no ${name}`);
    return one;
  };
  console.log(
    table(
      ["quantity", "mean", "sd"],
      shown.map((name) => [name, of(name).mean.toFixed(2), of(name).sd.toFixed(2)]),
    ),
  );
  console.log(`largest R̂ ${rHat.toFixed(3)}`);
  const all = Array.from({ length: data.counties }, (_, c) => c);
  const both = all.filter(
    (c) => Number.isFinite(ownMean(data, c, 0)) && Number.isFinite(ownMean(data, c, 1)),
  );
  const figure = await drawCurves({
    title: "Radon by county",
    xLabel: "level in the basement, ln pCi/l",
    yLabel: "step to the first floor",
    curves: [
      {
        name: "each county by its own houses",
        x: both.map((c) => ownMean(data, c, 0)),
        y: both.map((c) => ownMean(data, c, 1) - ownMean(data, c, 0)),
        mark: "dots",
      },
      {
        name: "varying levels and slopes",
        x: all.map((c) => of(`county[${c},0]`).mean),
        y: all.map((c) => of(`county[${c},1]`).mean),
        mark: "dots",
      },
    ],
    lines: [{ name: "mean step", y: of("mean[1]").mean }],
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
