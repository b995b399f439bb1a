/** Fields over space and time: Gaussian processes on grids and by state, and neighbours in New York. */
import {
  Beta,
  Dirichlet,
  Gamma,
  HalfCauchy,
  HalfNormal,
  LogNormal,
  model,
  Normal,
  Poisson,
  type Tensor,
  tensor,
} from "tightbound";
import { constraints, flat, kernels, LKJCholesky, truncate, Weibull } from "tightbound/distributions";
import { cholesky, eigh, eye } from "tightbound/tensor";
import { at, type Column, type Matrix, program, type StanProgram } from "../program.ts";

interface Grid {
  readonly n1: number;
  readonly n2: number;
  readonly x1: Column;
  /** [n2, n1] */
  readonly y: Matrix;
}

/** Covariances along rows and along columns: by the eigenvectors of both, the covariance of the grid is diagonal. */
const kronecker = program<Grid>("kronecker_gp", ({ n1, n2, x1, y }) =>
  model(({ sample, factor }) => {
    const variance = sample("var1", LogNormal(0, 1));
    const width = sample("bw1", HalfCauchy(2.5));
    const L = sample("L", LKJCholesky(n2, 2));
    const noise = sample("sigma1", truncate(LogNormal(0, 1), 1e-5));
    const gaps = tensor(x1.map((a) => x1.map((b) => -((a - b) ** 2))));
    const along = eigh(gaps.mul(width).exp().mul(variance).add(eye(n1).mul(1e-5)));
    const across = eigh(L.matmul(L.transpose()));
    const spectrum = across.values.unsqueeze(-1).mul(along.values).add(noise);
    const rotated = across.vectors.transpose().matmul(tensor(y)).matmul(along.vectors);
    factor("y", rotated.square().div(spectrum).add(spectrum.log()).sum().mul(-0.5));
  }),
);

interface Votes {
  readonly N_regions: number;
  readonly N_states: number;
  readonly N_years: number;
  readonly N_years_obs: number;
  readonly state_region_ind: Column;
  /** State, region and year of each vote, and its share. */
  readonly state_ind: Column;
  readonly region_ind: Column;
  readonly year_ind: Column;
  readonly y: Column;
}

/** Votes by state and year: levels, and slow and fast Gaussian processes of states and regions, which share a total variance. */
const votes = program<Votes>("hierarchical_gp", (d) =>
  model(({ sample, observe, plate }) => {
    const standard = (name: string, ...shape: readonly number[]): Tensor =>
      sample(name, Normal(0, 1).expand(shape).toEvent(shape.length));
    const total = sample("tot_var", Gamma(3, 3));
    const shares = sample("prop_var", Dirichlet(Array(17).fill(2)));
    const sigmas = shares.mul(total).mul(17).sqrt();
    const sigma = (k: number): Tensor => sigmas.slice({ axis: 0, start: k, end: k + 1 });
    const years = tensor(Array.from({ length: d.N_years }, (_, t) => [t + 1]));
    const course = (group: string, count: number, long: number, short: number): Tensor => {
      const covariances = [
        { name: `length_GP_${group}_long`, typical: 8, scale: sigma(long) },
        { name: `length_GP_${group}_short`, typical: 3, scale: sigma(short) },
      ].map(({ name, typical, scale }) => {
        const lengthScale = sample(name, Weibull(typical, 30));
        return kernels.rbf({ lengthScale, scale: scale.squeeze(0) }).covariance(years, years);
      });
      const factorOf = cholesky(covariances[0].add(covariances[1]).add(eye(d.N_years).mul(1e-6)));
      return factorOf.matmul(standard(`GP_${group}_std`, d.N_years, count));
    };
    const mu = sample("mu", Normal(0.5, 0.5));
    const ofYear = standard("year_std", d.N_years_obs).mul(sigma(0));
    const ofRegion = standard("region_std", d.N_regions).mul(sigma(1));
    const ofState = standard("state_std", d.N_states).mul(
      at(sigmas.slice({ axis: 0, start: 2, end: 12 }), d.state_region_ind),
    );
    const cell = (field: Tensor, column: Column): Tensor =>
      at(
        field.flatten(),
        d.year_ind.map((year, n) => (year - 1) * field.shape[1] + column[n]),
      );
    const mean = mu
      .add(at(ofYear, d.year_ind))
      .add(at(ofState, d.state_ind))
      .add(at(ofRegion, d.region_ind))
      .add(cell(course("region", d.N_regions, 12, 14), d.region_ind))
      .add(cell(course("state", d.N_states, 13, 15), d.state_ind));
    plate("vote", d.y.length, () => observe("y", Normal(mean, sigma(16)), tensor(d.y)));
  }),
);

interface Neighbours {
  readonly N: number;
  /** Pairs of neighbours. */
  readonly node1: Column;
  readonly node2: Column;
  /** Accidents, and those expected. */
  readonly y: Column;
  readonly E: Column;
  readonly scaling_factor: number;
}

/** Accidents by district: what is a district's own, and what it shares with its neighbours (Riebler et al. 2016). */
const districts = program<Neighbours>("bym2_offset_only", ({ N, node1, node2, y, E, scaling_factor }) =>
  model(({ sample, observe, factor, plate }) => {
    const level = sample("beta0", Normal(0, 1));
    const sigma = sample("sigma", HalfNormal(1));
    const rho = sample("rho", Beta(0.5, 0.5));
    const theta = sample("theta", Normal(0, 1).expand([N]).toEvent(1));
    const phi = sample("phi", flat(constraints.real, [N]));
    factor("neighbours", at(phi, node1).sub(at(phi, node2)).square().sum().mul(-0.5));
    factor("about 0 together", Normal(0, 0.001 * N).logProb(phi.sum()));
    const effect = rho.neg().add(1).sqrt().mul(theta).add(rho.div(scaling_factor).sqrt().mul(phi));
    const rate = level.add(effect.mul(sigma)).exp().mul(tensor(E));
    plate("district", N, () => observe("y", Poisson(rate), tensor(y)));
  }),
);

export const fieldPrograms: readonly StanProgram[] = [kronecker, votes, districts];
