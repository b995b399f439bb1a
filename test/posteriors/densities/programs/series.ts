/** Series: hidden chains, a level and a season, a trend with changes of slope, an epidemic. */
import {
  Categorical,
  concat,
  type Distribution,
  Exponential,
  Gamma,
  HalfNormal,
  Laplace,
  model,
  Normal,
  type Tensor,
  tensor,
} from "tightbound";
import {
  constraints,
  flat,
  HiddenMarkov,
  NegativeBinomial,
  StudentT,
  TruncatedNormal,
} from "tightbound/distributions";
import { cumsum, logSoftmax, scan, zeros } from "tightbound/tensor";
import { type Column, type Matrix, meanOf, program, type StanProgram, sdOf } from "../program.ts";

const { real, simplex, positive, orderedVector, positiveOrderedVector, interval } = constraints;

const from = (t: Tensor, start: number, end?: number): Tensor =>
  t.slice({ axis: 0, start, ...(end !== undefined && { end }) });

interface Chain {
  readonly K: number;
  readonly y: Column;
}

/** posteriordb's gives the first value the densities of all states, whichever the first state is. */
const gaussianChain = program<Chain>("hmm_gaussian", ({ K, y }) =>
  model(({ sample, observe, factor }) => {
    const first = sample("pi1", flat(simplex, [K]));
    const A = sample("A", flat(simplex, [K, K]));
    const mu = sample("mu", flat(orderedVector, [K]));
    const sigma = sample("sigma", flat(positive, [K]));
    factor("first value", Normal(mu, sigma).logProb(y[0]).sum());
    const second = Categorical({ probs: first.unsqueeze(0).matmul(A).squeeze(0) });
    const chain = HiddenMarkov(second, Categorical({ probs: A }), Normal(mu, sigma), y.length - 1);
    observe("y", chain, tensor(y.slice(1)));
  }),
);

interface Driven extends Chain {
  /** What drives it, by time. */
  readonly u: Matrix;
}

/**
 * States and values that depend on what is put in. In posteriordb's, the probability of a transition depends on the state that is left, through the
 * softmax over those; it is no distribution of the next state, so not a HiddenMarkov.
 */
const drivenChain = program<Driven>("iohmm_reg", ({ K, y, u }) =>
  model(({ sample, factor }) => {
    const inputs = tensor(u);
    const first = sample("pi1", flat(simplex, [K]));
    const w = sample("w", Normal(0, 5).expand([K, u[0].length]).toEvent(2));
    const b = sample("b", Normal(0, 5).expand([K, u[0].length]).toEvent(2));
    const sigma = sample("sigma", HalfNormal(3).expand([K]).toEvent(1));
    const moves = logSoftmax(inputs.matmul(w.transpose()));
    const values = Normal(inputs.matmul(b.transpose()), sigma).logProb(tensor(y).unsqueeze(-1));
    const start = first.log().add(values.slice({ axis: 0, end: 1 }).squeeze(0));
    const { carry } = scan(start, [from(moves, 1), from(values, 1)], (before, [move, value]) => {
      const now = before.add(move).logsumexp(0).add(value);
      return { carry: now, output: [] };
    });
    factor("y", carry.logsumexp(0));
  }),
);

interface Drivers {
  /** Logarithm of the drivers killed or hurt each month, the price of petrol, and whether belts were the law. */
  readonly y: Column;
  readonly x: Column;
  readonly w: Column;
}

/** A level that walks, and a season whose twelve months sum to about zero. */
const levelAndSeason = program<Drivers>("state_space_stochastic_level_stochastic_seasonal", ({ y, x, w }) =>
  model(({ sample, observe, factor, plate }) => {
    const [middle, reach] = [meanOf(y), 3 * sdOf(y)];
    const mu = sample("mu", flat(interval(middle - reach, middle + reach), [y.length]));
    const seasonal = sample("seasonal", flat(real, [y.length]));
    const [beta, lambda] = ["beta", "lambda"].map((name) => sample(name, flat(real)));
    const sigma = sample("sigma", flat(positiveOrderedVector, [3]));
    factor("prior of sigma", StudentT(4, 0, 1).logProb(sigma).sum());
    const [season, level, noise] = [0, 1, 2].map((k) =>
      sigma.slice({ axis: 0, start: k, end: k + 1 }).squeeze(0),
    );
    factor(
      "level",
      Normal(from(mu, 0, -1), level)
        .logProb(from(mu, 1))
        .sum(),
    );
    // The sums of twelve months that follow each other are differences of cumulative sums.
    const sums = concat([tensor([0]), cumsum(seasonal, 0)], 0);
    factor(
      "season",
      Normal(0, season)
        .logProb(from(sums, 12).sub(from(sums, 0, -12)))
        .sum(),
    );
    const mean = mu
      .add(seasonal)
      .add(beta.mul(tensor(x)))
      .add(lambda.mul(tensor(w)));
    plate("month", y.length, () => observe("y", Normal(mean, noise), tensor(y)));
  }),
);

interface Downloads {
  readonly t: Column;
  readonly y: Column;
  /** What a logistic trend grows to. */
  readonly cap: Column;
  /** When the slope can change. */
  readonly t_change: Column;
  /** Seasons and holidays, the scales of their coefficients, and which are added and which multiply the trend. */
  readonly X: Matrix;
  readonly sigmas: Column;
  readonly s_a: Column;
  readonly s_m: Column;
  readonly tau: number;
  /** 0 for a linear trend, 1 for a logistic one. */
  readonly trend_indicator: number;
}

/** A trend whose slope changes here and there, and seasons (Taylor and Letham 2018). */
const prophet = program<Downloads>("prophet", (d) =>
  model(({ sample, observe, plate }) => {
    const k = sample("k", Normal(0, 5));
    const m = sample("m", Normal(0, 5));
    const delta = sample("delta", Laplace(0, d.tau).expand([d.t_change.length]).toEvent(1));
    const sigma = sample("sigma_obs", HalfNormal(0.5));
    const beta = sample("beta", Normal(0, tensor(d.sigmas)).toEvent(1));
    const [time, changes] = [tensor(d.t), tensor(d.t_change)];
    const passed = tensor(d.t.map((t) => d.t_change.map((change) => (t >= change ? 1 : 0))));
    const slope = k.add(passed.matmul(delta));
    const linear = (): Tensor =>
      slope
        .mul(time)
        .add(m)
        .sub(passed.matmul(changes.mul(delta)));
    const logistic = (): Tensor => {
      // The offset moves with each change, so that the trend has no jumps.
      const slopes = k.add(cumsum(delta, 0));
      const before = slopes.sub(delta);
      const { outputs } = scan(m, [changes, before.div(slopes)], (offset, [change, ratio]) => {
        const move = change.sub(offset).mul(ratio.neg().add(1));
        return { carry: offset.add(move), output: move };
      });
      return slope
        .mul(time.sub(m).sub(passed.matmul(outputs)))
        .sigmoid()
        .mul(tensor(d.cap));
    };
    const trend = d.trend_indicator === 0 ? linear() : logistic();
    const columns = tensor(d.X);
    const factorOf = columns.matmul(beta.mul(tensor(d.s_m))).add(1);
    const mean = trend.mul(factorOf).add(columns.matmul(beta.mul(tensor(d.s_a))));
    plate("day", d.y.length, () => observe("y", Normal(mean, sigma), tensor(d.y)));
  }),
);

interface Epidemic {
  /** Days before the first in which infections are all the same. */
  readonly N0: number;
  /** Days with data, by country, and the first of them that is counted. */
  readonly N: Column;
  readonly EpidemicStart: Column;
  readonly N2: number;
  readonly deaths: Matrix;
  /** Probability of death after so many days, by day and country. */
  readonly f: Matrix;
  /** Measures, by country, day and measure. */
  readonly X: readonly Matrix[];
  readonly pop: Column;
  /** Distribution of the days from an infection to the next. */
  readonly SI: Column;
}

/** Infections beget infections, and some of them deaths, in several countries (Flaxman et al. 2020). */
const epidemic = (name: string): StanProgram =>
  program<Epidemic>(name, (d) =>
    model(({ sample, observe, factor, plate }) => {
      const countries = d.pop.length;
      const each = (site: string, distribution: Distribution) =>
        sample(site, distribution.expand([countries]).toEvent(1));
      const tau = sample("tau", Exponential(0.03));
      const y = each("y", Exponential(tau.pow(-1)));
      const phi = sample("phi", HalfNormal(5));
      const kappa = sample("kappa", HalfNormal(0.5));
      const mu = sample("mu", flat(positive, [countries]));
      // Not divided by the probability of a positive number, which depends on kappa.
      factor("prior of mu", Normal(3.28, kappa).logProb(mu).sum());
      const alpha = sample("alpha_hier", Gamma(0.1667, 1).expand([d.X[0][0].length]).toEvent(1)).sub(
        Math.log(1.05) / 6,
      );
      const noise = each("ifr_noise", TruncatedNormal(1, 0.1, 0));
      // [days, countries, measures]
      const measures = tensor(d.SI.map((_, day) => d.X.map((country) => country[day])));
      const reproduction = mu.mul(measures.matmul(alpha).neg().exp());
      const [interval, people] = [tensor(d.SI), tensor(d.pop)];
      const seeded = y.expand([d.N0, countries]);
      // The carry: infections of all days before, the last one first, and their sum.
      const start = [concat([seeded, zeros([d.N2 - d.N0, countries])], 0), y.mul(d.N0)] as const;
      const { outputs } = scan(start, from(reproduction, d.N0), ([recent, infected], rate) => {
        const left = people.sub(infected).div(people);
        const infections = left.mul(rate).mul(interval.matmul(recent));
        const shifted = concat([infections.unsqueeze(0), from(recent, 0, -1)], 0);
        return { carry: [shifted, infected.add(infections)] as const, output: infections };
      });
      const infections = concat([seeded, outputs], 0);
      // [countries, days, days before]
      const delays = tensor(
        d.pop.map((_, country) =>
          d.SI.map((_, day) => d.SI.map((_, before) => (before < day ? d.f[day - before - 1][country] : 0))),
        ),
      );
      const expected = delays
        .matmul(infections.transpose().unsqueeze(-1))
        .squeeze(-1)
        .mul(noise.unsqueeze(-1));
      d.pop.forEach((_, country) => {
        const [first, last] = [d.EpidemicStart[country] - 1, d.N[country]];
        const mean = from(
          expected.slice({ axis: 0, start: country, end: country + 1 }).squeeze(0),
          first,
          last,
        );
        const deaths = d.deaths.slice(first, last).map((row) => row[country]);
        plate(`days of country ${country}`, deaths.length, () =>
          observe(
            `deaths[${country}]`,
            NegativeBinomial(phi, { logits: mean.div(phi).log() }),
            tensor(deaths),
          ),
        );
      });
    }),
  );

export const seriesPrograms: readonly StanProgram[] = [
  gaussianChain,
  drivenChain,
  levelAndSeason,
  prophet,
  epidemic("covid19imperial_v2"),
  epidemic("covid19imperial_v3"),
];
