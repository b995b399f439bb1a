/** Differential equations, by steps of their own choice or of a fixed number. */
import { concat, HalfCauchy, LogNormal, model, tensor } from "tightbound";
import { TruncatedNormal } from "tightbound/distributions";
import { odeint, split } from "tightbound/tensor";
import { type Posterior, posterior } from "../posterior.ts";

interface Populations {
  readonly y_init: readonly [number, number];
  /** Hares and lynxes, year by year. */
  readonly y: readonly (readonly [number, number])[];
}

/** Far from the data, with fast cycles and wide errors, there is a mode of almost no mass that a chain does not leave. */
const NEAR_THE_DATA = new Map([
  ["theta", [0.5, 0.03, 0.8, 0.03]],
  ["z_init", [30, 5]],
  ["sigma", [0.5, 0.5]],
]);

/** Hares and lynxes, as logarithms, in which the equations are smooth: u′ = α − β eᵛ, v′ = δ eᵘ − γ. */
const lotkaVolterra = posterior<Populations>(
  "hudson_lynx_hare-lotka_volterra",
  { initial: NEAR_THE_DATA },
  ({ y, y_init }) =>
    model(({ sample, observe, plate }) => {
      const theta = sample(
        "theta",
        TruncatedNormal([1, 0.05, 1, 0.05], [0.5, 0.05, 0.5, 0.05], 0).toEvent(1),
      );
      const initial = sample("z_init", LogNormal(Math.log(10), 1).expand([2]).toEvent(1));
      const sigma = sample("sigma", LogNormal(-1, 1).expand([2]).toEvent(1));
      const [alpha, beta, gamma, delta] = split(theta, 4, 0);
      const years = Array.from({ length: y.length + 1 }, (_, year) => year);
      const logs = odeint(
        (_, state) => {
          const [u, v] = split(state, 2, 0);
          return concat([alpha.sub(beta.mul(v.exp())), delta.mul(u.exp()).sub(gamma)], 0);
        },
        initial.log(),
        years,
        { steps: 4 },
      );
      plate("year", y.length + 1, () =>
        observe("y", LogNormal(logs, sigma).toEvent(1), tensor([y_init, ...y])),
      );
    }),
);

interface Concentrations {
  /** Dose, mg. */
  readonly D: number;
  /** Volume, l. */
  readonly V: number;
  /** Days. */
  readonly times: readonly number[];
  /** mg / l. */
  readonly C_hat: readonly number[];
}

/** Where elimination is much faster, steps of this length overshoot below 0, and a chain that begins there finds no way out. */
const NEAR_THE_CONCENTRATIONS = new Map([
  ["k_a", [0.75]],
  ["K_m", [1]],
  ["V_m", [1]],
  ["sigma", [0.13]],
]);

/**
 * One compartment, absorption of the first order, elimination after Michaelis and Menten. At a target of 0.95 two trajectories diverge,
 * and the long tail of V_m is four standard errors too short.
 */
const oneCompartment = posterior<Concentrations>(
  "one_comp_mm_elim_abs-one_comp_mm_elim_abs",
  { targetAcceptance: 0.99, initial: NEAR_THE_CONCENTRATIONS },
  ({ D, V, times, C_hat }) =>
    model(({ sample, observe, plate, deterministic }) => {
      const [absorption, half, fastest, sigma] = ["k_a", "K_m", "V_m", "sigma"].map((name) =>
        sample(name, HalfCauchy(1)),
      );
      // As V_m and K_m grow together the likelihood levels off, and their priors leave them no variance; their logarithms have one.
      deterministic("log(K_m)", half.log());
      deterministic("log(V_m)", fastest.log());
      const courses = odeint(
        (time, c) => {
          const dose = absorption
            .mul(time.neg())
            .exp()
            .mul(absorption)
            .mul(D / V);
          return dose.sub(fastest.mul(c).div(half.add(c)).div(V));
        },
        tensor(0),
        [0, ...times],
        { steps: 4 },
      );
      const loc = courses.slice({ axis: 0, start: 1 }).log();
      plate("time", times.length, () => observe("C_hat", LogNormal(loc, sigma), tensor(C_hat)));
    }),
);

export const differentialEquations: readonly Posterior[] = [lotkaVolterra, oneCompartment];
