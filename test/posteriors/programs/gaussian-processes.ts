/** Gaussian processes with a squared exponential covariance. */
import {
  Gamma,
  HalfNormal,
  MultivariateNormal,
  model,
  Normal,
  Poisson,
  StudentT,
  type Tensor,
  tensor,
} from "tightbound";
import { InverseGamma, truncate } from "tightbound/distributions";
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

interface Acceleration {
  readonly Y: readonly number[];
  /** Eigenfunctions of the Laplacian at the times, and the roots of their eigenvalues: of the mean, and of the logarithm of the standard deviation. */
  readonly Xgp_1: readonly (readonly number[])[];
  readonly slambda_1: readonly (readonly [number])[];
  readonly Xgp_sigma_1: readonly (readonly number[])[];
  readonly slambda_sigma_1: readonly (readonly [number])[];
}

/** A motorcycle's acceleration in a crash: Gaussian processes of the mean and of the spread, in eigenfunctions of the Laplacian. */
const acceleration = posterior<Acceleration>("mcycle_gp-accel_gp", { targetAcceptance: 0.95 }, (d) =>
  model(({ sample, observe, plate }) => {
    const process = (
      suffix: string,
      x: readonly (readonly number[])[],
      roots: readonly (readonly [number])[],
    ): Tensor => {
      const size = sample(`sdgp${suffix}_1`, truncate(StudentT(3, 0, 36), 0));
      const length = sample(`lscale${suffix}_1`, InverseGamma(1.124909, 0.0177));
      const z = sample(`zgp${suffix}_1`, Normal(0, 1).expand([roots.length]).toEvent(1));
      // The root of the spectral density, α² √(2π) ρ exp(−ρ² λ/2).
      const squares = tensor(roots.map(([root]) => -(root ** 2) / 4));
      const height = length
        .mul(Math.sqrt(2 * Math.PI))
        .sqrt()
        .mul(size);
      return tensor(x).matmul(length.square().mul(squares).exp().mul(height).mul(z));
    };
    const intercept = sample("Intercept", StudentT(3, -13, 36));
    const mean = intercept.add(process("", d.Xgp_1, d.slambda_1));
    const spread = sample("Intercept_sigma", StudentT(3, 0, 10)).add(
      process("_sigma", d.Xgp_sigma_1, d.slambda_sigma_1),
    );
    plate("time", d.Y.length, () => observe("Y", Normal(mean, spread.exp()), tensor(d.Y)));
  }),
);

export const gaussianProcesses: readonly Posterior[] = [counts, regression, acceleration];
