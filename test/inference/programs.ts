/** Small programs whose posteriors are known. */
import { Bernoulli, Beta, HalfCauchy, Normal } from "../../src/distributions/index.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";

export const flips: readonly number[] = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0];

/** p ~ Beta(10, 10), 6 heads of 10: the posterior is Beta(16, 14), the log evidence −7.06937. */
export const coin = () =>
  model(
    ({ sample, observe, plate }) => {
      const p = sample("p", Beta(10, 10));
      plate("flip", 10, () => observe("x", Bernoulli({ probs: p }), tensor(flips)));
    },
    { name: "coin" },
  );

export const schoolsData = {
  y: [28, 8, -3, 7, -1, 1, 18, 12],
  sigma: [15, 10, 16, 11, 9, 11, 10, 18],
} as const;

/** Eight schools (Rubin 1981), each school's effect drawn from Normal(mu, tau) itself. */
export const centredSchools = () =>
  model(
    ({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(0, 5));
      const tau = sample("tau", HalfCauchy(5));
      plate("school", 8, () => {
        const theta = sample("theta", Normal(mu, tau));
        observe("y", Normal(theta, tensor(schoolsData.sigma)), tensor(schoolsData.y));
      });
    },
    { name: "eightSchools" },
  );

/** The same posterior in coordinates that suit a sampler: theta = mu + tau · z, z ~ Normal(0, 1). */
export const eightSchools = () =>
  model(
    ({ sample, observe, plate, deterministic }) => {
      const mu = sample("mu", Normal(0, 5));
      const tau = sample("tau", HalfCauchy(5));
      plate("school", 8, () => {
        const z = sample("z", Normal(0, 1));
        const theta = deterministic("theta", mu.add(tau.mul(z)));
        observe("y", Normal(theta, tensor(schoolsData.sigma)), tensor(schoolsData.y));
      });
    },
    { name: "eightSchools" },
  );

/** By quadrature. */
export const schoolsPosterior = {
  logEvidence: -31.3115,
  mu: { mean: 4.3968, sd: 3.318 },
  tau: { mean: 3.5984, sd: 3.22 },
  theta: {
    mean: [6.2122, 4.9402, 3.9269, 4.7571, 3.6153, 4.0425, 6.297, 4.8543],
    sd: [5.593, 4.675, 5.263, 4.781, 4.658, 4.827, 5.078, 5.291],
  },
} as const;
