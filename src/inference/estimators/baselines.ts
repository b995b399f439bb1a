/** Baselines of the score function: numbers subtracted from a site's cost, which must not depend on the site's own draw. */
import { UsageError } from "../../errors.ts";
import { initializers, type Layer, parametersOf } from "../../nn/index.ts";
import type { NamedLeaf } from "../../optim/index.ts";
import {
  add,
  cast,
  formatShape,
  mean,
  mul,
  parameter,
  reshape,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  zeros,
} from "../../tensor/index.ts";

/**
 * A baseline that depends on the data. It is trained with the rest, by least squares towards the cost: the neural variational inference
 * and learning (NVIL) of Mnih and Gregor (2014). Their division by the signal's running standard deviation is left out: it rescales
 * gradients, which Adam does anyway.
 */
export interface NeuralBaseline {
  readonly network: Layer;
  /** The predicted cost: one value for each row of the site's plates. */
  readonly prediction: Tensor;
}

/**
 * - `decaying-average`: the cost's running mean, one number for each site.
 * - `leave-one-out`: the mean cost of the other particles (Mnih and Rezende 2016; Kool et al. 2019, "RLOO"); under the
 *   importance-weighted bound the form of VIMCO (Mnih and Rezende 2016). Needs at least two particles.
 * - a {@link NeuralBaseline}.
 */
export type Baseline = "none" | "decaying-average" | "leave-one-out" | NeuralBaseline;

/**
 * NVIL's input-dependent baseline.
 *
 * @param network maps a row of data to its cost, [rows, features] → [rows, 1]
 * @param x [rows, features], the data given to the program
 *
 * @example
 * const C = nn.mlp({ inputs: 784, hidden: [100], outputs: 1, activation: "tanh" });
 * svi(model, guide).run([x], { baseline: neuralBaseline(C, x), steps: 1000 });
 */
export function neuralBaseline(network: Layer, x: Tensor): NeuralBaseline {
  const out = network.apply(x);
  const rows = x.shape.slice(0, -1);
  if (out.shape.join() !== [...rows, 1].join()) {
    throw new UsageError(
      `neural baseline: the network maps data of shape ${formatShape(x.shape)} to ${formatShape(out.shape)}; ` +
        `expected ${formatShape([...rows, 1])}, a number for each row.`,
    );
  }
  return { network, prediction: reshape(out, rows) };
}

export function describeBaseline(baseline: Baseline): string {
  return typeof baseline === "string" ? baseline : "neural baseline";
}

/** Parameters and buffers that control variates add to a step, the buffers' next values, and losses to minimise. */
export class ControlState {
  readonly leaves = new Map<string, Tensor>();
  readonly updates = new Map<Tensor, Tensor>();
  readonly losses: Tensor[] = [];

  add(name: string, leaf: Tensor): Tensor {
    this.leaves.set(name, leaf);
    return leaf;
  }

  addNetwork(name: string, network: Layer): void {
    for (const { name: path, tensor } of parametersOf(network, name)) this.leaves.set(path, tensor);
  }

  named(): NamedLeaf[] {
    return [...this.leaves].map(([name, tensor]) => ({ name, tensor }));
  }
}

/** Weight of the past in a decaying average. */
const DECAY = 0.9;

/**
 * A baseline's value for a cost of shape [particles, …plates]. It does not depend on the draw that the cost belongs to.
 * @param particleAxis negative; dimensions to the right of it are the site's plates
 */
export function baselineOf(
  { site, baseline }: { readonly site: string; readonly baseline: Baseline },
  cost: Tensor,
  { particles, particleAxis }: { readonly particles: number; readonly particleAxis: number },
  state: ControlState,
): Tensor {
  if (baseline === "none") return zeros([], cost.dtype);
  if (baseline === "leave-one-out") {
    checkParticles(site, particles);
    return mul(sub(sum(cost, particleAxis, { keepDims: true }), cost), 1 / (particles - 1));
  }
  if (baseline === "decaying-average") {
    const buffer = state.add(
      `baseline.${site}`,
      parameter([], initializers.zeros, { dtype: cost.dtype, trainable: false }),
    );
    state.updates.set(buffer, add(mul(buffer, DECAY), mul(mean(cost), 1 - DECAY)));
    return buffer;
  }
  state.addNetwork(`baseline.${site}`, baseline.network);
  // A network's parameters may have another precision.
  const prediction = cast(baseline.prediction, cost.dtype);
  state.losses.push(mul(sum(square(sub(stopGradient(cost), prediction))), 1 / particles));
  return prediction;
}

export function checkParticles(site: string, particles: number): void {
  if (particles < 2)
    throw new UsageError(`site '${site}': a leave-one-out baseline needs at least 2 particles.`);
}
