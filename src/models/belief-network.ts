import { Bernoulli } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import { type Dense, dense, initializers, type NamedParameter, parametersOf } from "../nn/index.ts";
import { anything, checkOptions, type OptionRules, required, whole } from "../options.ts";
import { model, type Program } from "../program/index.ts";
import { type Initializer, parameter, type Tensor, tensor } from "../tensor/index.ts";

/** Options of a sigmoid belief network. */
export interface BeliefNetworkOptions {
  /** Number of binary observed variables. */
  readonly features: number;
  /** Binary units of each stochastic layer, from the data upwards. Default [200]. */
  readonly units?: readonly number[];
  /** Mean of each feature over the data: biases start at its logit, and the guide sees the data minus the mean. Default ½. */
  readonly mean?: ArrayLike<number>;
}

const rules: OptionRules<BeliefNetworkOptions> = {
  features: required(whole(1)),
  units: anything,
  mean: anything,
};

/** A sigmoid belief network and its guide. */
export interface BeliefNetwork {
  readonly features: number;
  readonly units: readonly number[];
  /** p(x, b): x [batch, features] of zeros and ones. */
  readonly model: Program<[x: Tensor]>;
  /** q(b|x), from the data upwards. */
  readonly guide: Program<[x: Tensor]>;
  readonly parameters: readonly NamedParameter[];
}

const logit = (p: number): number => Math.log(p / (1 - p));

/** Logits of frequencies, clipped to [0.01, 0.99]. */
const logitsOf = (mean: ArrayLike<number>): Initializer => ({
  name: "logits of the data's mean",
  values: () => Float64Array.from(mean, (m) => logit(0.01 + 0.98 * m)),
});

/**
 * The sigmoid belief network (Neal 1992) with an amortised guide, as Mnih and Gregor (2014) train it: layers of binary units, each
 * unit's logit linear in the layer above it, `b1` next to the data; the guide runs the other way, layer by layer. Every latent site
 * is discrete, with too many values to sum over: a test for score-function estimators and their control variates.
 *
 * @example
 * const network = BeliefNetwork({ features: 784, units: [200] });
 * await svi(network.model, network.guide).run([x], { steps: 10_000, estimators: "rebar", executor: "native" });
 *
 * @throws UsageError when there is no layer, or the mean does not have one value per feature.
 */
export function BeliefNetwork(options: BeliefNetworkOptions): BeliefNetwork {
  checkOptions("BeliefNetwork", options, rules);
  const { features, units = [200], mean = new Float64Array(features).fill(0.5) } = options;
  if (units.length === 0)
    throw new UsageError("belief network: expected at least one layer of units, found none.");
  if (mean.length !== features) {
    throw new UsageError(
      `belief network: the mean holds ${mean.length} values, the data have ${features} features.`,
    );
  }
  const centre = tensor(Array.from(mean));
  const widths = [features, ...units];
  // Downwards: from layer i + 1 to layer i; the data are layer 0.
  const down: Dense[] = units.map((width, i) =>
    dense(width, widths[i], i === 0 ? { biasInit: logitsOf(mean) } : {}),
  );
  const up: Dense[] = units.map((width, i) => dense(widths[i], width));
  const top = parameter([units[units.length - 1]], initializers.zeros);
  const name = (layer: number): string => `b${layer + 1}`;

  const generative = model(
    ({ plate, sample, observe, module }, x: Tensor) => {
      module("top", { bias: top });
      module("down", down);
      plate("row", x.shape[0], () => {
        let above = sample(name(units.length - 1), Bernoulli({ logits: top }).toEvent(1));
        for (let layer = units.length - 1; layer > 0; layer--)
          above = sample(name(layer - 1), Bernoulli({ logits: down[layer].apply(above) }).toEvent(1));
        observe("x", Bernoulli({ logits: down[0].apply(above) }).toEvent(1), x);
      });
    },
    { name: "belief network" },
  );
  const guide = model(
    ({ plate, sample, module }, x: Tensor) => {
      module("up", up);
      plate("row", x.shape[0], () => {
        let below = x.sub(centre);
        up.forEach((layer, i) => {
          below = sample(name(i), Bernoulli({ logits: layer.apply(below) }).toEvent(1));
        });
      });
    },
    { name: "belief network guide" },
  );
  return {
    features,
    units,
    model: generative,
    guide,
    parameters: parametersOf({ top: { bias: top }, down, up }),
  };
}
