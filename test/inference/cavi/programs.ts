/** Programs that are conditionally conjugate, each in another way of writing. */
import {
  Bernoulli,
  Beta,
  Binomial,
  Categorical,
  ChiSquared,
  Dirichlet,
  Exponential,
  Gamma,
  Geometric,
  InverseGamma,
  Multinomial,
  MultivariateNormal,
  Normal,
  OneHotCategorical,
  Poisson,
} from "../../../src/distributions/index.ts";
import { model, type Program } from "../../../src/program/index.ts";
import {
  concat,
  cumsum,
  full,
  gather,
  log,
  pad,
  reciprocal,
  slice,
  sqrt,
  stack,
  sub,
  tensor,
  where,
} from "../../../src/tensor/index.ts";

const y = tensor([1.2, 0.3, 2.1, -0.4, 1.5]);
const x = tensor([
  [1, 2],
  [2, 1],
  [0, 1],
  [1, -1],
  [3, 2],
]);
const whole = (values: readonly number[]) => tensor(values, { dtype: "int64" });

export const conjugatePrograms: Readonly<Record<string, Program<[]>>> = {
  "normal and gamma, the precision in the prior of the mean too": model(({ sample, observe, plate }) => {
    const tau = sample("tau", Gamma(2, 1));
    const mu = sample("mu", Normal(0.5, reciprocal(tau.mul(0.1).sqrt())));
    plate("row", 5, () => observe("y", Normal(mu, tau.pow(-0.5)), y));
  }),
  "normal with the logarithm of its scale, and an inverse-gamma variance": model(
    ({ sample, observe, plate }) => {
      const tau = sample("tau", Gamma(2, 1));
      const v = sample("v", InverseGamma(3, 2));
      const mu = sample("mu", Normal(0.5, { logScale: log(tau).mul(-0.5) }));
      plate("row", 5, () => observe("y", Normal(mu, sqrt(v)), y));
    },
  ),
  "exponential and chi-squared priors of precisions": model(({ sample, observe, plate }) => {
    const a = sample("a", Exponential(0.5));
    const b = sample("b", ChiSquared(3));
    plate("row", 5, () => observe("y", Normal(0.5, reciprocal(sqrt(a.mul(b)))), y));
  }),
  "a gamma's rate with a gamma prior, and counts with exposures": model(({ sample, observe, plate }) => {
    const rate = sample("rate", Gamma(2, 3));
    plate("row", 5, () => {
      const lambda = sample("lambda", Gamma(1.5, rate));
      observe("n", Poisson(lambda.mul(tensor([1, 2, 0.5, 3, 1]))), tensor([1, 0, 2, 5, 1]));
    });
  }),
  "a coin": model(({ sample, observe, plate }) => {
    const p = sample("p", Beta(10, 10));
    plate("flip", 4, () => observe("y", Bernoulli({ probs: p }), tensor([1, 0, 1, 1])));
  }),
  "binomial and geometric counts of one probability": model(({ sample, observe }) => {
    const p = sample("p", Beta(2, 3));
    observe("n", Binomial(7, { probs: p }), 4);
    observe("m", Geometric({ probs: p }), 3);
    observe("k", Geometric({ probs: sub(1, p) }), 2);
  }),
  "categories of a Dirichlet, as indices, indicators and counts": model(({ sample, observe, plate }) => {
    const p = sample("p", Dirichlet([1, 2, 3]));
    plate("row", 4, () => {
      observe("i", Categorical({ probs: p }), whole([1, 0, 2, 1]));
      observe("o", OneHotCategorical({ logits: log(p) }), [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 0],
      ]);
    });
    observe("n", Multinomial(6, { probs: p }), [1, 2, 3]);
  }),
  "probabilities that are stacked from one": model(({ sample, observe }) => {
    const p = sample("p", Beta(1, 2));
    observe("y", Categorical({ probs: stack([p, sub(1, p)], -1) }), 1);
  }),
  "a mixture whose components are gathered": model(({ sample, observe, plate }) => {
    const weights = sample("weights", Dirichlet([1, 1]));
    const { mu, tau } = plate("component", 2, () => ({
      mu: sample("mu", Normal(0, 3)),
      tau: sample("tau", Gamma(2, 1)),
    }));
    plate("row", 5, () => {
      const z = sample("z", Categorical({ probs: weights }));
      observe("y", Normal(gather(mu, z), reciprocal(sqrt(gather(tau, z)))), y);
    });
  }),
  "a mixture by indicators": model(({ sample, observe, plate }) => {
    const weights = sample("weights", Dirichlet([1, 1, 2]));
    const mu = sample("mu", Normal(0, 3).expand([3]).toEvent(1));
    const tau = plate("component", 3, () => sample("tau", Gamma(2, 1)));
    plate("row", 5, () => {
      const z = sample("z", OneHotCategorical({ probs: weights }));
      observe("y", Normal(z.mul(mu).sum(-1), z.matmul(tau).pow(-0.5)), y);
    });
  }),
  "a mixture of stacked sites": model(({ sample, observe, plate }) => {
    const mu = stack([sample("mu0", Normal(0, 1)), sample("mu1", Normal(1, 1))]);
    const tau = stack([sample("tau0", Gamma(2, 1)), sample("tau1", Gamma(1, 1))]);
    plate("row", 5, () => {
      const z = sample("z", Categorical({ probs: [0.4, 0.6] }));
      observe("y", Normal(gather(mu, z), gather(tau, z).pow(-0.5)), y);
    });
  }),
  "a switch between two coins, and one between two scales": model(({ sample, observe, plate }) => {
    const a = sample("a", Beta(1, 1));
    const b = sample("b", Beta(2, 2));
    const tau = sample("tau", Gamma(2, 1));
    plate("row", 5, () => {
      const z = sample("z", Bernoulli({ probs: 0.3 }));
      observe("c", Bernoulli({ probs: where(z.equal(1), a, b) }), tensor([1, 0, 1, 1, 0]));
      observe("y", Normal(0, z.mul(2).add(1).div(sqrt(tau))), y);
      observe("w", Normal(gather(tensor([-1, 1]), z.cast("int64")), 1), y);
    });
  }),
  "a switch that data decide": model(({ sample, observe, plate }) => {
    const a = sample("a", Gamma(1, 1));
    const b = sample("b", Gamma(2, 2));
    const group = tensor([true, false, true, true, false]);
    plate("row", 5, () => observe("y", Normal(1, where(group, a, b).pow(-0.5)), y));
  }),
  "groups by an index, crossed": model(({ sample, observe, plate }) => {
    const group = whole([0, 1, 2, 1, 1]);
    const shop = whole([1, 1, 0, 1, 0]);
    const u = plate("group", 3, () => sample("u", Normal(0, 1)));
    const v = plate("shop", 2, () => sample("v", Normal(1, 2)));
    const tau = plate("group", 3, () => sample("tau", Gamma(3, 1)));
    plate("row", 5, () =>
      observe("y", Normal(gather(u, group).add(gather(v, shop)), gather(tau, group).pow(-0.5)), y),
    );
  }),
  "a regression of a vector of weights, with an intercept and a precision": model(
    ({ sample, observe, plate }) => {
      const w = sample("w", Normal(0, 1).expand([2]).toEvent(1));
      const b = sample("b", Normal(0, 2));
      const tau = sample("tau", Gamma(1, 1));
      plate("row", 5, () => observe("y", Normal(x.matmul(w).add(b), tau.pow(-0.5)), y));
    },
  ),
  "relevance of each weight": model(({ sample, observe, plate }) => {
    const alpha = plate("column", 2, () => sample("alpha", Gamma(2, 1)));
    const w = sample("w", Normal(0, alpha.pow(-0.5)).toEvent(1));
    plate("row", 5, () => observe("y", Normal(x.mul(w).sum(-1), 0.7), y));
  }),
  "vectors: correlated priors and likelihoods, a precision that scales a matrix": model(
    ({ sample, observe, plate }) => {
      const tau = sample("tau", Gamma(3, 2));
      const mu = sample(
        "mu",
        MultivariateNormal([0, 1], {
          covariance: [
            [1, 0.3],
            [0.3, 2],
          ],
        }),
      );
      plate("row", 5, () =>
        observe(
          "y",
          MultivariateNormal(mu, {
            scaleTril: tensor([
              [2, 0],
              [0.5, 1],
            ]).div(tau.sqrt()),
          }),
          x,
        ),
      );
    },
  ),
  "a mixture of vectors": model(({ sample, observe, plate }) => {
    const mu = plate("component", 2, () =>
      sample(
        "mu",
        MultivariateNormal([0, 0], {
          scaleTril: [
            [2, 0],
            [1, 1],
          ],
        }),
      ),
    );
    plate("row", 5, () => {
      const z = sample("z", Categorical({ logits: [0, 0.3] }));
      observe(
        "x",
        MultivariateNormal(gather(mu, z), {
          scaleTril: [
            [1, 0],
            [0.5, 1],
          ],
        }),
        x,
      );
    });
  }),
  "topics of words in documents": model(({ sample, observe, plate }) => {
    const beta = plate("topic", 2, () => sample("beta", Dirichlet([1, 2, 1])));
    plate("document", 3, () => {
      const theta = sample("theta", Dirichlet([1, 1]));
      plate("word", 4, () => {
        const z = sample("z", Categorical({ probs: theta }));
        observe(
          "w",
          Categorical({ probs: gather(beta, z) }),
          whole([0, 1, 2, 1, 1, 0, 2, 2, 1, 0, 0, 0]).reshape([4, 3]),
        );
      });
    });
  }),
  "a chain of hidden states": model(({ sample, observe, plate }) => {
    const rows = plate("from", 2, () => sample("rows", Dirichlet([2, 1])));
    const mu = plate("state", 2, () => sample("mu", Normal(0, 2)));
    let state = sample("z0", Categorical({ probs: [0.5, 0.5] }));
    for (let t = 0; t < 4; t++) {
      if (t > 0) state = sample(`z${t}`, Categorical({ probs: gather(rows, state) }));
      observe(`y${t}`, Normal(gather(mu, state), 1), t - 1);
    }
  }),
  "a random walk of separate steps": model(({ sample, observe }) => {
    const tau = sample("tau", Gamma(2, 1));
    let at = sample("s0", Normal(0, 1));
    for (let t = 1; t < 4; t++) {
      at = sample(`s${t}`, Normal(at, tau.pow(-0.5)));
      observe(`y${t}`, Normal(at, 0.5), t);
    }
  }),
  "a random walk as one vector, and parts of it": model(({ sample, observe, plate }) => {
    const steps = sample("steps", Normal(0, 1).expand([5]).toEvent(1));
    const path = cumsum(steps, 0);
    plate("row", 5, () => observe("y", Normal(path, 0.5), y));
    const ends = concat([slice(path, { axis: 0, end: 2 }), pad(slice(path, { axis: 0, start: 4 }), 0, 1, 0)]);
    observe("ends", Normal(ends.mul(tensor([1, 2, 3, 4])).sum(), 1), 0.3);
    observe("square", Normal(slice(path.reshape([5, 1]).transpose(), { axis: 1, step: -2 }).sum(), 1), 1);
  }),
  "factor analysis": model(({ sample, observe, plate }) => {
    const tau = sample("tau", Gamma(2, 1));
    const w = plate("column", 2, () => sample("w", Normal(0, 1).expand([2]).toEvent(1)));
    plate("row", 5, () => {
      const z = sample("z", Normal(0, 1).expand([2]).toEvent(1));
      observe("x", Normal(z.matmul(w, { transposeB: true }), tau.pow(-0.5)).toEvent(1), x);
    });
  }),
  "a soft constraint, and a density with a Poisson part": model(({ sample, observe, factor }) => {
    const a = sample("a", Gamma(2, 1));
    const p = sample("p", Beta(1, 1));
    factor("weight", log(a).mul(2).sub(a.mul(3)).add(log(p)));
    observe("n", Poisson(a.mul(a.div(a))), 2);
  }),
  "sizes of one": model(({ sample, observe, plate }) => {
    const w = sample("w", Dirichlet([2]));
    const v = sample("v", Normal(0, 1).expand([1]).toEvent(1));
    const m = sample("m", MultivariateNormal([1], { covariance: [[2]] }));
    plate("one", 1, () => {
      const z = sample("z", Categorical({ probs: w }));
      const o = sample("o", OneHotCategorical({ probs: [1] }));
      const tau = sample("tau", Gamma(2, 1));
      observe("y", Normal(gather(v, z).add(o.mul(m).sum(-1)), tau.pow(-0.5)), 1.5);
    });
  }),
  "events of independent parts": model(({ sample, observe, plate }) => {
    const a = sample("a", Normal(0, 1).expand([2, 3]).toEvent(2));
    const tau = sample("tau", Gamma(2, 1).expand([3]).toEvent(1));
    const p = plate("component", 2, () => sample("p", Beta(2, 1).expand([3]).toEvent(1)));
    observe("y", Normal(a, tau.pow(-0.5)).toEvent(2), [
      [1, 2, 0],
      [0, -1, 1],
    ]);
    plate("row", 4, () => {
      const z = sample("z", Categorical({ logits: [0.2, 0] }));
      observe("bits", Bernoulli({ probs: gather(p, z) }).toEvent(1), [
        [1, 0, 1],
        [0, 0, 1],
        [1, 1, 1],
        [0, 1, 0],
      ]);
    });
  }),
  "one number in a plate, axes merged and split": model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    const effects = plate("a", 2, () => plate("b", 3, () => sample("effects", Normal(mu, 1))));
    plate("cell", 6, () => observe("flat", Normal(effects.flatten(), 0.5), tensor([1, 2, 0, 1, 3, 1])));
    observe("again", Normal(effects.flatten().reshape([2, 3]), 1).toEvent(2), [
      [1, 2, 0],
      [0, -1, 1],
    ]);
    plate("repeat", 4, () => observe("same", Normal(mu, 2), full([4], 0.7)));
  }),
  "logits and softmax of logarithms": model(({ sample, observe, plate }) => {
    const p = sample("p", Beta(2, 3));
    const w = sample("w", Dirichlet([1, 2, 3]));
    plate("row", 4, () => {
      observe("a", Bernoulli({ logits: log(p).sub(log(sub(1, p))) }), tensor([1, 0, 1, 1]));
      observe("b", Categorical({ probs: log(w).softmax() }), whole([1, 0, 2, 1]));
    });
    observe(
      "c",
      Bernoulli({
        probs: log(p)
          .sub(log(sub(1, p)))
          .sigmoid(),
      }),
      1,
    );
  }),
};
