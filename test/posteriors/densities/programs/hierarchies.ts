/** Generalised linear models and hierarchies: falcons, tits, seeds, hospitals, rats, dogs, dugongs, pilots, schools, insurance losses. */
import {
  Bernoulli,
  Binomial,
  type Context,
  Gamma,
  HalfCauchy,
  HalfNormal,
  LogNormal,
  model,
  Normal,
  Poisson,
  type Tensor,
  tensor,
  Uniform,
} from "tightbound";
import { constraints, flat, InverseGamma, LKJCholesky, Logistic } from "tightbound/distributions";
import { split } from "tightbound/tensor";
import { at, type Column, type Matrix, program, type StanProgram } from "../program.ts";

const { positive, unitInterval, interval } = constraints;

interface Years {
  /** Years, standardised. */
  readonly year: Column;
  /** Counts. */
  readonly C: Column;
}

const binomialTrend = program<Years & { readonly N: Column }>("GLM_Binomial_model", ({ year, C, N }) =>
  model(({ sample, observe, plate }) => {
    const [alpha, beta1, beta2] = ["alpha", "beta1", "beta2"].map((name) => sample(name, Normal(0, 100)));
    const logits = alpha.add(beta1.mul(tensor(year))).add(beta2.mul(tensor(year).square()));
    plate("year", C.length, () => observe("C", Binomial(tensor(N), { logits }), tensor(C)));
  }),
);

/** A cubic trend of log rates. */
const cubic = (
  { sample }: Context,
  year: Column,
  bounds: Readonly<Record<string, [number, number]>>,
): Tensor =>
  Object.entries(bounds)
    .map(([name, [low, high]], k) => sample(name, Uniform(low, high)).mul(tensor(year.map((v) => v ** k))))
    .reduce((sum, term) => sum.add(term));

const poissonTrend = program<Years>("GLM_Poisson_model", ({ year, C }) =>
  model((context) => {
    const logs = cubic(context, year, {
      alpha: [-20, 20],
      beta1: [-10, 10],
      beta2: [-10, 10],
      beta3: [-10, 10],
    });
    context.plate("year", C.length, () => context.observe("C", Poisson(logs.exp()), tensor(C)));
  }),
);

const poissonTrendAndYears = program<Years>("GLMM_Poisson_model", ({ year, C }) =>
  model((context) => {
    const { sample, observe, plate } = context;
    const logs = cubic(context, year, {
      alpha: [-20, 20],
      beta1: [-10, 10],
      beta2: [-10, 20],
      beta3: [-10, 10],
    });
    const sigma = sample("sigma", Uniform(0, 5));
    plate("year", C.length, () => {
      const eps = sample("eps", Normal(0, sigma));
      observe("C", Poisson(logs.add(eps).exp()), tensor(C));
    });
  }),
);

interface Sites {
  readonly nsite: number;
  readonly obs: Column;
  readonly obssite: Column;
}

const sites = program<Sites>("GLMM1_model", ({ nsite, obs, obssite }) =>
  model(({ sample, observe, plate }) => {
    const mean = sample("mu_alpha", Normal(0, 10));
    const spread = sample("sd_alpha", Uniform(0, 5));
    const alpha = plate("site", nsite, () => sample("alpha", Normal(mean, spread)));
    plate("count", obs.length, () => observe("obs", Poisson(at(alpha, obssite).exp()), tensor(obs)));
  }),
);

interface Seeds {
  /** Seeds on each plate, and how many of them germinated. */
  readonly N: Column;
  readonly n: Column;
  readonly x1: Column;
  readonly x2: Column;
}

/** Log odds from seed, root extract and both, and what `plates` gives each of the plates. */
const seeds = (
  name: string,
  scale: number,
  plates: (context: Context, count: number) => Tensor,
): StanProgram =>
  program<Seeds>(name, ({ N, n, x1, x2 }) =>
    model((context) => {
      const { sample, observe, plate } = context;
      const [alpha0, alpha1, alpha2, alpha12] = ["alpha0", "alpha1", "alpha2", "alpha12"].map((each) =>
        sample(each, Normal(0, scale)),
      );
      const logits = alpha0
        .add(alpha1.mul(tensor(x1)))
        .add(alpha2.mul(tensor(x2)))
        .add(alpha12.mul(tensor(x1)).mul(tensor(x2)))
        .add(plates(context, n.length));
      plate("plate", n.length, () => observe("n", Binomial(tensor(N), { logits }), tensor(n)));
    }),
  );

const seedPrograms: readonly StanProgram[] = [
  seeds("seeds_model", 1000, ({ sample, plate }, count) => {
    const tau = sample("tau", Gamma(0.001, 0.001));
    return plate("plate", count, () => sample("b", Normal(0, tau.sqrt().pow(-1))));
  }),
  seeds("seeds_stanified_model", 1, ({ sample, plate }, count) => {
    const sigma = sample("sigma", HalfCauchy(1));
    return plate("plate", count, () => sample("b", Normal(0, sigma)));
  }),
  seeds("seeds_centered_model", 1, ({ sample, plate }, count) => {
    const sigma = sample("sigma", HalfCauchy(1));
    const c = plate("plate", count, () => sample("c", Normal(0, sigma)));
    return c.sub(c.mean());
  }),
];

const surgical = program<{ readonly n: Column; readonly r: Column }>("surgical_model", ({ n, r }) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1000));
    const variance = sample("sigmasq", InverseGamma(0.001, 0.001));
    plate("hospital", n.length, () => {
      const logits = sample("b", Normal(mu, variance.sqrt()));
      observe("r", Binomial(tensor(n), { logits }), tensor(r));
    });
  }),
);

interface Rats {
  readonly N: number;
  /** Which rat, at what age in days, with what weight. */
  readonly rat: Column;
  readonly x: Column;
  readonly y: Column;
  readonly xbar: number;
}

const rats = program<Rats>("rats_model", ({ N, rat, x, y, xbar }) =>
  model(({ sample, observe, plate }) => {
    const varying = (name: string): Tensor => {
      const mean = sample(`mu_${name}`, Normal(0, 100));
      const spread = sample(`sigma_${name}`, flat(positive));
      return at(
        plate("rat", N, () => sample(name, Normal(mean, spread))),
        rat,
      );
    };
    const sigma = sample("sigma_y", flat(positive));
    const mean = varying("alpha").add(varying("beta").mul(tensor(x.map((age) => age - xbar))));
    plate("weighing", y.length, () => observe("y", Normal(mean, sigma), tensor(y)));
  }),
);

const dugongs = program<{ readonly x: Column; readonly Y: Column }>("dugongs_model", ({ x, Y }) =>
  model(({ sample, observe, plate }) => {
    const [alpha, beta] = ["alpha", "beta"].map((name) => sample(name, Normal(0, 1000)));
    const lambda = sample("lambda", Uniform(0.5, 1));
    const tau = sample("tau", Gamma(1e-4, 1e-4));
    const length = alpha.sub(beta.mul(lambda.pow(tensor(x))));
    plate("dugong", Y.length, () => observe("Y", Normal(length, tau.sqrt().pow(-1)), tensor(Y)));
  }),
);

interface Pilots {
  readonly n_groups: number;
  readonly n_scenarios: number;
  readonly group_id: Column;
  readonly scenario_id: Column;
  readonly y: Column;
}

const pilots = program<Pilots>("pilots", (d) =>
  model(({ sample, observe, plate }) => {
    const effects = (name: string, count: number, of: Column): Tensor => {
      const mean = sample(`mu_${name}`, Normal(0, 1)).mul(10);
      const spread = sample(`sigma_${name}`, flat(interval(0, 100)));
      return at(
        plate(`effect ${name}`, count, () => sample(name, Normal(mean, spread))),
        of,
      );
    };
    const mean = effects("a", d.n_groups, d.group_id).add(effects("b", d.n_scenarios, d.scenario_id));
    const sigma = sample("sigma_y", flat(interval(0, 100)));
    plate("flight", d.y.length, () => observe("y", Normal(mean, sigma), tensor(d.y)));
  }),
);

interface Schools {
  readonly y: Column;
  readonly sigma: Column;
}

const schools = program<Schools>("eight_schools_centered", ({ y, sigma }) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", y.length, () => {
      const theta = sample("theta", Normal(mu, tau));
      observe("y", Normal(theta, tensor(sigma)), tensor(y));
    });
  }),
);

interface Dogs {
  /** Whether the dog got a shock, by dog and trial. */
  readonly y: Matrix;
}

/** For each dog and trial, how many of the trials before had `value`. */
const earlier = (y: Matrix, value: number): Tensor =>
  tensor(y.map((row) => row.map((_, trial) => row.slice(0, trial).filter((v) => v === value).length)));

const dogs = program<Dogs>("dogs", ({ y }) =>
  model(({ sample, observe }) => {
    const [level, avoided, shocked] = split(sample("beta", Normal(0, 100).expand([3]).toEvent(1)), 3, 0);
    const logits = level.add(avoided.mul(earlier(y, 0))).add(shocked.mul(earlier(y, 1)));
    observe("y", Bernoulli({ logits }).toEvent(2), tensor(y));
  }),
);

const dogsLog = program<Dogs>("dogs_log", ({ y }) =>
  model(({ sample, observe }) => {
    const [avoided, shocked] = split(sample("beta", Uniform([-100, 0], [0, 100]).toEvent(1)), 2, 0);
    const logits = avoided.mul(earlier(y, 0)).add(shocked.mul(earlier(y, 1)));
    observe("y", Bernoulli({ logits }).toEvent(2), tensor(y));
  }),
);

/** The probability of a shock falls by a factor with each that was had, and with each that was avoided. */
const remembered = (y: Matrix, a: Tensor, b: Tensor) =>
  Bernoulli({
    probs: a
      .log()
      .mul(earlier(y, 1))
      .add(b.log().mul(earlier(y, 0)))
      .exp(),
  }).toEvent(2);

const dogsAlike = program<Dogs>("dogs_hierarchical", ({ y }) =>
  model(({ sample, observe }) => {
    const [a, b] = ["a", "b"].map((name) => sample(name, flat(unitInterval)));
    observe("y", remembered(y, a, b), tensor(y));
  }),
);

/** Each dog has its own factors, correlated in log odds. */
const dogsApart = program<Dogs>("dogs_nonhierarchical", ({ y }) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu_logit_ab", Logistic(0, 1).expand([2]).toEvent(1));
    const sigma = sample("sigma_logit_ab", HalfNormal(1).expand([2]).toEvent(1));
    const factorOf = sample("L_logit_ab", LKJCholesky(2, 2));
    const z = plate("dog", y.length, () => sample("z", Normal(0, 1).expand([2]).toEvent(1)));
    const factors = mu.add(z.matmul(factorOf.mul(sigma.unsqueeze(-1)))).sigmoid();
    const [a, b] = split(factors, 2, -1);
    observe("y", remembered(y, a, b), tensor(y));
  }),
);

interface Losses {
  /** 1 for Weibull, otherwise log-logistic. */
  readonly growthmodel_id: number;
  /** Cohort of each loss, and at which of the times. */
  readonly cohort_id: Column;
  readonly t_idx: Column;
  readonly t_value: Column;
  /** Of each cohort. */
  readonly premium: Column;
  readonly loss: Column;
}

/** Losses grow to a share of the premiums that each cohort has. */
const losses = program<Losses>("losscurve_sislob", (d) =>
  model(({ sample, observe, plate }) => {
    const [omega, theta] = ["omega", "theta"].map((name) => sample(name, LogNormal(0, 0.5)));
    const mean = sample("mu_LR", Normal(0, 0.5));
    const spread = sample("sd_LR", LogNormal(0, 0.5));
    const share = plate("cohort", d.premium.length, () => sample("LR", LogNormal(mean, spread)));
    const noise = sample("loss_sd", LogNormal(0, 0.7));
    // (t / θ)^ω
    const age = tensor(d.t_value).div(theta).pow(omega);
    const grown = d.growthmodel_id === 1 ? age.neg().exp().neg().add(1) : age.div(age.add(1));
    const premium = at(tensor(d.premium), d.cohort_id);
    const loc = at(share, d.cohort_id).mul(premium).mul(at(grown, d.t_idx));
    plate("loss", d.loss.length, () => observe("loss", Normal(loc, premium.mul(noise)), tensor(d.loss)));
  }),
);

export const hierarchyPrograms: readonly StanProgram[] = [
  binomialTrend,
  poissonTrend,
  poissonTrendAndYears,
  sites,
  ...seedPrograms,
  surgical,
  rats,
  dugongs,
  pilots,
  schools,
  dogs,
  dogsLog,
  dogsAlike,
  dogsApart,
  losses,
];
