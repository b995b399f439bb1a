/** What the families refuse, and how they say it. */
import { expect, test } from "vitest";
import "../../src/compile/index.ts";
import {
  Binomial,
  Categorical,
  Gamma,
  kl,
  LowRankMultivariateNormal,
  Mixture,
  Multinomial,
  MultivariateNormal,
  Normal,
  Poisson,
} from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { input, tensor } from "../../src/tensor/index.ts";

test("parameters out of range", () => {
  expect(() => Gamma(-1, 1)).toThrow(UsageError);
  expect(() => Gamma(-1, 1)).toThrow("Gamma: parameter 'concentration' must be positive, found -1.");
  expect(() => Poisson(-1)).toThrow("Poisson: parameter 'rate' must be nonNegative, found -1.");
  expect(() =>
    MultivariateNormal([0, 0], {
      covariance: [
        [1, 2],
        [2, 1],
      ],
    }),
  ).toThrow("MultivariateNormal: parameter 'covariance' must be positiveDefinite, found [1, 2, 2, 1].");
  expect(() =>
    MultivariateNormal([0, 0], {
      scaleTril: [
        [1, 1],
        [0, 1],
      ],
    }),
  ).toThrow("MultivariateNormal: parameter 'scaleTril' must be lowerCholesky, found [1, 1, 0, 1].");
});

test("totals that are no whole number", () => {
  expect(() => Binomial(2.5, { probs: 0.5 })).toThrow(
    "Binomial: expected 'total' to be a whole number of at least 0, found 2.5.",
  );
  expect(() => Multinomial(-1, { probs: [0.5, 0.5] })).toThrow(
    "Multinomial: expected 'total' to be a whole number of at least 0, found -1.",
  );
});

test("one scale of a multivariate normal", () => {
  // @ts-expect-error the types refuse it too
  expect(() => MultivariateNormal([0], {})).toThrow(
    "MultivariateNormal: give either scaleTril or covariance, found neither.",
  );
});

test("a covariance of another size than its mean", () => {
  const identity = [
    [1, 0],
    [0, 1],
  ];
  const expected =
    "MultivariateNormal: expected 'loc' of shape [..., n] and 'scaleTril' of shape [..., n, n], found ";
  expect(() => MultivariateNormal([5], { scaleTril: identity })).toThrow(`${expected}[1] and [2, 2].`);
  expect(() => MultivariateNormal([0, 0, 0], { scaleTril: identity })).toThrow(`${expected}[3] and [2, 2].`);
  expect(() =>
    MultivariateNormal([0, 0], {
      scaleTril: [
        [1, 0, 0],
        [0, 1, 0],
      ],
    }),
  ).toThrow(`${expected}[2] and [2, 3].`);
  expect(() => MultivariateNormal(0, { scaleTril: identity })).toThrow(
    `${expected}[] and [2, 2]. A mean that is one number for all dimensions: expand it to [n].`,
  );
});

test("shapes of a low-rank factor and of a mixture", () => {
  const bad = () => LowRankMultivariateNormal([0, 0], [[1], [1], [1]], [1, 1]);
  expect(bad).toThrow(ShapeError);
  expect(bad).toThrow(
    "LowRankMultivariateNormal: expected 'loc' of shape [..., n], 'factor' of shape [..., n, r] and 'diagonal' of shape [..., n], " +
      "found [2], [3, 1] and [2].",
  );
  expect(() => Mixture(Categorical({ logits: [0, 0, 0] }), Normal(input("m", [4, 2]), 1))).toThrow(
    "Mixture: expected components with a last batch dimension of 3, one for each category, found Normal of batch " +
      "shape [4, 2]. Move that dimension there, or expand the components.",
  );
  const double = Normal(tensor([0, 1], { dtype: "float64" }), 1);
  expect(() => Mixture(Categorical({ logits: [0, 0] }), double)).toThrow(
    "Mixture: weights are float32 and Normal is float64; cast the parameters of one.",
  );
});

test("divergences between unlike totals", () => {
  expect(() => kl(Binomial(3, { probs: 0.5 }), Binomial(4, { probs: 0.5 }))).toThrow(
    "kl: no closed form of KL(Binomial ‖ Binomial) unless both totals are one and the same number, found 3 and 4. " +
      "Use klMonteCarlo(p, q, site, samples).",
  );
  const q = { probs: [0.5, 0.5] };
  expect(() => kl(Multinomial(3, q), Multinomial(4, q))).toThrow(
    "kl: no closed form of KL(Multinomial ‖ Multinomial) unless the totals agree, found 3 and 4.",
  );
});
