/** Eight schools, and a mixture of two normals. */
import { Beta, Categorical, HalfCauchy, HalfNormal, Mixture, model, Normal, stack, tensor } from "tightbound";
import { constraints, flat } from "tightbound/distributions";
import { type Posterior, posterior } from "../posterior.ts";

interface Schools {
  readonly y: readonly number[];
  readonly sigma: readonly number[];
}

const schools = posterior<Schools>("eight_schools-eight_schools_noncentered", {}, ({ y, sigma }) =>
  model(({ sample, observe, plate, deterministic }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", y.length, () => {
      const theta = deterministic("theta", mu.add(tau.mul(sample("z", Normal(0, 1)))));
      observe("y", Normal(theta, tensor(sigma)), tensor(y));
    });
  }),
);

const mixture = posterior<{ readonly y: readonly number[] }>(
  "low_dim_gauss_mix-low_dim_gauss_mix",
  {},
  ({ y }) =>
    model(({ sample, observe, plate, factor }) => {
      const mu = sample("mu", flat(constraints.orderedVector, [2]));
      factor("prior of mu", Normal(0, 2).logProb(mu).sum());
      const sigma = sample("sigma", HalfNormal(2).expand([2]).toEvent(1));
      const theta = sample("theta", Beta(5, 5));
      const weights = Categorical({ probs: stack([theta, theta.neg().add(1)], 0) });
      plate("row", y.length, () => observe("y", Mixture(weights, Normal(mu, sigma)), tensor(y)));
    }),
);

export const hierarchiesAndMixtures: readonly Posterior[] = [schools, mixture];
