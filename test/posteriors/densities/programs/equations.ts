/** Differential equations: cholera in water, carbon in soil. */
import {
  Beta,
  concat,
  HalfCauchy,
  HalfNormal,
  LogNormal,
  model,
  Normal,
  Poisson,
  stack,
  tensor,
} from "tightbound";
import { odeint, split } from "tightbound/tensor";
import { type Column, program, type StanProgram } from "../program.ts";

interface Cholera {
  readonly t: Column;
  /** At time 0: susceptible, infected, recovered, and bacteria in the water. */
  readonly y0: Column;
  /** New infections until each time, and bacteria measured. */
  readonly stoi_hat: Column;
  readonly B_hat: Column;
}

/** Half of those exposed fall ill at this concentration of bacteria. */
const HALF = 1e6;

const cholera = program<Cholera>("sir", ({ t, y0, stoi_hat, B_hat }) =>
  model(({ sample, observe, plate }) => {
    const beta = sample("beta", HalfCauchy(2.5));
    const gamma = sample("gamma", HalfCauchy(1));
    const xi = sample("xi", HalfCauchy(25));
    const delta = sample("delta", HalfCauchy(1));
    const states = odeint(
      (_, state) => {
        const [susceptible, infected, , bacteria] = split(state, 4, 0);
        const infections = beta.mul(bacteria).div(bacteria.add(HALF)).mul(susceptible);
        const recoveries = gamma.mul(infected);
        const growth = xi.mul(infected).sub(delta.mul(bacteria));
        return concat([infections.neg(), infections.sub(recoveries), recoveries, growth], 0);
      },
      tensor(y0),
      [0, ...t],
      { relativeTolerance: 1e-9 },
    );
    const [susceptible, , , bacteria] = split(states, 4, 1).map((column) => column.squeeze(1));
    const later = { axis: 0, start: 1 };
    plate("time", t.length, () => {
      const infections = susceptible.slice({ axis: 0, end: -1 }).sub(susceptible.slice(later));
      observe("stoi_hat", Poisson(infections), tensor(stoi_hat));
      observe("B_hat", LogNormal(bacteria.slice(later).log(), 0.15), tensor(B_hat));
    });
  }),
);

interface Soil {
  readonly totalC_t0: number;
  readonly t0: number;
  readonly ts: Column;
  /** Carbon that has left the soil by each time. */
  readonly eCO2mean: Column;
}

/** Two pools of carbon that decay into the air and into each other. */
const soil = program<Soil>("soil_incubation", ({ totalC_t0, t0, ts, eCO2mean }) =>
  model(({ sample, observe, plate }) => {
    const [k1, k2, alpha21, alpha12] = ["k1", "k2", "alpha21", "alpha12"].map((name) =>
      sample(name, HalfNormal(1)),
    );
    const gamma = sample("gamma", Beta(10, 1));
    const sigma = sample("sigma", HalfCauchy(1));
    const pools = odeint(
      (_, state) => {
        const [first, second] = split(state, 2, 0);
        const [out1, out2] = [k1.mul(first), k2.mul(second)];
        return concat([alpha12.mul(out2).sub(out1), alpha21.mul(out1).sub(out2)], 0);
      },
      stack([gamma, gamma.neg().add(1)], 0).mul(totalC_t0),
      [t0, ...ts],
      { relativeTolerance: 1e-9 },
    );
    const evolved = pools.slice({ axis: 0, start: 1 }).sum(1).neg().add(totalC_t0);
    plate("time", ts.length, () => observe("eCO2mean", Normal(evolved, sigma), tensor(eCO2mean)));
  }),
);

export const equationPrograms: readonly StanProgram[] = [cholera, soil];
