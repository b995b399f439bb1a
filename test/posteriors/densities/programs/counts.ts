/** Counts of successes: rates, a survey, animals that are captured, recaptured or overlooked. */
import {
  Bernoulli,
  Beta,
  Binomial,
  Categorical,
  type Context,
  HalfCauchy,
  MultivariateNormal,
  model,
  Normal,
  stack,
  type Tensor,
  tensor,
  Uniform,
} from "tightbound";
import { Cauchy, constraints, flat } from "tightbound/distributions";
import { split } from "tightbound/tensor";
import { type Column, type Matrix, program, type StanProgram } from "../program.ts";

interface Rate {
  readonly n: number;
  readonly k: number;
}

interface Rates {
  readonly n1: number;
  readonly n2: number;
  readonly k1: number;
  readonly k2: number;
}

const uniform = Beta(1, 1);

const oneRate = program<Rate>("Rate_1_model", ({ n, k }) =>
  model(({ sample, observe }) => {
    observe("k", Binomial(n, { probs: sample("theta", uniform) }), k);
  }),
);

const twoRates = program<Rates>("Rate_2_model", ({ n1, n2, k1, k2 }) =>
  model(({ sample, observe, deterministic }) => {
    const [theta1, theta2] = [sample("theta1", uniform), sample("theta2", uniform)];
    deterministic("delta", theta1.sub(theta2));
    observe("k1", Binomial(n1, { probs: theta1 }), k1);
    observe("k2", Binomial(n2, { probs: theta2 }), k2);
  }),
);

const commonRate = (name: string): StanProgram =>
  program<Rates>(name, ({ n1, n2, k1, k2 }) =>
    model(({ sample, observe }) => {
      const theta = sample("theta", uniform);
      observe("k1", Binomial(n1, { probs: theta }), k1);
      observe("k2", Binomial(n2, { probs: theta }), k2);
    }),
  );

const rateAndPrior = program<Rate>("Rate_4_model", ({ n, k }) =>
  model(({ sample, observe }) => {
    sample("thetaprior", uniform);
    observe("k", Binomial(n, { probs: sample("theta", uniform) }), k);
  }),
);

/** How many were asked, from how many answered each time: one of 1 to nmax, all as likely. */
const survey = program<{ readonly nmax: number; readonly k: Column }>("Survey_model", ({ nmax, k }) =>
  model(({ sample, observe, plate }) => {
    const theta = sample("theta", Uniform(0, 1));
    const asked = sample("asked", Categorical({ probs: Array(nmax).fill(1 / nmax) })).add(1);
    plate("wave", k.length, () => observe("k", Binomial(asked, { probs: theta }), tensor(k)));
  }),
);

interface Captures {
  /** Whether an animal was captured, by animal and occasion; rows of zeros are added for animals never seen. */
  readonly y: Matrix;
}

/** A row is an animal with probability omega, and an animal is captured with these probabilities, [rows, occasions] or [occasions]. */
const captures = (name: string, detection: (context: Context, y: Matrix) => Tensor): StanProgram =>
  program<Captures>(name, ({ y }) =>
    model((context) => {
      const { sample, observe, plate } = context;
      const omega = sample("omega", Uniform(0, 1));
      const p = detection(context, y);
      plate("row", y.length, () => {
        const isAnimal = sample("isAnimal", Bernoulli({ probs: omega })).unsqueeze(-1);
        observe("y", Bernoulli({ probs: isAnimal.mul(p) }).toEvent(1), tensor(y));
      });
    }),
  );

const { interval } = constraints;

/** Whether it was captured at the occasion before. */
const before = (y: Matrix): Tensor => tensor(y.map((row) => [0, ...row.slice(0, -1)]));
const logit = (p: Tensor): Tensor => p.log().sub(p.neg().add(1).log());
/** How much easier each row is to capture, in log odds: [rows, 1]. */
const ease = ({ sample, plate }: Context, rows: number, most: number): Tensor => {
  const sigma = sample("sigma", flat(interval(0, most)));
  return plate("row", rows, () => sample("eps_raw", Normal(0, 1)))
    .mul(sigma)
    .unsqueeze(-1);
};
/** Log odds of each occasion: [occasions]. */
const occasions = ({ sample }: Context, y: Matrix): Tensor =>
  logit(sample("mean_p", Uniform(0, 1).expand([y[0].length]).toEvent(1)));

/** Only how often each was captured is known. */
const heterogeneous = program<{ readonly y: Column; readonly T: number }>("Mh_model", ({ y, T }) =>
  model((context) => {
    const { sample, observe, plate } = context;
    const omega = sample("omega", Uniform(0, 1));
    const level = logit(sample("mean_p", Uniform(0, 1)));
    const p = level.add(ease(context, y.length, 5).squeeze(-1)).sigmoid();
    plate("row", y.length, () => {
      const isAnimal = sample("isAnimal", Bernoulli({ probs: omega }));
      observe("y", Binomial(T, { probs: isAnimal.mul(p) }), tensor(y));
    });
  }),
);

const capturePrograms: readonly StanProgram[] = [
  captures("M0_model", ({ sample }, [{ length }]) => sample("p", Uniform(0, 1)).expand([length])),
  captures("Mb_model", ({ sample }, y) => {
    const [p, again] = [sample("p", Uniform(0, 1)), sample("c", Uniform(0, 1))];
    return p.add(before(y).mul(again.sub(p)));
  }),
  captures("Mt_model", ({ sample }, [{ length }]) => sample("p", Uniform(0, 1).expand([length]).toEvent(1))),
  heterogeneous,
  captures("Mth_model", (context, y) =>
    occasions(context, y)
      .add(ease(context, y.length, 5))
      .sigmoid(),
  ),
  captures("Mtbh_model", (context, y) => {
    const gamma = context.sample("gamma", Normal(0, 10));
    return occasions(context, y)
      .add(ease(context, y.length, 3))
      .add(before(y).mul(gamma))
      .sigmoid();
  }),
];

interface Butterflies {
  /** Of how many visits to a site each species was seen, by species and site. */
  readonly X: Matrix;
  /** Visits. */
  readonly K: number;
  /** Sites. */
  readonly J: number;
  /** How many species there might be. */
  readonly S: number;
}

/** Species that are in the region, at some of its sites, and seen on some of the visits. */
const occupancy = program<Butterflies>(
  "multi_occupancy",
  ({ X, K, J, S }) =>
    model(({ sample, observe, factor, plate }) => {
      const [alpha, beta] = [sample("alpha", Cauchy(0, 2.5)), sample("beta", Cauchy(0, 2.5))];
      const Omega = sample("Omega", Beta(2, 2));
      const rho = sample("rho_uv", flat(interval(-1, 1)));
      factor("prior of rho", Beta(2, 2).logProb(rho.add(1).div(2)));
      const sigma = sample("sigma_uv", HalfCauchy(2.5).expand([2]).toEvent(1));
      const [a, b] = split(sigma, 2, 0).map((each) => each.squeeze(0));
      const both = a.mul(b).mul(rho);
      const covariance = stack([stack([a.square(), both], 0), stack([both, b.square()], 0)], 0);
      // [sites, species], with columns of zeros for species that were never seen.
      const seen = Array.from({ length: J }, (_, site) =>
        Array.from({ length: S }, (_, species) => X[species]?.[site] ?? 0),
      );
      plate("species", S, () => {
        const uv = sample("uv", MultivariateNormal([0, 0], { covariance }));
        const [u, v] = split(uv, 2, -1).map((each) => each.squeeze(-1));
        const isAvailable = sample("isAvailable", Bernoulli({ probs: Omega }));
        plate("site", J, () => {
          const lives = sample("lives", Bernoulli({ probs: isAvailable.mul(u.add(alpha).sigmoid()) }));
          observe("X", Binomial(K, { probs: lives.mul(v.add(beta).sigmoid()) }), tensor(seen));
        });
      });
    }),
  { uv: ["uv1", "uv2"] },
);

export const countPrograms: readonly StanProgram[] = [
  oneRate,
  twoRates,
  commonRate("Rate_3_model"),
  rateAndPrior,
  commonRate("Rate_5_model"),
  survey,
  ...capturePrograms,
  occupancy,
];
