/** The conditional variational autoencoder: p(x | c, z) with z ~ N(0, I), and q(z | x, c). */
import type { RowLayout } from "../../data/index.ts";
import { type Distribution, kl, Normal } from "../../distributions/index.ts";
import { type ElboTerms, elbo, importanceWeighted, lossOf } from "../../inference/index.ts";
import { type Likelihood, type LikelihoodName, likelihood, missingMarks } from "../../models/index.ts";
import {
  type ActivationName,
  activation,
  dense,
  type Layer,
  mlp,
  type NamedParameter,
  parametersOf,
  sequential,
  trainingContext,
} from "../../nn/index.ts";
import type { Objective } from "../../optim/index.ts";
import { model as program } from "../../program/index.ts";
import { concat, expand, input, mul, type Shape, slice, type Tensor } from "../../tensor/index.ts";
import type { Model } from "../kind.ts";
import type { Evaluable } from "../vae/evaluator.ts";
import type { Conditions } from "./conditions.ts";

/** Options of {@link Cvae}. */
export interface CvaeOptions {
  /** Shape of a row without its conditions. */
  readonly shape: Shape;
  readonly conditions: Conditions;
  /** Dimensions of z. */
  readonly latent: number;
  /** Widths of the hidden layers, from the data inwards; the decoder mirrors them. */
  readonly hidden: readonly number[];
  readonly activation: ActivationName;
  readonly likelihood: LikelihoodName;
  /** The columns that features belong to, for the likelihood `table`. */
  readonly layout?: RowLayout;
}

/** A conditional VAE. Rows come as one tensor: the features, then the conditions, [batch, features + conditions]. */
export interface Cvae extends Model, Evaluable {
  readonly kind: "cvae";
  readonly shape: Shape;
  readonly conditions: Conditions;
  /** Values of a row, without and with its conditions. */
  readonly outputs: number;
  readonly features: number;
  readonly likelihood: Likelihood;
  readonly parameters: readonly NamedParameter[];
  /** q(z | x, c) for rows [batch, features + conditions]: event shape [latent]. */
  encode(rows: Tensor): Distribution;
  /** p(x | c, z) for c [batch, conditions] and z [batch, latent]: event shape [features]. */
  decode(c: Tensor, z: Tensor): Distribution;
  objective(options: {
    readonly batch: number;
    /** Processes that share the minibatch, `batch` rows each. Default 1. */
    readonly ranks?: number;
    readonly beta: number | "input";
    readonly freeBits: number;
  }): Objective;
}

/**
 * The conditional variational autoencoder of Sohn, Lee and Yan (2015, "Learning structured output representation using deep conditional
 * generative models"), in the form where both networks see the condition and the prior of z does not.
 */
export function Cvae(options: CvaeOptions): Cvae {
  const { shape, conditions, latent, hidden, activation: nonlinearity, likelihood: name } = options;
  const outputs = shape.reduce((a, b) => a * b, 1);
  const { width } = conditions;
  const marks = name === "table" ? missingMarks(outputs, options.layout) : undefined;
  const widths = [(marks?.width ?? outputs) + width, ...hidden];
  const last = widths[widths.length - 1];
  const body: Layer = sequential(
    ...hidden.flatMap((units, i) => [dense(widths[i], units), activation(nonlinearity)]),
  );
  const encoder = {
    ...(marks && { marks }),
    body,
    mean: dense(last, latent),
    logVariance: dense(last, latent),
  };
  const decoder = mlp({
    inputs: latent + width,
    hidden: [...hidden].reverse(),
    outputs,
    activation: nonlinearity,
  });
  const observation = likelihood(name, outputs, options.layout);
  const standard = Normal(0, 1).expand([latent]).toEvent(1);

  const xOf = (rows: Tensor): Tensor => slice(rows, { axis: -1, end: outputs });
  const cOf = (rows: Tensor): Tensor => slice(rows, { axis: -1, start: outputs });
  const perDimension = (rows: Tensor) => {
    const x = xOf(rows);
    const h = body.apply(concat([marks?.apply(x) ?? x, cOf(rows)], -1));
    return Normal(encoder.mean.apply(h), { logScale: mul(encoder.logVariance.apply(h), 0.5) });
  };
  const decode = (c: Tensor, z: Tensor): Distribution =>
    // z may have draws to the left of the rows.
    observation.distribution(decoder.apply(concat([z, expand(c, [...z.shape.slice(0, -1), width])], -1)));

  const generative = program(
    ({ plate, sample, observe, module }, rows: Tensor) => {
      module("decoder", decoder);
      module("likelihood", observation);
      plate("row", rows.shape[0], () => {
        const z = sample("z", standard);
        observe("x", decode(cOf(rows), z), xOf(rows));
      });
    },
    { name: "cvae" },
  );
  const guide = program(
    ({ plate, sample, module }, rows: Tensor) => {
      module("encoder", encoder);
      plate("row", rows.shape[0], () => sample("z", perDimension(rows).toEvent(1)));
    },
    { name: "cvae encoder" },
  );
  const features = outputs + width;
  return {
    kind: "cvae",
    shape,
    conditions,
    outputs,
    features,
    latent,
    likelihood: observation,
    parameters: parametersOf({ encoder, decoder, likelihood: observation }),
    encode: (rows) => perDimension(rows).toEvent(1),
    decode,
    klPerDimension: (rows) => kl(perDimension(rows), Normal(0, 1)),
    elbo: (rows): ElboTerms => elbo(generative, guide, [rows], { analyticKl: true }).perDatum,
    logWeights: (rows, samples) =>
      importanceWeighted(generative, guide, [rows], { particles: samples }).logWeights,
    objective({ batch, ranks = 1, beta, freeBits }) {
      const layers = trainingContext({ ranks });
      const rows = input("x", [batch, features]);
      const {
        surrogate,
        reconstruction,
        kl: divergence,
      } = elbo(generative, guide, [rows], {
        analyticKl: true,
        beta: beta === "input" ? input("beta", []) : beta,
        freeBits,
        scale: 1 / batch,
        layers,
      });
      return {
        loss: lossOf(surrogate),
        metrics: { reconstruction, kl: divergence },
        updates: layers.updates,
      };
    },
  };
}
