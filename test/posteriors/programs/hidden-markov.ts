/** Two hidden states, summed out: a simulated series, and basketball drives. */
import { concat, Dirichlet, Exponential, model, Normal, stack, type Tensor, tensor } from "tightbound";
import { constraints } from "tightbound/distributions";
import { logsumexp } from "tightbound/tensor";
import { type Posterior, posterior } from "../posterior.ts";
import { flat, positiveOrdered, restricted } from "../priors.ts";

const { simplex, orderedVector } = constraints;

/** The product of matrices [n, K, K] of logarithms, in order: pairs side by side, until one is left. */
function logProduct(matrices: Tensor): Tensor {
  let left = matrices;
  for (let n = left.shape[0]; n > 1; n = left.shape[0]) {
    const pairs = n >> 1;
    const [states] = left.shape.slice(-1);
    const both = left.slice({ axis: 0, end: 2 * pairs }).reshape([pairs, 2, states, states]);
    const [first, second] = [0, 1].map((i) => both.slice({ axis: 1, start: i, end: i + 1 }).squeeze(1));
    const product = logsumexp(first.unsqueeze(3).add(second.unsqueeze(1)), 2);
    left = n === 2 * pairs ? product : concat([product, left.slice({ axis: 0, start: n - 1 })], 0);
  }
  return left.squeeze(0);
}

/**
 * The log probability of a series over all paths of states.
 *
 * @param transition probabilities [K, K] from a state (row) to the next
 * @param emission log densities [T, K] of what was seen at each time in each state; all first states weigh 1
 */
function logForward(transition: Tensor, emission: Tensor): Tensor {
  const steps = transition.log().add(emission.slice({ axis: 0, start: 1 }).unsqueeze(1));
  const first = emission.slice({ axis: 0, end: 1 }).squeeze(0).unsqueeze(1);
  return logsumexp(first.add(logProduct(steps)), [0, 1]);
}

/** Of a series [T] a column, to meet the states. */
const column = (x: readonly number[]): Tensor => tensor(x).unsqueeze(1);

const simulated = posterior<{ readonly y: readonly number[] }>("hmm_example-hmm_example", {}, ({ y }) =>
  model(({ sample, factor }) => {
    const rows = ["theta1", "theta2"].map((name) => sample(name, flat(simplex, [2])));
    const mu = sample("mu", restricted(Normal([3, 10], 1).toEvent(1), positiveOrdered));
    factor("y", logForward(stack(rows, 0), Normal(mu, 1).logProb(column(y))));
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

const exponentialDrive = posterior<Drive>("bball_drive_event_0-hmm_drive_0", {}, ({ u, v, alpha }) =>
  model(({ sample, factor }) => {
    const rows = alpha.map((concentration, k) => sample(`theta${k + 1}`, Dirichlet(concentration)));
    const [phi, lambda] = ["phi", "lambda"].map((name) =>
      sample(name, restricted(Normal([0, 3], 1).toEvent(1), positiveOrdered)),
    );
    const emission = Exponential(phi)
      .logProb(column(u))
      .add(Exponential(lambda).logProb(column(v)));
    factor("u, v", logForward(stack(rows, 0), emission));
  }),
);

const normalDrive = posterior<Drive & { readonly tau: number; readonly rho: number }>(
  "bball_drive_event_1-hmm_drive_1",
  {},
  ({ u, v, alpha, tau, rho }) =>
    model(({ sample, factor }) => {
      const rows = alpha.map((concentration, k) => sample(`theta${k + 1}`, Dirichlet(concentration)));
      const [phi, lambda] = ["phi", "lambda"].map((name) =>
        sample(name, restricted(Normal([0, 3], 1).toEvent(1), orderedVector)),
      );
      const emission = Normal(phi, tau)
        .logProb(column(u))
        .add(Normal(lambda, rho).logProb(column(v)));
      factor("u, v", logForward(stack(rows, 0), emission));
    }),
);

export const hiddenMarkov: readonly Posterior[] = [simulated, exponentialDrive, normalDrive];
