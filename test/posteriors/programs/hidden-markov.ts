/** Two hidden states, summed out: a simulated series, and basketball drives. */
import {
  Categorical,
  Dirichlet,
  type Distribution,
  Exponential,
  model,
  Normal,
  stack,
  type Tensor,
  tensor,
} from "tightbound";
import { constraints, flat, HiddenMarkov } from "tightbound/distributions";
import { type Posterior, posterior } from "../posterior.ts";

const { simplex, orderedVector, positiveOrderedVector } = constraints;

/** A chain of two states whose first is either, from the rows of its transition and what each state emits. */
const chain = (rows: readonly Tensor[], emission: Distribution, length: number) =>
  HiddenMarkov(Categorical({ probs: [0.5, 0.5] }), Categorical({ probs: stack(rows, 0) }), emission, length);

const simulated = posterior<{ readonly y: readonly number[] }>("hmm_example-hmm_example", {}, ({ y }) =>
  model(({ sample, observe, factor }) => {
    const rows = ["theta1", "theta2"].map((name) => sample(name, flat(simplex, [2])));
    const mu = sample("mu", flat(positiveOrderedVector, [2]));
    factor("prior of mu", Normal([3, 10], 1).logProb(mu).sum());
    observe("y", chain(rows, Normal(mu, 1), y.length), tensor(y));
  }),
);

interface Drive {
  /** 1 / speed, or its logarithm. */
  readonly u: readonly number[];
  /** Distance from the hoop, or its logarithm. */
  readonly v: readonly number[];
  /** Of the prior of each row of transition probabilities. */
  readonly alpha: readonly (readonly number[])[];
}

const both = ({ u, v }: Drive): Tensor => tensor(u.map((each, t) => [each, v[t]]));

/** There is a mode of little mass in which the second state is hardly ever visited and its rates follow their priors. */
const BOTH_VISITED = new Map([
  ["theta1", [0.99, 0.01]],
  ["theta2", [0.04, 0.96]],
  ["phi", [2, 6]],
  ["lambda", [0.03, 0.08]],
]);

const exponentialDrive = posterior<Drive>(
  "bball_drive_event_0-hmm_drive_0",
  { initial: BOTH_VISITED },
  (drive) =>
    model(({ sample, observe, factor }) => {
      const rows = drive.alpha.map((concentration, k) => sample(`theta${k + 1}`, Dirichlet(concentration)));
      const [phi, lambda] = ["phi", "lambda"].map((name) => {
        const rates = sample(name, flat(positiveOrderedVector, [2]));
        factor(`prior of ${name}`, Normal([0, 3], 1).logProb(rates).sum());
        return rates;
      });
      const emission = Exponential(stack([phi, lambda], 1)).toEvent(1);
      observe("u, v", chain(rows, emission, drive.u.length), both(drive));
    }),
);

const normalDrive = posterior<Drive & { readonly tau: number; readonly rho: number }>(
  "bball_drive_event_1-hmm_drive_1",
  {},
  (drive) =>
    model(({ sample, observe, factor }) => {
      const rows = drive.alpha.map((concentration, k) => sample(`theta${k + 1}`, Dirichlet(concentration)));
      const [phi, lambda] = ["phi", "lambda"].map((name) => {
        const means = sample(name, flat(orderedVector, [2]));
        factor(`prior of ${name}`, Normal([0, 3], 1).logProb(means).sum());
        return means;
      });
      const emission = Normal(stack([phi, lambda], 1), [drive.tau, drive.rho]).toEvent(1);
      observe("u, v", chain(rows, emission, drive.u.length), both(drive));
    }),
);

export const hiddenMarkov: readonly Posterior[] = [simulated, exponentialDrive, normalDrive];
