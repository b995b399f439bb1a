/** REBAR and RELAX: control variates of the score function from a continuous relaxation. */
import { InternalError, UsageError } from "../../errors.ts";
import { initializers, type Layer, mlp, parametersOf } from "../../nn/index.ts";
import { scaleOf } from "../../program/index.ts";
import {
  add,
  cast,
  exp,
  grad,
  mean,
  mul,
  parameter,
  reshape,
  sizeOf,
  square,
  stopGradient,
  sub,
  substitute,
  sum,
  Tensor,
} from "../../tensor/index.ts";
import { besideSite } from "../terms.ts";
import type { DrawnSite, DrawRequest, ElboDraws, EstimatorDefinition, SiteDraw } from "./estimator.ts";
import { heldParameters } from "./held.ts";
import { relax as drawRelaxed, withoutRelaxation } from "./relaxation.ts";

const unsupported = (): string =>
  'its control variate is for the cost of one draw, but all draws are inside one logarithm (there, "score" with a leave-one-out ' +
  "baseline is VIMCO)";

function drawHard({ distribution, noise }: DrawRequest): SiteDraw {
  const relaxation = drawRelaxed(noise, distribution);
  const { hard, logProb } = relaxation;
  return { value: hard, logProb: logProb(hard), relaxation };
}

/** The score function with the cost of a relaxed draw as control variate; temperature and strength are learnt (Tucker et al. 2017). */
export const rebar: EstimatorDefinition<"rebar"> = {
  name: "rebar",
  pathwise: false,
  settings: ["temperature"],
  unsuited: (distribution) => withoutRelaxation(distribution, "rebar"),
  draw: drawHard,
  elbo: { score: relaxedControl },
  importanceWeighted: { unsupported },
  control: () => "relaxed cost, learnt temperature and strength",
};

/** REBAR with a network of the relaxed draw instead of a constant (Grathwohl et al. 2018). */
export const relax: EstimatorDefinition<"relax"> = {
  name: "relax",
  pathwise: false,
  settings: ["temperature", "network"],
  unsuited: (distribution) => withoutRelaxation(distribution, "relax"),
  draw: drawHard,
  elbo: { score: relaxedControl },
  importanceWeighted: { unsupported },
  control: () => "relaxed cost + network, learnt",
};

/**
 * The surrogate of a site under REBAR (Tucker et al. 2017, "REBAR: low-variance, unbiased gradient estimates for discrete latent
 * variable models") or RELAX (Grathwohl et al. 2018, "Backpropagation through the void"): with b = H(z), z ~ p(z), z̃ ~ p(z | b),
 *
 *   [f(b) − η c(z̃)] ∇ log q(b) + η ∇ c(z) − η ∇ c(z̃),
 *
 * where c is the cost f at the relaxed draw σ_λ(·), plus a constant (REBAR) or a network of the relaxed draw (RELAX). It is unbiased
 * for every η, λ, constant and network. These are trained here too: they minimise the square of the gradient in the site's logits,
 * whose expectation is its variance up to a constant. The constant is not in the paper's REBAR; without it, a cost that is far
 * from zero and symmetric about the middle of the relaxation gains nothing.
 *
 * @param wide f, the terms that the site's draw contributes to, one value for each element of its particles and plates
 */
function relaxedControl(
  drawn: DrawnSite,
  wide: Tensor,
  { scale: whole, particles, state, depth }: ElboDraws,
): Tensor {
  const { choice, q, relaxation } = drawn;
  const { site, estimator } = choice;
  if (relaxation === undefined) throw new InternalError(`site '${site}' was not drawn through a relaxation`);
  checkDownstream(drawn);
  const { logits, z, hard, conditional, soften } = relaxation;
  const { dtype } = logits;
  const eventRank = logits.rank - relaxation.logProb(hard).rank;
  const cost = besideSite(wide, depth, drawn.batchRank);
  const eta = state.add(`control.${site}.strength`, parameter([], initializers.constant(1), { dtype }));
  const logLambda = state.add(
    `control.${site}.logTemperature`,
    parameter([], initializers.constant(Math.log(choice.temperature ?? 0.5)), { dtype }),
  );
  const controls = new Set([eta, logLambda]);
  const network = (): Layer => {
    const rho = choice.network ?? defaultNetwork(logits, eventRank);
    state.addNetwork(`control.${site}.network`, rho);
    for (const { tensor } of parametersOf(rho)) controls.add(tensor);
    return rho;
  };
  const constant = (): Tensor => {
    const leaf = state.add(`control.${site}.constant`, parameter([], initializers.zeros, { dtype }));
    controls.add(leaf);
    return leaf;
  };
  const rho = estimator === "relax" ? network() : constant();
  // Only the path through the draw is differentiated: f(b) already gives the cost's other derivatives.
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
  const scale = (whole * scaleOf(q.plates)) / particles;
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
  // A network's parameters may have another precision.
  const dtype = parametersOf(network).at(0)?.tensor.dtype ?? soft.dtype;
  return cast(reshape(network.apply(cast(reshape(soft, [-1, size]), dtype)), batch), soft.dtype);
}

function defaultNetwork(logits: Tensor, eventRank: number): Layer {
  const size = sizeOf(logits.shape.slice(logits.rank - eventRank));
  return mlp({ inputs: size, hidden: [Math.min(200, 10 * size)], outputs: 1, activation: "tanh" });
}

/** Sites that the guide draws from this one must be differentiable; otherwise the relaxed cost has no gradient. */
function checkDownstream({ choice: { site, estimator }, downstream }: DrawnSite): void {
  const discrete = downstream().find(({ definition }) => !definition.pathwise);
  if (discrete === undefined) return;
  throw new UsageError(
    `site '${site}': "${estimator}" needs a cost that can be differentiated in the relaxed draw, and the guide draws the ` +
      `discrete site '${discrete.site}' from it. Use "score" with a neural or leave-one-out baseline for '${site}'.`,
  );
}
