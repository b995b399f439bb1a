/**
 * Censored data: weeks in remission of 42 children with leukaemia, of whom 21 were given 6-mercaptopurine and 21 a placebo (Freireich et al. 1963). When
 * the study ended, 12 of the treated were still in remission: of them it is known that the time is at least so long. A Weibull regression
 * with `censor` says just that. To take these times as relapses, or to leave those children out, makes the drug look worse than it is.
 */
import { writeFileSync } from "node:fs";
import { map, model, type Program, tensor } from "tightbound";
import { censor, constraints, flat, Weibull } from "tightbound/distributions";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

/** Weeks in remission; a plus sign marks those that had not ended. */
const TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+";
const PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";

export interface Child {
  readonly weeks: number;
  readonly treated: boolean;
  /** Whether the remission ended at that time; otherwise it lasted at least so long. */
  readonly ended: boolean;
}

const read = (text: string, treated: boolean): Child[] =>
  text.split(" ").map((t) => ({ weeks: Number.parseFloat(t), treated, ended: !t.endsWith("+") }));

export const children: readonly Child[] = [...read(TREATED, true), ...read(PLACEBO, false)];

export const ways = ["censored", "as relapses", "left out"] as const;
export type Way = (typeof ways)[number];

/** ln T = intercept + effect · treated + σ · noise: a Weibull distribution of times with shape 1/σ. Priors are flat: the mode is the maximum likelihood. */
export function survival(rows: readonly Child[]): Program<[]> {
  const weeks = tensor(rows.map((r) => r.weeks));
  const treated = tensor(rows.map((r) => Number(r.treated)));
  const end = tensor(rows.map((r) => (r.ended ? Number.POSITIVE_INFINITY : r.weeks)));
  return model(({ sample, observe, plate }) => {
    const intercept = sample("intercept", flat(constraints.real));
    const effect = sample("effect", flat(constraints.real));
    const logSigma = sample("ln sigma", flat(constraints.real));
    plate("child", rows.length, () => {
      const scale = intercept.add(treated.mul(effect)).exp();
      const time = Weibull(scale, logSigma.neg().exp());
      observe("weeks", censor(time, Number.NEGATIVE_INFINITY, end), weeks);
    });
  });
}

export interface Fit {
  readonly way: Way;
  readonly rows: number;
  readonly intercept: number;
  readonly effect: number;
  readonly sigma: number;
}

const rowsFor = (way: Way): readonly Child[] => {
  if (way === "left out") return children.filter((c) => c.ended);
  return way === "censored" ? children : children.map((c) => ({ ...c, ended: true }));
};

export async function regress(way: Way): Promise<Fit> {
  const rows = rowsFor(way);
  const { values } = await map(survival(rows)).run([]);
  const at = (site: string): number => Number(values.get(site)?.data[0]);
  return {
    way,
    rows: rows.length,
    intercept: at("intercept"),
    effect: at("effect"),
    sigma: Math.exp(at("ln sigma")),
  };
}

/** The time after which half of a group have relapsed, in weeks. */
export const median = ({ intercept, effect, sigma }: Fit, treated: boolean): number =>
  Math.exp(intercept + (treated ? effect : 0) + sigma * Math.log(Math.LN2));

/** The share that is still in remission at each relapse, without a model (Kaplan and Meier 1958). */
export function kaplanMeier(treated: boolean): { readonly weeks: number[]; readonly share: number[] } {
  const group = children.filter((c) => c.treated === treated);
  const times = [...new Set(group.filter((c) => c.ended).map((c) => c.weeks))].sort((a, b) => a - b);
  let share = 1;
  const shares = times.map((t) => {
    const atRisk = group.filter((c) => c.weeks >= t).length;
    share *= 1 - group.filter((c) => c.ended && c.weeks === t).length / atRisk;
    return share;
  });
  return { weeks: times, share: shares };
}

/** `npm run example -- survival [figure.svg]` */
export async function main([path = "survival.svg"]: readonly string[]): Promise<void> {
  const fits: Fit[] = [];
  for (const way of ways) fits.push(await regress(way));
  console.log(
    table(
      ["times that had not ended", "children", "effect on ln weeks", "median, treated", "median, placebo"],
      fits.map((f) => [
        f.way,
        String(f.rows),
        f.effect.toFixed(3),
        median(f, true).toFixed(1),
        median(f, false).toFixed(1),
      ]),
    ),
  );
  const [best, asRelapses] = fits;
  const x = Array.from({ length: 71 }, (_, i) => i / 2);
  const curve = async (f: Fit, treated: boolean): Promise<number[]> => {
    const time = Weibull(Math.exp(f.intercept + (treated ? f.effect : 0)), 1 / f.sigma);
    return Array.from((await time.survival(x).value()).data, Number);
  };
  const [treated, placebo] = [kaplanMeier(true), kaplanMeier(false)];
  const figure = await drawCurves({
    title: "Still in remission",
    xLabel: "weeks",
    yLabel: "share",
    yDomain: [0, 1],
    curves: [
      { name: "6-MP, censored", x, y: await curve(best, true) },
      { name: "placebo", x, y: await curve(best, false) },
      { name: "6-MP, as relapses", x, y: await curve(asRelapses, true), mark: "dashed" },
      { name: "6-MP, Kaplan–Meier", x: treated.weeks, y: treated.share, mark: "dots" },
      { name: "placebo, Kaplan–Meier", x: placebo.weeks, y: placebo.share, mark: "dots" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
