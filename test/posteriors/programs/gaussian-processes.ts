/** Gaussian processes with a squared exponential covariance. */
import {
  Gamma,
  HalfNormal,
  MultivariateNormal,
  model,
  Normal,
  Poisson,
  type Tensor,
  tensor,
} from "tightbound";
import { cholesky, eye, zeros } from "tightbound/tensor";
import { type Posterior, posterior } from "../posterior.ts";

interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Counts. */
  readonly k: readonly number[];
}

/** The lower Cholesky factor of α² exp(−(xᵢ − xⱼ)² / 2ρ²), `jitter` added to the diagonal. */
function factorOf(x: readonly number[], alpha: Tensor, rho: Tensor, jitter: Tensor | number): Tensor {
  const gaps = tensor(x.map((a) => x.map((b) => -((a - b) ** 2) / 2)));
  const covariance = gaps.div(rho.square()).exp().mul(alpha.square());
  return cholesky(covariance.add(eye(x.length).mul(jitter)));
}

/** The factor is near singular where rho is large: with longer steps a few trajectories diverge, and alpha is 3 standard errors low. */
const counts = posterior<Points>("gp_pois_regr-gp_pois_regr", { targetAcceptance: 0.99 }, ({ x, k }) =>
  model(({ sample, observe, plate, deterministic }) => {
    const rho = sample("rho", Gamma(25, 4));
    const alpha = sample("alpha", HalfNormal(2));
    const z = sample("z", Normal(0, 1).expand([x.length]).toEvent(1));
    const f = deterministic("f", factorOf(x, alpha, rho, 1e-10).matmul(z));
    plate("point", x.length, () => observe("k", Poisson(f.exp()), tensor(k)));
  }),
);

/** posteriordb adds sigma, not its square, to the diagonal. */
const regression = posterior<Points>("gp_pois_regr-gp_regr", {}, ({ x, y }) =>
  model(({ sample, observe }) => {
    const rho = sample("rho", Gamma(25, 4));
    const alpha = sample("alpha", HalfNormal(2));
    const sigma = sample("sigma", HalfNormal(1));
    const scaleTril = factorOf(x, alpha, rho, sigma);
    observe("y", MultivariateNormal(zeros([x.length]), { scaleTril }), tensor(y));
  }),
);

export const gaussianProcesses: readonly Posterior[] = [counts, regression];
