import type { Distribution } from "../distributions/index.ts";
import {
  dense,
  evaluation,
  type LayerContext,
  type NamedParameter,
  parametersOf,
  trainingContext,
} from "../nn/index.ts";
import type { Objective } from "../optim/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import {
  add,
  input,
  matmul,
  mean,
  neg,
  type Shape,
  sizeOf,
  stopGradient,
  type Tensor,
} from "../tensor/index.ts";
import { type Likelihood, likelihood } from "./likelihood.ts";
import { missingMarks } from "./missing-marks.ts";
import { checkLatent, decoder, encoderBody, resolveNetwork } from "./networks.ts";
import type { VaeOptions } from "./vae.ts";

/** Options of {@link Autoencoder}: those of a VAE. */
export type AutoencoderOptions = VaeOptions;

const rules: OptionRules<AutoencoderOptions> = {
  latent: anything,
  likelihood: anything,
  layout: anything,
  shape: required(given("the shape of one row, such as [28, 28]")),
  hidden: anything,
  network: anything,
  channels: anything,
  activation: anything,
  batchNorm: anything,
  dropout: anything,
};

/** A deterministic autoencoder: the VAE's networks with a code instead of a posterior, and no prior. */
export interface DeterministicAutoencoder {
  readonly kind: "autoencoder";
  /** Its options, with defaults filled in, as a run records them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly shape: Shape;
  readonly features: number;
  readonly latent: number;
  readonly likelihood: Likelihood;
  readonly parameters: readonly NamedParameter[];
  /** The code of x [batch, features]: [batch, latent]. */
  encode(x: Tensor, context?: LayerContext): Tensor;
  /** p(x|code), event shape [features]. */
  decode(code: Tensor, context?: LayerContext): Distribution;
  /** log p(x|code(x)) per datum, [batch]. */
  reconstruction(x: Tensor, context?: LayerContext): Tensor;
  /** The objective of a train step and its metrics. Its data input is named `x`, [batch, features]. */
  objective(options: { readonly batch: number; readonly ranks?: number }): Objective;
}

/**
 * An autoencoder trained by the reconstruction log likelihood alone: no KL, no sampling, nothing that makes its codes follow a
 * distribution. It is a VAE without the KL term.
 *
 * @example
 * const autoencoder = Autoencoder({ shape: [28, 28], latent: 20, hidden: [400] });
 */
export function Autoencoder(options: AutoencoderOptions): DeterministicAutoencoder {
  checkOptions("Autoencoder", options, rules);
  const { shape, latent = 20, likelihood: name = "bernoulli" } = options;
  checkLatent("autoencoder", latent);
  const features = sizeOf(shape);
  const networkOptions = resolveNetwork(options);
  const body = encoderBody(
    networkOptions,
    name === "table" ? missingMarks(features, options.layout) : undefined,
  );
  const encoder = { body: body.layers, code: dense(body.width, latent) };
  const decode = decoder(latent, networkOptions);
  const { batchNorm, network, hidden } = networkOptions;
  const centres = batchNorm && (network === "convolutional" || hidden.length > 0);
  const observation = likelihood(name, features, options.layout);
  const model: DeterministicAutoencoder = {
    kind: "autoencoder",
    settings: {
      ...networkOptions,
      latent,
      likelihood: name,
      ...(options.layout && { layout: options.layout }),
    },
    shape,
    features,
    latent,
    likelihood: observation,
    parameters: parametersOf({ encoder, decoder: decode, likelihood: observation }),
    encode(x, context = evaluation) {
      const inner = encoder.body.apply(x, context);
      const { weight, bias } = encoder.code;
      // A decoder that begins with batch normalisation takes the codes' mean away, and their bias has no gradient but rounding. An optimiser that
      // scales gradients would make full steps of it, which the running mean then follows too late.
      return context.training && centres && bias
        ? add(matmul(inner, weight), stopGradient(bias))
        : encoder.code.apply(inner, context);
    },
    decode: (code, context = evaluation) => observation.distribution(decode.apply(code, context)),
    reconstruction: (x, context = evaluation) => model.decode(model.encode(x, context), context).logProb(x),
    objective({ batch, ranks = 1 }) {
      const context = trainingContext({ ranks });
      const x = input("x", [batch, features]);
      const value = mean(model.reconstruction(x, context));
      return { loss: neg(value), metrics: { reconstruction: value }, updates: context.updates };
    },
  };
  return model;
}
