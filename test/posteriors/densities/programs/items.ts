/** Answers of persons to items: item response theory, and the maturity of bones. */
import {
  Bernoulli,
  Categorical,
  type Context,
  concat,
  Exponential,
  HalfCauchy,
  HalfNormal,
  LogNormal,
  MultivariateNormal,
  model,
  Normal,
  StudentT,
  type Tensor,
  tensor,
} from "tightbound";
import { constraints, flat, LKJCholesky, OrderedLogistic } from "tightbound/distributions";
import { cumsum, split, where, zeros } from "tightbound/tensor";
import { at, type Column, type Matrix, meanOf, program, type StanProgram, sdOf } from "../program.ts";

const { real } = constraints;

interface Answers {
  /** Numbers of items and persons; item and person of each answer, and the answer, from 0. */
  readonly I: number;
  readonly J: number;
  readonly ii: Column;
  readonly jj: Column;
  readonly y: Column;
}

interface Described extends Answers {
  /** What is known of each person; the first column is ones. */
  readonly W: Matrix;
}

/** Columns other than the first have mean 0 and standard deviation one half. (Those with two values were meant to become 1 apart; posteriordb's do not.) */
const standardised = (W: Matrix): Matrix => {
  const columns = W[0].map((_, k) => W.map((row) => row[k]));
  return W.map((row) => row.map((v, k) => (k === 0 ? v : (v - meanOf(columns[k])) / (2 * sdOf(columns[k])))));
};

/** Discriminations of items. */
const discriminations = ({ sample }: Context, I: number): Tensor =>
  sample("alpha", LogNormal(1, 1).expand([I]).toEvent(1));

/** Abilities, about a regression on what is known of a person. */
const abilities = ({ sample, plate }: Context, W: Matrix): Tensor => {
  const lambda = sample("lambda_adj", StudentT(3, 0, 1).expand([W[0].length]).toEvent(1));
  const mean = tensor(standardised(W)).matmul(lambda);
  return plate("person", W.length, () => sample("theta", Normal(mean, 1)));
};

/** Numbers that sum to 0, normal with standard deviation 3, of which all but the last are free. */
const sumToZero = ({ sample, factor }: Context, name: string, count: number): Tensor => {
  const free = sample(`${name}_free`, flat(real, [count - 1]));
  const all = concat([free, free.sum().neg().reshape([1])], 0);
  factor(`prior of ${name}`, Normal(0, 3).logProb(all).sum());
  return all;
};

const twoParameters = program<Described>("2pl_latent_reg_irt", ({ I, ii, jj, y, W }) =>
  model((context) => {
    const alpha = discriminations(context, I);
    const beta = sumToZero(context, "beta", I);
    const theta = abilities(context, W);
    const logits = at(alpha, ii).mul(at(theta, jj)).sub(at(beta, ii));
    context.plate("answer", y.length, () => context.observe("y", Bernoulli({ logits }), tensor(y)));
  }),
);

/** Log odds of 0, 1, 2, … from those of each step over the one below: [answers, steps] to [answers, steps + 1]. */
const partialCredit = (steps: Tensor): Tensor => concat([zeros([steps.shape[0], 1]), cumsum(steps, 1)], 1);

const ratingScale = program<Described>("grsm_latent_reg_irt", ({ I, ii, jj, y, W }) =>
  model((context) => {
    const alpha = discriminations(context, I);
    const beta = sumToZero(context, "beta", I);
    const kappa = sumToZero(context, "kappa", Math.max(...y));
    const ease = at(abilities(context, W), jj).mul(at(alpha, ii)).sub(at(beta, ii));
    const logits = partialCredit(ease.unsqueeze(-1).sub(kappa));
    context.plate("answer", y.length, () => context.observe("y", Categorical({ logits }), tensor(y)));
  }),
);

/** Each item has steps of its own, as many as its highest answer. */
const generalisedPartialCredit = program<Described>("gpcm_latent_reg_irt", ({ I, ii, jj, y, W }) =>
  model((context) => {
    const counts = Array.from({ length: I }, (_, i) => Math.max(...y.filter((_, n) => ii[n] === i + 1)));
    const before = counts.map((_, i) => counts.slice(0, i).reduce((sum, m) => sum + m, 0));
    const most = Math.max(...counts);
    const alpha = discriminations(context, I);
    const beta = sumToZero(context, "beta", before[I - 1] + counts[I - 1]);
    // [items, steps]; where an item has fewer steps, the last again, and no probability.
    const numbers = counts.flatMap((m, i) =>
      Array.from({ length: most }, (_, k) => before[i] + Math.min(k, m - 1) + 1),
    );
    const possible = tensor(counts.map((m) => Array.from({ length: most + 1 }, (_, k) => (k <= m ? 1 : 0))));
    const ease = at(abilities(context, W), jj).mul(at(alpha, ii));
    const steps = ease.unsqueeze(-1).sub(at(at(beta, numbers).reshape([I, most]), ii));
    const logits = where(at(possible, ii).greater(0), partialCredit(steps), Number.NEGATIVE_INFINITY);
    context.plate("answer", y.length, () => context.observe("y", Categorical({ logits }), tensor(y)));
  }),
);

/** Discrimination and difficulty of an item are correlated. */
const correlated = program<Answers>(
  "hier_2pl",
  ({ I, J, ii, jj, y }) =>
    model(({ sample, observe, plate }) => {
      const theta = sample("theta", Normal(0, 1).expand([J]).toEvent(1));
      const mu = sample("mu", Normal(0, [1, 5]).toEvent(1));
      const tau = sample("tau", Exponential(0.1).expand([2]).toEvent(1));
      const scaleTril = sample("L_Omega", LKJCholesky(2, 4)).mul(tau.unsqueeze(-1));
      const xi = plate("item", I, () => sample("xi", MultivariateNormal(mu, { scaleTril })));
      const [logAlpha, beta] = split(xi, 2, -1).map((column) => column.squeeze(-1));
      const logits = at(logAlpha.exp(), ii).mul(at(theta, jj).sub(at(beta, ii)));
      plate("answer", y.length, () => observe("y", Bernoulli({ logits }), tensor(y)));
    }),
  { xi: ["xi1", "xi2"] },
);

interface AllAnswered {
  /** By item and person. */
  readonly y: Matrix;
}

const everyItem = program<AllAnswered>("irt_2pl", ({ y }) =>
  model(({ sample, observe, plate }) => {
    const spreadOfAbility = sample("sigma_theta", HalfCauchy(2));
    const spreadOfA = sample("sigma_a", HalfCauchy(2));
    const [meanOfB, spreadOfB] = [sample("mu_b", Normal(0, 5)), sample("sigma_b", HalfCauchy(2))];
    const theta = plate("person", y[0].length, () => sample("theta", Normal(0, spreadOfAbility)));
    const { a, b } = plate("item", y.length, () => ({
      a: sample("a", LogNormal(0, spreadOfA)).unsqueeze(-1),
      b: sample("b", Normal(meanOfB, spreadOfB)).unsqueeze(-1),
    }));
    observe("y", Bernoulli({ logits: a.mul(theta.sub(b)) }).toEvent(2), tensor(y));
  }),
);

interface Patterns {
  /** Patterns of answers to five questions, and how many students had this one or one before it. */
  readonly response: Matrix;
  readonly culm: Column;
}

const lawSchool = program<Patterns>("lsat_model", ({ response, culm }) =>
  model(({ sample, observe, plate }) => {
    const alpha = sample("alpha", Normal(0, 100).expand([response[0].length]).toEvent(1));
    const beta = sample("beta", HalfNormal(100));
    const answers = response.flatMap((pattern, r) =>
      Array.from({ length: culm[r] - (culm[r - 1] ?? 0) }, () => [...pattern]),
    );
    plate("student", answers.length, () => {
      const theta = sample("theta", Normal(0, 1));
      const logits = beta.mul(theta).unsqueeze(-1).sub(alpha);
      observe("r", Bernoulli({ logits }).toEvent(1), tensor(answers));
    });
  }),
);

interface Bones {
  /** By child and indicator, from 1; -1 where it is missing. */
  readonly grade: Matrix;
  /** Of each indicator: its discrimination, its thresholds, the rest of which are -1, and how many grades it has. */
  readonly delta: Column;
  readonly gamma: Matrix;
  readonly ncat: Column;
}

/** The maturity of children's skeletons, from grades of 34 indicators on X-rays (Thissen 1986). */
const bones = program<Bones>("bones_model", ({ grade, delta, gamma, ncat }) =>
  model(({ sample, observe, plate }) => {
    const theta = plate("child", grade.length, () => sample("theta", Normal(0, 36)));
    const seen = grade.flatMap((row, child) =>
      row.flatMap((g, indicator) => (g === -1 ? [] : [{ child: child + 1, indicator, grade: g - 1 }])),
    );
    // Indicators with as many grades together.
    for (const count of new Set(ncat)) {
      const some = seen.filter(({ indicator }) => ncat[indicator] === count);
      const slopes = tensor(some.map(({ indicator }) => delta[indicator]));
      const thresholds = tensor(
        some.map(({ indicator: i }) => gamma[i].slice(0, count - 1).map((g) => g * delta[i])),
      );
      plate(`grade of ${count}`, some.length, () => {
        const predictor = at(
          theta,
          some.map(({ child }) => child),
        ).mul(slopes);
        observe(
          `grade of ${count}`,
          OrderedLogistic(predictor, thresholds),
          tensor(some.map((s) => s.grade)),
        );
      });
    }
  }),
);

export const itemPrograms: readonly StanProgram[] = [
  twoParameters,
  ratingScale,
  generalisedPartialCredit,
  correlated,
  everyItem,
  lawSchool,
  bones,
];
