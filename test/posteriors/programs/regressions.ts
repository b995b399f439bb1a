/** Linear regressions: earnings and heights, children's test scores, mesquite bushes, party identification, summers, diamonds. */
import {
  type Distribution,
  HalfCauchy,
  HalfNormal,
  model,
  Normal,
  type Program,
  StudentT,
  tensor,
} from "tightbound";
import { constraints, flat, truncate } from "tightbound/distributions";
import { dataOf, type Posterior, posterior } from "../posterior.ts";

const { real, positive } = constraints;

type Column = readonly number[];

/** y ~ Normal(X β, σ). */
interface Linear {
  /** X, row by row. */
  readonly x: readonly Column[];
  readonly y: Column;
  /** The prior of each coefficient. Default: none. */
  readonly beta?: Distribution;
  /** The prior of σ. Default: none. */
  readonly sigma?: Distribution;
}

const regression = ({ x, y, beta: priorOfBeta, sigma: priorOfSigma = flat(positive) }: Linear): Program<[]> =>
  model(({ sample, observe, plate }) => {
    const beta = sample(
      "beta",
      priorOfBeta === undefined ? flat(real, [x[0].length]) : priorOfBeta.expand([x[0].length]).toEvent(1),
    );
    const sigma = sample("sigma", priorOfSigma);
    plate("row", y.length, () => observe("y", Normal(tensor(x).matmul(beta), sigma), tensor(y)));
  });

/** An intercept and these columns. */
const linear = (y: Column, columns: readonly Column[], sigma?: Distribution): Linear => ({
  x: y.map((_, row) => [1, ...columns.map((column) => column[row])]),
  y,
  ...(sigma && { sigma }),
});

/** A regression over a data set, by its posterior's name. */
export interface NamedRegression {
  readonly name: string;
  readonly design: () => Linear;
}

const named = <D>(name: string, write: (data: D) => Linear): NamedRegression => ({
  name,
  design: () => write(dataOf<D>(name)),
});

const meanOf = (x: Column): number => x.reduce((sum, v) => sum + v, 0) / x.length;
const sdOf = (x: Column): number => {
  const mean = meanOf(x);
  return Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (x.length - 1));
};
const log = (x: Column): Column => x.map(Math.log);
const minus = (x: Column, by: number): Column => x.map((v) => v - by);
const over = (x: Column, by: number): Column => x.map((v) => v / by);
const times = (first: Column, ...others: readonly Column[]): Column =>
  others.reduce((product, x) => product.map((v, row) => v * x[row]), first);
const ratio = (x: Column, y: Column): Column => x.map((v, row) => v / y[row]);
const indicator = (x: Column, level: number): Column => x.map((v) => (v === level ? 1 : 0));

interface Earnings {
  readonly earn: Column;
  readonly height: Column;
  readonly male: Column;
}

const earnings: readonly NamedRegression[] = [
  named<Earnings>("earnings-earn_height", ({ earn, height }) => linear(earn, [height])),
  named<Earnings>("earnings-log10earn_height", ({ earn, height }) => linear(earn.map(Math.log10), [height])),
  named<Earnings>("earnings-logearn_height", ({ earn, height }) => linear(log(earn), [height])),
  named<Earnings>("earnings-logearn_height_male", ({ earn, height, male }) =>
    linear(log(earn), [height, male]),
  ),
  named<Earnings>("earnings-logearn_interaction", ({ earn, height, male }) =>
    linear(log(earn), [height, male, times(height, male)]),
  ),
  named<Earnings>("earnings-logearn_interaction_z", ({ earn, height, male }) => {
    const z = over(minus(height, meanOf(height)), sdOf(height));
    return linear(log(earn), [z, male, times(z, male)]);
  }),
  named<Earnings>("earnings-logearn_logheight_male", ({ earn, height, male }) =>
    linear(log(earn), [log(height), male]),
  ),
];

interface KidIq {
  readonly kid_score: Column;
  readonly mom_hs: Column;
  readonly mom_iq: Column;
}

/** High school, intelligence and their product, each shifted and scaled first. */
const interaction = (y: Column, hs: Column, iq: Column, sigma?: Distribution): Linear =>
  linear(y, [hs, iq, times(hs, iq)], sigma);

const scale = HalfCauchy(2.5);
const standardised = (x: Column): Column => over(minus(x, meanOf(x)), 2 * sdOf(x));

const kidiq: readonly NamedRegression[] = [
  named<KidIq>("kidiq-kidscore_momhs", (d) => linear(d.kid_score, [d.mom_hs], scale)),
  named<KidIq>("kidiq-kidscore_momiq", (d) => linear(d.kid_score, [d.mom_iq], scale)),
  named<KidIq>("kidiq-kidscore_momhsiq", (d) => linear(d.kid_score, [d.mom_hs, d.mom_iq], scale)),
  named<KidIq>("kidiq-kidscore_interaction", (d) => interaction(d.kid_score, d.mom_hs, d.mom_iq, scale)),
  named<KidIq>("kidiq_with_mom_work-kidscore_interaction_c", (d) =>
    interaction(d.kid_score, minus(d.mom_hs, meanOf(d.mom_hs)), minus(d.mom_iq, meanOf(d.mom_iq))),
  ),
  named<KidIq>("kidiq_with_mom_work-kidscore_interaction_c2", (d) =>
    interaction(d.kid_score, minus(d.mom_hs, 0.5), minus(d.mom_iq, 100)),
  ),
  named<KidIq>("kidiq_with_mom_work-kidscore_interaction_z", (d) =>
    interaction(d.kid_score, standardised(d.mom_hs), standardised(d.mom_iq)),
  ),
  named<KidIq & { readonly mom_work: Column }>("kidiq_with_mom_work-kidscore_mom_work", (d) =>
    linear(
      d.kid_score,
      [2, 3, 4].map((level) => indicator(d.mom_work, level)),
    ),
  ),
];

interface Mesquite {
  readonly weight: Column;
  readonly diam1: Column;
  readonly diam2: Column;
  readonly canopy_height: Column;
  readonly total_height: Column;
  readonly density: Column;
  readonly group: Column;
}

const volume = (d: Mesquite): Column => log(times(d.diam1, d.diam2, d.canopy_height));
const area = (d: Mesquite): Column => log(times(d.diam1, d.diam2));
const shape = (d: Mesquite): Column => log(ratio(d.diam1, d.diam2));

const mesquite: readonly NamedRegression[] = [
  named<Mesquite>("mesquite-mesquite", (d) =>
    linear(d.weight, [d.diam1, d.diam2, d.canopy_height, d.total_height, d.density, d.group]),
  ),
  named<Mesquite>("mesquite-logmesquite", (d) =>
    linear(log(d.weight), [
      ...[d.diam1, d.diam2, d.canopy_height, d.total_height, d.density].map(log),
      d.group,
    ]),
  ),
  named<Mesquite>("mesquite-logmesquite_logvolume", (d) => linear(log(d.weight), [volume(d)])),
  named<Mesquite>("mesquite-logmesquite_logva", (d) => linear(log(d.weight), [volume(d), area(d), d.group])),
  named<Mesquite>("mesquite-logmesquite_logvas", (d) =>
    linear(log(d.weight), [volume(d), area(d), shape(d), log(d.total_height), log(d.density), d.group]),
  ),
  named<Mesquite>("mesquite-logmesquite_logvash", (d) =>
    linear(log(d.weight), [volume(d), area(d), shape(d), log(d.total_height), d.group]),
  ),
];

interface Election {
  readonly partyid7: Column;
  readonly real_ideo: Column;
  readonly race_adj: Column;
  readonly age_discrete: Column;
  readonly educ1: Column;
  readonly gender: Column;
  readonly income: Column;
}

const elections: readonly NamedRegression[] = [1972, 1976, 1980, 1984, 1988, 1992, 1996, 2000].map((year) =>
  named<Election>(`nes${year}-nes`, (d) => {
    const ages = [2, 3, 4].map((group) => indicator(d.age_discrete, group));
    return linear(d.partyid7, [d.real_ideo, d.race_adj, ...ages, d.educ1, d.gender, d.income]);
  }),
);

interface Blr {
  readonly X: readonly Column[];
  readonly y: Column;
}

const simulated: readonly NamedRegression[] = ["sblrc-blr", "sblri-blr"].map((name) =>
  named<Blr>(name, (d) => ({ x: d.X, y: d.y, beta: Normal(0, 10), sigma: HalfNormal(10) })),
);

/** Columns are as their authors measured them, so that coefficients are correlated, often by 0.99 and more. */
const dense = { metric: "dense" } as const;

interface Kilpisjarvi {
  readonly x: Column;
  readonly y: Column;
  readonly pmualpha: number;
  readonly psalpha: number;
  readonly pmubeta: number;
  readonly psbeta: number;
}

/** Summer temperatures by year; years stay as they are, so that intercept and slope are correlated by −0.9999. */
const kilpisjarvi = posterior<Kilpisjarvi>("kilpisjarvi_mod-kilpisjarvi", dense, (d) =>
  model(({ sample, observe, plate }) => {
    const alpha = sample("alpha", Normal(d.pmualpha, d.psalpha));
    const beta = sample("beta", Normal(d.pmubeta, d.psbeta));
    const sigma = sample("sigma", flat(positive));
    plate("year", d.x.length, () =>
      observe("y", Normal(alpha.add(beta.mul(tensor(d.x))), sigma), tensor(d.y)),
    );
  }),
);

interface Diamonds {
  readonly X: readonly Column[];
  readonly Y: Column;
}

/** Prices by 24 columns, centred, so that the intercept is that of the mean row. */
const diamonds = posterior<Diamonds>("diamonds-diamonds", dense, ({ X, Y }) => {
  const means = X[0].map((_, column) => meanOf(X.map((row) => row[column])));
  const x = tensor(X.map((row) => row.map((v, column) => v - means[column]).slice(1)));
  return model(({ sample, observe, plate }) => {
    const b = sample("b", Normal(0, 1).expand([24]).toEvent(1));
    const intercept = sample("Intercept", StudentT(3, 8, 10));
    const sigma = sample("sigma", truncate(StudentT(3, 0, 10), 0));
    plate("row", Y.length, () => observe("Y", Normal(intercept.add(x.matmul(b)), sigma), tensor(Y)));
  });
});

/** Those whose mean is a product of all columns with coefficients that have one prior. */
export const linearRegressions: readonly NamedRegression[] = [
  ...earnings,
  ...kidiq,
  ...mesquite,
  ...elections,
  ...simulated,
];

export const regressions: readonly Posterior[] = [
  ...linearRegressions.map(({ name, design }) => posterior(name, dense, () => regression(design()))),
  kilpisjarvi,
  diamonds,
];
