/** REBAR and RELAX: control variates of the score function from a continuous relaxation. */
import { UsageError } from "../../errors.ts";
import { initializers, type Layer, mlp, parametersOf } from "../../nn/index.ts";
import { scaleOf } from "../../program/index.ts";
import { grad } from "../../tensor/grad.ts";
import { parameter } from "../../tensor/leaf.ts";
import { add, mul, square, sub } from "../../tensor/ops/arithmetic.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { mean, sum } from "../../tensor/ops/reduce.ts";
import { stopGradient } from "../../tensor/ops/stop-gradient.ts";
import { exp } from "../../tensor/ops/transcendental.ts";
import { sizeOf } from "../../tensor/shape.ts";
import { nodesOf, substitute } from "../../tensor/substitute.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { heldParameters } from "../bounds/held.ts";
import type { Pair } from "../bounds/pair.ts";
import type { Term } from "../terms.ts";
import type { ControlState } from "./baselines.ts";
import { isPathwise, type SiteEstimator } from "./choose.ts";

/**
 * The surrogate of a site under REBAR (Tucker et al. 2017, "REBAR: low-variance, unbiased gradient estimates for discrete latent
 * variable models") or RELAX (Grathwohl et al. 2018, "Backpropagation through the void"): with b = H(z), z ~ p(z), z̃ ~ p(z | b),
 *
 *   [f(b) − η c(z̃)] ∇ log q(b) + η ∇ c(z) − η ∇ c(z̃),
 *
 * where c is the cost f at the relaxed draw σ_λ(·), plus a constant (REBAR) or a network of the relaxed draw (RELAX). It is unbiased
 * for every η, λ, constant and network, which are trained here too: they descend the square of the gradient in the site's logits,
 * whose expectation is its variance up to a constant. The constant is no part of the paper's REBAR; without it, where a cost is far
 * from zero and even about the relaxation's middle, nothing is gained.
 *
 * @param cost f, what the site's draw contributes to, one value for each element of its particles and plates
 */
export function relaxedControl(
  pair: Pair,
  choice: SiteEstimator,
  q: Term,
  cost: Tensor,
  state: ControlState,
): Tensor {
  const { site, estimator } = choice;
  const relaxation = pair.relaxations.get(site);
  if (relaxation === undefined)
    throw new UsageError(`site '${site}': it was not drawn through a relaxation.`);
  checkDownstream(pair, site, estimator);
  const { logits, z, hard, conditional, soften } = relaxation;
  const eventRank = logits.rank - relaxation.logProb(hard).rank;
  const eta = state.add(`control.${site}.strength`, parameter([], initializers.constant(1)));
  const logLambda = state.add(
    `control.${site}.logTemperature`,
    parameter([], initializers.constant(Math.log(choice.temperature ?? 0.5))),
  );
  const controls = new Set([eta, logLambda]);
  const network = (): Layer => {
    const rho = choice.network ?? defaultNetwork(logits, eventRank);
    state.addNetwork(`control.${site}.network`, rho);
    for (const { tensor } of parametersOf(rho)) controls.add(tensor);
    return rho;
  };
  const constant = (): Tensor => {
    const leaf = state.add(`control.${site}.constant`, parameter([], initializers.zeros));
    controls.add(leaf);
    return leaf;
  };
  const rho = estimator === "relax" ? network() : constant();
  // Only the path through the draw is differentiated: what else the cost owes to parameters, it has from f(b).
  const c = (relaxed: Tensor): Tensor => {
    const soft = soften(relaxed, exp(logLambda));
    const atSoft = heldParameters(
      cost,
      new Map([
        [hard, soft],
        [soft, soft],
      ]),
    );
    return add(atSoft, rho instanceof Tensor ? rho : apply(rho, soft, eventRank));
  };
  const f = stopGradient(cost);
  const [free, bound] = [c(z), c(conditional)];
  const logQ = relaxation.logProb(hard);
  const scale = (pair.scale * scaleOf(q.plates)) / pair.particles;
  const surrogate = add(mul(stopGradient(sub(f, mul(eta, bound))), logQ), mul(eta, sub(free, bound)));

  const [score] = grad(sum(logQ), [logits]);
  const [path] = grad(sum(sub(free, bound)), [logits]);
  const perEvent = (t: Tensor) => reshape(t, [...t.shape, ...new Array<number>(eventRank).fill(1)]);
  const estimate = add(mul(perEvent(sub(f, mul(eta, bound))), score), mul(eta, path));
  state.losses.push(heldParameters(mean(square(estimate)), new Map(), controls));

  const asConstants = new Map([...controls].map((leaf) => [leaf, stopGradient(leaf)]));
  return mul(sum(substitute(surrogate, asConstants)), scale);
}

function apply(network: Layer, soft: Tensor, eventRank: number): Tensor {
  const batch = soft.shape.slice(0, soft.rank - eventRank);
  const size = sizeOf(soft.shape.slice(soft.rank - eventRank));
  return reshape(network.apply(reshape(soft, [-1, size])), batch);
}

function defaultNetwork(logits: Tensor, eventRank: number): Layer {
  const size = sizeOf(logits.shape.slice(logits.rank - eventRank));
  return mlp({ inputs: size, hidden: [Math.min(200, 10 * size)], outputs: 1, activation: "tanh" });
}

/** What the guide draws from the site must carry its gradient on, or the relaxed cost has none. */
function checkDownstream(pair: Pair, site: string, estimator: string): void {
  for (const [value, name] of pair.drawn) {
    const choice = pair.choices.get(name);
    if (name === site || choice === undefined || isPathwise(choice.estimator)) continue;
    const above = [...nodesOf(value)].some((node) => pair.drawn.get(node) === site);
    if (above) {
      throw new UsageError(
        `site '${site}': "${estimator}" needs a cost that can be differentiated in the relaxed draw, and the guide draws the ` +
          `discrete site '${name}' from it. Use "score" with a neural or leave-one-out baseline for '${site}'.`,
      );
    }
  }
}
