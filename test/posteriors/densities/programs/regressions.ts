/** Regressions: wells, votes, polls by state, few of many columns, a programme on television, a crash in splines. */
import { Bernoulli, model, Normal, StudentT, type Tensor, tensor } from "tightbound";
import { constraints, flat, InverseGamma, truncate } from "tightbound/distributions";
import { at, beside, type Column, type Matrix, meanOf, program, type StanProgram } from "../program.ts";

const { real, positive, interval } = constraints;

/** y ~ Bernoulli(logit⁻¹(α + X β)), no priors. */
const logistic = (y: Column, ...columns: readonly Column[]) =>
  model(({ sample, observe, plate }) => {
    const alpha = sample("alpha", flat(real));
    const beta = sample("beta", flat(real, [columns.length]));
    const logits = alpha.add(beside(...columns).matmul(beta));
    plate("row", y.length, () => observe("y", Bernoulli({ logits }), tensor(y)));
  });

interface Wells {
  /** Whether the household changed to another well. */
  readonly switched: Column;
  /** Metres to the next safe well. */
  readonly dist: Column;
  readonly arsenic: Column;
  readonly assoc: Column;
  /** Years of school. */
  readonly educ: Column;
}

const over = (x: Column, by: number): Column => x.map((v) => v / by);
const centred = (x: Column): Column => x.map((v) => v - meanOf(x));
const times = (x: Column, y: Column): Column => x.map((v, row) => v * y[row]);

const wells: readonly StanProgram[] = [
  program<Wells>("wells_dist", ({ switched, dist }) =>
    model(({ sample, observe, plate }) => {
      const beta = sample("beta", flat(real, [2]));
      const logits = tensor(dist.map((d) => [1, d])).matmul(beta);
      plate("household", dist.length, () => observe("switched", Bernoulli({ logits }), tensor(switched)));
    }),
  ),
  program<Wells>("wells_dist100_model", ({ switched, dist }) => logistic(switched, over(dist, 100))),
  program<Wells>("wells_dist100ars_model", ({ switched, dist, arsenic }) =>
    logistic(switched, over(dist, 100), arsenic),
  ),
  program<Wells>("wells_interaction_model", ({ switched, dist, arsenic }) =>
    logistic(switched, over(dist, 100), arsenic, times(over(dist, 100), arsenic)),
  ),
  program<Wells>("wells_interaction_c_model", (d) => {
    const [dist, arsenic] = [over(centred(d.dist), 100), centred(d.arsenic)];
    return logistic(d.switched, dist, arsenic, times(dist, arsenic));
  }),
  program<Wells>("wells_dae_model", ({ switched, dist, arsenic, educ }) =>
    logistic(switched, over(dist, 100), arsenic, over(educ, 4)),
  ),
  program<Wells>("wells_dae_c_model", (d) => {
    const [dist, arsenic] = [over(centred(d.dist), 100), centred(d.arsenic)];
    return logistic(d.switched, dist, arsenic, times(dist, arsenic), over(d.educ, 4));
  }),
  program<Wells>("wells_daae_c_model", (d) => {
    const [dist, arsenic] = [over(centred(d.dist), 100), centred(d.arsenic)];
    return logistic(d.switched, dist, arsenic, times(dist, arsenic), d.assoc, over(d.educ, 4));
  }),
  program<Wells>("wells_dae_inter_model", (d) => {
    const [dist, arsenic, educ] = [over(centred(d.dist), 100), centred(d.arsenic), over(centred(d.educ), 4)];
    const products = [times(dist, arsenic), times(dist, educ), times(arsenic, educ)];
    return logistic(d.switched, dist, arsenic, educ, ...products);
  }),
];

const nesLogit = program<{ readonly income: Column; readonly vote: Column }>(
  "nes_logit_model",
  ({ income, vote }) => logistic(vote, income),
);

interface Polls {
  readonly n_age: number;
  readonly n_edu: number;
  readonly n_age_edu: number;
  readonly n_state: number;
  readonly n_region_full: number;
  readonly age: Column;
  readonly edu: Column;
  readonly age_edu: Column;
  readonly state: Column;
  readonly region_full: Column;
  readonly black: Column;
  readonly female: Column;
  /** The state's vote in the election before. */
  readonly v_prev_full: Column;
  readonly y: Column;
}

/** Polls before the election of 1988: groups crossed, each with a spread of its own. */
const election = program<Polls>("election88_full", (d) =>
  model(({ sample, observe, plate }) => {
    const group = (name: string, count: number, of: Column): Tensor => {
      const sigma = sample(`sigma_${name}`, flat(interval(0, 100)));
      return at(
        plate(`group ${name}`, count, () => sample(name, Normal(0, sigma))),
        of,
      );
    };
    const beta = sample("beta", Normal(0, 100).expand([5]).toEvent(1));
    const ones = d.y.map(() => 1);
    const columns = beside(ones, d.black, d.female, d.v_prev_full, times(d.female, d.black));
    const logits = columns
      .matmul(beta)
      .add(group("a", d.n_age, d.age))
      .add(group("b", d.n_edu, d.edu))
      .add(group("c", d.n_age_edu, d.age_edu))
      .add(group("d", d.n_state, d.state))
      .add(group("e", d.n_region_full, d.region_full));
    plate("person", d.y.length, () => observe("y", Bernoulli({ logits }), tensor(d.y)));
  }),
);

interface ManyColumns {
  readonly x: Matrix;
  readonly y: Column;
  readonly scale_icept: number;
  readonly scale_global: number;
  readonly nu_global: number;
  readonly nu_local: number;
  readonly slab_scale: number;
  readonly slab_df: number;
}

/** The regularised horseshoe (Piironen and Vehtari 2017). */
const regularisedHorseshoe = program<ManyColumns>("logistic_regression_rhs", (d) =>
  model(({ sample, observe, plate }) => {
    const columns = d.x[0].length;
    const halfT = (nu: number, scale: number) => truncate(StudentT(nu, 0, scale), 0);
    const z = sample("z", Normal(0, 1).expand([columns]).toEvent(1));
    const lambda = sample("lambda", halfT(d.nu_local, 1).expand([columns]).toEvent(1));
    const tau = sample("tau", halfT(d.nu_global, 2 * d.scale_global));
    const slab = sample("caux", InverseGamma(d.slab_df / 2, d.slab_df / 2)).mul(d.slab_scale ** 2);
    const beta0 = sample("beta0", Normal(0, d.scale_icept));
    // The scale of a coefficient is τλ where that is small, and the slab's where it is large.
    const free = tau.mul(lambda).square();
    const beta = z.mul(free.mul(slab).div(slab.add(free)).sqrt());
    const logits = beta0.add(tensor(d.x).matmul(beta));
    plate("row", d.y.length, () => observe("y", Bernoulli({ logits }), tensor(d.y)));
  }),
);

interface Sesame {
  readonly encouraged: Column;
  readonly watched: Column;
}

const sesame = program<Sesame>("sesame_one_pred_a", ({ encouraged, watched }) =>
  model(({ sample, observe, plate }) => {
    const beta = sample("beta", flat(real, [2]));
    const sigma = sample("sigma", flat(positive));
    const mean = tensor(encouraged.map((each) => [1, each])).matmul(beta);
    plate("child", watched.length, () => observe("watched", Normal(mean, sigma), tensor(watched)));
  }),
);

interface Splines {
  readonly Y: Column;
  /** The linear part and the basis functions: of the mean, and of the logarithm of the standard deviation. */
  readonly Xs: Matrix;
  readonly Zs_1_1: Matrix;
  readonly Xs_sigma: Matrix;
  readonly Zs_sigma_1_1: Matrix;
}

/** A motorcycle's acceleration in a crash, mean and spread as penalised splines. */
const acceleration = program<Splines>("accel_splines", (d) =>
  model(({ sample, observe, plate }) => {
    const spline = (suffix: string, x: Matrix, z: Matrix): Tensor => {
      const linear = sample(`bs${suffix}`, flat(real, [x[0].length]));
      const size = sample(`sds${suffix}_1_1`, truncate(StudentT(3, 0, 36), 0));
      const rough = sample(`zs${suffix}_1_1`, Normal(0, 1).expand([z[0].length]).toEvent(1));
      return tensor(x).matmul(linear).add(tensor(z).matmul(rough).mul(size));
    };
    const mean = sample("Intercept", StudentT(3, -13, 36)).add(spline("", d.Xs, d.Zs_1_1));
    const spread = sample("Intercept_sigma", StudentT(3, 0, 10)).add(
      spline("_sigma", d.Xs_sigma, d.Zs_sigma_1_1),
    );
    plate("time", d.Y.length, () => observe("Y", Normal(mean, spread.exp()), tensor(d.Y)));
  }),
);

export const regressionPrograms: readonly StanProgram[] = [
  ...wells,
  nesLogit,
  election,
  regularisedHorseshoe,
  sesame,
  acceleration,
];
