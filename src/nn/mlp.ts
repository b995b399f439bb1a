import { UsageError } from "../errors.ts";
import { anything, checkOptions, given, type OptionRules, required, whole, wholes } from "../options.ts";
import type { DType, Initializer } from "../tensor/index.ts";
import { activation } from "./activation.ts";
import type { ActivationName } from "./activation-names.ts";
import { dense } from "./dense.ts";
import { dropout } from "./dropout.ts";
import type { Layer } from "./layer.ts";
import { batchNorm } from "./normalization.ts";
import { type Sequential, sequential } from "./sequential.ts";

/** Options of {@link mlp}. */
export interface MlpOptions {
  /** The number of features in a row. */
  readonly inputs: number;
  /** Widths of the hidden layers, first to last; may be empty. */
  readonly hidden: readonly number[];
  /** Width of the last layer. */
  readonly outputs: number;
  /** Activation of the hidden layers. */
  readonly activation: ActivationName;
  /** Normalise each hidden layer before its activation (its dense layer then has no bias). Default false. */
  readonly batchNorm?: boolean;
  /** Fraction of each hidden layer that is dropped in training. Default 0. */
  readonly dropout?: number;
  /** Activation of the last layer. Default "identity". */
  readonly outputActivation?: ActivationName;
  /** Prefix of the names of the dropout layers' noise: `site/dropout.0`. Required with dropout. */
  readonly site?: string;
  /** Initialiser of the weights. Default Glorot uniform. */
  readonly weightInit?: Initializer;
  /** Default float32. */
  readonly dtype?: DType;
}

const rules: OptionRules<MlpOptions> = {
  inputs: required(whole(1)),
  hidden: required(wholes(1)),
  outputs: required(whole(1)),
  activation: required(given('a name, such as "relu"')),
  batchNorm: anything,
  dropout: anything,
  outputActivation: anything,
  site: anything,
  weightInit: anything,
  dtype: anything,
};

/**
 * A multilayer perceptron: dense, (batch normalisation,) activation, (dropout) for each hidden layer, then dense.
 * x [..., inputs] → [..., outputs]; with batch normalisation x [batch, inputs].
 *
 * @example
 * const decoder = mlp({ inputs: 20, hidden: [400], outputs: 784, activation: "relu" });
 *
 * @throws UsageError when there is dropout without a site.
 */
export function mlp(options: MlpOptions): Sequential {
  checkOptions("mlp", options, rules);
  const { inputs, hidden, outputs, outputActivation = "identity", site, weightInit, dtype } = options;
  const rate = options.dropout ?? 0;
  const normalized = options.batchNorm ?? false;
  if (rate > 0 && !site)
    throw new UsageError('mlp: dropout needs a name for its noise, as in { dropout: 0.1, site: "encoder" }.');
  const shared = { ...(weightInit && { weightInit }), ...(dtype && { dtype }) };
  const layers: Layer[] = [];
  let width = inputs;
  hidden.forEach((units, i) => {
    layers.push(dense(width, units, { ...shared, bias: !normalized }));
    if (normalized) layers.push(batchNorm(units, dtype ? { dtype } : {}));
    layers.push(activation(options.activation));
    if (rate > 0) layers.push(dropout(rate, { site: `${site}/dropout.${i}` }));
    width = units;
  });
  layers.push(dense(width, outputs, shared));
  if (outputActivation !== "identity") layers.push(activation(outputActivation));
  return sequential(...layers);
}
