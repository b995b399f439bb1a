/** Programs that are not conditionally conjugate: what is said, word by word. */
import { describe, expect, test } from "vitest";
import {
  Bernoulli,
  Beta,
  Categorical,
  Gamma,
  Mixture,
  Normal,
  StudentT,
} from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { cavi } from "../../../src/inference/cavi.ts";
import { initializers } from "../../../src/nn/index.ts";
import { type Context, model } from "../../../src/program/index.ts";
import { add, input, logSigmoid, noise, tensor } from "../../../src/tensor/index.ts";
import { centredSchools } from "../programs.ts";

const waysOut =
  "Ways out: svi(model, guide) with a guide such as autoNormal(model) needs no conjugacy; or write the model in a conjugate form: a " +
  "Gamma on a precision τ (scale 1/√τ) or an InverseGamma on a variance v (scale √v), a Beta or Dirichlet on probabilities.";

const refused = async (body: (context: Context) => void, message: string): Promise<void> => {
  await expect(cavi(model(body, { name: "program" })).run([])).rejects.toThrow(new UsageError(message));
};

const x = tensor([
  [1, 2],
  [2, 1],
  [0, 1],
]);
const y = tensor([1, 0, 1]);

describe("a function of a site that is no sum of its statistics", () => {
  test("logistic regression", () =>
    refused(({ sample, observe, plate }) => {
      const w = sample("w", Normal(0, 1).expand([2]).toEvent(1));
      plate("row", 3, () => observe("y", Bernoulli({ logits: x.matmul(w) }), y));
    }, "program: site 'w' (MultivariateNormal) is not conditionally conjugate: it enters the log density of site 'y' (Bernoulli) " +
      `through softplus, which is not linear in its statistics w and w wᵀ. ${waysOut}`));

  test("softmax regression", () =>
    refused(({ sample, observe, plate }) => {
      const w = sample("w", Normal(0, 1).expand([2]).toEvent(1));
      plate("row", 3, () =>
        observe("y", Categorical({ logits: x.mul(w) }), tensor([1, 0, 1], { dtype: "int64" })),
      );
    }, "program: site 'w' (MultivariateNormal) is not conditionally conjugate: it enters the log density of site 'y' (Categorical) " +
      `through exp, which is not linear in its statistics w and w wᵀ. ${waysOut}`));

  test("a Gamma's concentration", () =>
    refused(({ sample, observe, plate }) => {
      const a = sample("a", Gamma(2, 1));
      plate("row", 3, () => observe("y", Gamma(a, 1), tensor([1, 2, 1])));
    }, "program: site 'a' (Gamma) is not conditionally conjugate: it enters the log density of site 'y' (Gamma) through lgamma, " +
      `which is not linear in its statistics ln a and a. ${waysOut}`));

  test("a density that is no exponential family", () =>
    refused(({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(0, 1));
      plate("row", 3, () => observe("y", StudentT(3, mu, 1), y));
    }, "program: site 'mu' (Normal) is not conditionally conjugate: it enters the log density of site 'y' (StudentT), which is not an " +
      `exponential family, so it is not linear in its statistics mu and mu². ${waysOut}`));

  test("a mixture whose component is summed out", () =>
    refused(
      ({ sample, observe, plate }) => {
        const mu = sample("mu", Normal(0, 1).expand([2]).toEvent(1));
        plate("row", 3, () => observe("y", Mixture(Categorical({ probs: [0.5, 0.5] }), Normal(mu, 1)), y));
      },
      "program: site 'mu' (MultivariateNormal) is not conditionally conjugate: it enters the log density of site 'y' (Mixture(Normal)), " +
        "which is not an exponential family, so it is not linear in its statistics mu and mu muᵀ. A mixture is conjugate with its " +
        `component in a Categorical site, read by gather. ${waysOut}`,
    ));

  test("a factor", () =>
    refused(
      ({ sample, factor }) => factor("barrier", logSigmoid(sample("mu", Normal(0, 1)))),
      "program: site 'mu' (Normal) is not conditionally conjugate: it enters the log density of site 'barrier' (Factor) through " +
        `softplus, which is not linear in its statistics mu and mu². ${waysOut}`,
    ));
});

describe("a sum of products that holds no statistic", () => {
  test("a gamma on a scale instead of a precision", () =>
    refused(({ sample, observe, plate }) => {
      const sigma = sample("sigma", Gamma(2, 1));
      plate("row", 3, () => observe("y", Normal(0, sigma), y));
    }, "program: site 'sigma' (Gamma) is not conditionally conjugate: the log density of site 'y' (Normal) contains sigma^-2, which is " +
      `not linear in its statistics ln sigma and sigma. ${waysOut}`));

  test("a beta as a mean", () =>
    refused(({ sample, observe, plate }) => {
      const p = sample("p", Beta(2, 1));
      plate("row", 3, () => observe("y", Normal(p, 1), y));
    }, "program: site 'p' (Beta) is not conditionally conjugate: the log density of site 'y' (Normal) contains p, which is not linear in " +
      `its statistics ln p and ln (1 − p). ${waysOut}`));

  test("a normal times itself", () =>
    refused(({ sample, observe }) => {
      const mu = sample("mu", Normal(0, 1));
      observe("y", Normal(mu.mul(mu), 1), 2);
    }, "program: site 'mu' (Normal) is not conditionally conjugate: the log density of site 'y' (Normal) contains mu⁴, which is not " +
      `linear in its statistics mu and mu². ${waysOut}`));
});

describe("elements of one site that meet", () => {
  test("normals, which can be one vector", () =>
    refused(
      ({ sample, observe, plate }) => {
        const theta = plate("school", 3, () => sample("theta", Normal(0, 1)));
        observe("total", Normal(theta.sum(), 1), 2);
      },
      "program: site 'theta' (Normal) is not conditionally conjugate: the log density of site 'total' (Normal) contains a product of " +
        "different elements of 'theta', but the elements of its factor are independent, so they cannot be updated at once. If they " +
        "are one vector, say so with toEvent(1): its factor is then a MultivariateNormal. Or give each element a site of its own (a " +
        "loop with the index in the name); or use svi(model, guide), which needs no conjugacy.",
    ));

  test("switches, which cannot", () =>
    refused(
      ({ sample, observe, plate }) => {
        const on = plate("switch", 3, () => sample("on", Bernoulli({ probs: 0.5 })));
        observe("total", Normal(on.sum(), 1), 2);
      },
      "program: site 'on' (Bernoulli) is not conditionally conjugate: the log density of site 'total' (Normal) contains a product of " +
        "different elements of 'on', but the elements of its factor are independent, so they cannot be updated at once. Give each " +
        "element a site of its own (a loop with the index in the name); or use svi(model, guide), which needs no conjugacy.",
    ));
});

describe("what coordinate ascent has no place for", () => {
  test("a family without a factor: eight schools, a half-Cauchy on a scale", async () => {
    await expect(cavi(centredSchools()).run([])).rejects.toThrow(
      new UsageError(
        "eightSchools: coordinate ascent has no factor for site 'tau', a HalfCauchy: there are Normal, MultivariateNormal, Gamma " +
          "(Exponential, ChiSquared), InverseGamma, Beta, Dirichlet, Bernoulli, Categorical and OneHotCategorical. " +
          waysOut,
      ),
    );
  });

  test("learnable parameters", () =>
    refused(({ sample, observe, param }) => {
      const mu = sample("mu", Normal(param("prior", [], initializers.zeros), 1));
      observe("y", Normal(mu, 1), 2);
    }, "program: the program has learnable parameters, but coordinate ascent only fits factors of latent sites. Sample them from a " +
      "prior, pass them as numbers, or use svi(model, guide), which trains both."));

  test("noise outside sites", () =>
    refused(({ sample, observe }) => {
      const mu = sample("mu", Normal(0, 1));
      observe("y", Normal(add(mu, noise("normal", "jitter", [])), 1), 2);
    }, "program: the log density reads noise 'jitter'. Draw random values in a sample site."));

  test("inputs, of which nobody feeds one", () =>
    refused(({ sample, observe }) => {
      const mu = sample("mu", Normal(0, 1));
      observe("y", Normal(mu, 1), input("data", []));
    }, "program: input 'data' has no value. A posterior needs fixed data: pass them as a constant, tensor(…)."));

  test("minibatches", () =>
    refused(
      ({ sample, observe, plate }) => {
        plate(
          "row",
          9,
          () => {
            const z = sample("z", Normal(0, 1));
            observe("y", Normal(z, 1), y);
          },
          { rows: 3 },
        );
      },
      "program: site 'z' is in plate 'row', of which only 3 of 9 rows are seen. A posterior needs all " +
        "rows: the posterior of a scaled minibatch is just as narrow but in another place. Open the plate without rows and give it all data, or use stochasticCavi, which takes " +
        "minibatches.",
    ));
});
