/** Mixtures, topics, and a network with a layer of hidden units. */
import {
  Beta,
  Categorical,
  Dirichlet,
  HalfNormal,
  Mixture,
  model,
  Normal,
  stack,
  type Tensor,
  tensor,
  Uniform,
} from "tightbound";
import { constraints, flat, InverseGamma } from "tightbound/distributions";
import { concat, ones } from "tightbound/tensor";
import { at, type Column, type Matrix, program, type StanProgram } from "../program.ts";

const { simplex, interval } = constraints;

interface Values {
  readonly y: Column;
}

/** The first of two with probability θ. */
const firstOrSecond = (theta: Tensor) => Categorical({ probs: stack([theta, theta.neg().add(1)], 0) });

const twoNormals = program<Values>("normal_mixture", ({ y }) =>
  model(({ sample, observe, plate }) => {
    const theta = sample("theta", Uniform(0, 1));
    const mu = sample("mu", Normal(0, 10).expand([2]).toEvent(1));
    plate("row", y.length, () => observe("y", Mixture(firstOrSecond(theta), Normal(mu, 1)), tensor(y)));
  }),
);

const exchangeable = program<Values>("low_dim_gauss_mix_collapse", ({ y }) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 2).expand([2]).toEvent(1));
    const sigma = sample("sigma", HalfNormal(2).expand([2]).toEvent(1));
    const theta = sample("theta", Beta(5, 5));
    plate("row", y.length, () => observe("y", Mixture(firstOrSecond(theta), Normal(mu, sigma)), tensor(y)));
  }),
);

const severalNormals = program<Values & { readonly K: number }>("normal_mixture_k", ({ K, y }) =>
  model(({ sample, observe, plate }) => {
    const probs = sample("theta", flat(simplex, [K]));
    const mu = sample("mu", Normal(0, 10).expand([K]).toEvent(1));
    const sigma = sample("sigma", flat(interval(0, 10), [K]));
    plate("row", y.length, () => observe("y", Mixture(Categorical({ probs }), Normal(mu, sigma)), tensor(y)));
  }),
);

interface Documents {
  /** Number of words, and of documents. */
  readonly V: number;
  readonly M: number;
  /** Each word, and the document that it is in. */
  readonly w: Column;
  readonly doc: Column;
  /** Of the priors of topics in a document, and of words in a topic. Default: 1. */
  readonly alpha?: Column;
  readonly beta?: Column;
}

/** Latent Dirichlet allocation: the topic of each word is summed out. */
const topics = (name: string, K: number): StanProgram =>
  program<Documents>(name, ({ V, M, w, doc, alpha, beta }) =>
    model(({ sample, observe, plate }) => {
      const theta = plate("document", M, () => sample("theta", Dirichlet(alpha ?? ones([K]))));
      const phi = plate("topic", K, () => sample("phi", Dirichlet(beta ?? ones([V]))));
      plate("word", w.length, () => {
        const topic = Categorical({ probs: at(theta, doc) });
        observe("w", Mixture(topic, Categorical({ probs: phi })), tensor(w.map((word) => word - 1)));
      });
    }),
  );

interface Digits {
  readonly x: Matrix;
  /** Classes, counted from 1. */
  readonly y: Column;
  readonly K: number;
}

/** Digits by J hidden units; weights have unknown variances. The first class has the log odds 1, the others a layer's. */
const hidden = (name: string, J: number): StanProgram =>
  program<Digits>(name, ({ x, y, K }) =>
    model(({ sample, observe, plate }) => {
      const columns = x[0].length;
      const weights = (layer: string, rows: number, count: number): Tensor => {
        // ν = ½, and s² = (0.05 / rows²)².
        const variance = sample(`sigma2_${layer}`, InverseGamma(0.25, 0.25 * (0.05 / rows ** 2) ** 2));
        return sample(layer, Normal(0, variance.sqrt()).expand([rows, count]).toEvent(2));
      };
      const bias = (layer: string, count: number): Tensor =>
        sample(`${layer}1`, Normal(0, 1).expand([count]).toEvent(1));
      const units = tensor(x)
        .matmul(weights("alpha", columns, J))
        .add(bias("alpha", J))
        .tanh();
      const others = units.matmul(weights("beta", J, K - 1)).add(bias("beta", K - 1));
      const logits = concat([ones([y.length, 1]), others], 1);
      plate("digit", y.length, () => observe("y", Categorical({ logits }), tensor(y.map((k) => k - 1))));
    }),
  );

export const mixturePrograms: readonly StanProgram[] = [
  twoNormals,
  exchangeable,
  severalNormals,
  topics("ldaK2", 2),
  topics("ldaK5", 5),
  hidden("nn_rbm1bJ10", 10),
  hidden("nn_rbm1bJ100", 100),
];
