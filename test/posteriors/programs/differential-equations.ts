/** Differential equations, by the classical Runge-Kutta method with fixed steps. */
import { HalfCauchy, LogNormal, model, Normal, stack, type Tensor, tensor } from "tightbound";
import { constraints } from "tightbound/distributions";
import { split } from "tightbound/tensor";
import { type Posterior, posterior } from "../posterior.ts";
import { restricted } from "../priors.ts";

type State = readonly Tensor[];
type Slope = (time: number, state: State) => State;

/** One step of the fourth order from `time` to `time + h`. */
function step(slope: Slope, time: number, state: State, h: number): State {
  const ahead = (by: number, along: State): State => state.map((s, i) => s.add(along[i].mul(by)));
  const k1 = slope(time, state);
  const k2 = slope(time + h / 2, ahead(h / 2, k1));
  const k3 = slope(time + h / 2, ahead(h / 2, k2));
  const k4 = slope(time + h, ahead(h, k3));
  return state.map((s, i) =>
    s.add(
      k1[i]
        .add(k2[i].add(k3[i]).mul(2))
        .add(k4[i])
        .mul(h / 6),
    ),
  );
}

/** The states at increasing times, `steps` equal steps to each from the one before. */
function solve(
  slope: Slope,
  start: number,
  initial: State,
  times: readonly number[],
  steps: number,
): State[] {
  let [time, state] = [start, initial];
  return times.map((end) => {
    const h = (end - time) / steps;
    for (let i = 0; i < steps; i++) state = step(slope, time + i * h, state, h);
    time = end;
    return state;
  });
}

interface Populations {
  readonly y_init: readonly [number, number];
  /** Hares and lynxes, year by year. */
  readonly y: readonly (readonly [number, number])[];
}

/** Hares and lynxes, as logarithms, in which the equations are smooth: u′ = α − β eᵛ, v′ = δ eᵘ − γ. */
const lotkaVolterra = posterior<Populations>("hudson_lynx_hare-lotka_volterra", {}, ({ y, y_init }) =>
  model(({ sample, observe, plate }) => {
    const positive = constraints.independentConstraint(constraints.positive, 1);
    const theta = sample(
      "theta",
      restricted(Normal([1, 0.05, 1, 0.05], [0.5, 0.05, 0.5, 0.05]).toEvent(1), positive),
    );
    const initial = sample("z_init", LogNormal(Math.log(10), 1).expand([2]).toEvent(1));
    const sigma = sample("sigma", LogNormal(-1, 1).expand([2]).toEvent(1));
    const parts = (x: Tensor): Tensor[] => split(x, x.shape[0], 0);
    const [alpha, beta, gamma, delta] = parts(theta);
    const logs = initial.log();
    const years = y.map((_, year) => year + 1);
    const slope: Slope = (_, [u, v]) => [alpha.sub(beta.mul(v.exp())), delta.mul(u.exp()).sub(gamma)];
    const states = solve(slope, 0, parts(logs), years, 4);
    const loc = stack([logs, ...states.map((state) => stack(state, 1).reshape([2]))], 0);
    plate("year", y.length + 1, () => observe("y", LogNormal(loc, sigma).toEvent(1), tensor([y_init, ...y])));
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

/**
 * One compartment, absorption of the first order, elimination after Michaelis and Menten. At a target of 0.95 two trajectories diverge,
 * and the long tail of V_m is four standard errors too short.
 */
const oneCompartment = posterior<Concentrations>(
  "one_comp_mm_elim_abs-one_comp_mm_elim_abs",
  { targetAcceptance: 0.99 },
  ({ D, V, times, C_hat }) =>
    model(({ sample, observe, plate, deterministic }) => {
      const [absorption, half, fastest, sigma] = ["k_a", "K_m", "V_m", "sigma"].map((name) =>
        sample(name, HalfCauchy(1)),
      );
      // As V_m and K_m grow together the likelihood levels off, and their priors leave them no variance; their logarithms have one.
      deterministic("log(K_m)", half.log());
      deterministic("log(V_m)", fastest.log());
      const slope: Slope = (time, [c]) => {
        const dose = absorption
          .mul(-time)
          .exp()
          .mul(absorption)
          .mul(D / V);
        return [dose.sub(fastest.mul(c).div(half.add(c)).div(V))];
      };
      const states = solve(slope, 0, [tensor(0)], times, 4);
      const loc = stack(states.flat(), 0).log();
      plate("time", times.length, () => observe("C_hat", LogNormal(loc, sigma), tensor(C_hat)));
    }),
);

export const differentialEquations: readonly Posterior[] = [lotkaVolterra, oneCompartment];
