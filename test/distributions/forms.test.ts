/** Which closed forms each family has, what is absent and why; and that a mode is where the density is highest. */
import { describe, expect, test } from "vitest";
import { ClosedFormError, kl } from "../../src/distributions/index.ts";
import { cast, isFloat } from "../../src/tensor/index.ts";
import { evaluate, symbolic } from "./cases.ts";
import { distributionCases } from "./registry/index.ts";

const FORMS = ["mean", "variance", "mode", "entropy", "median", "cdf", "icdf", "kl"] as const;
type Form = (typeof FORMS)[number];

/** Of vectors and matrices there is no distribution function: not listed below. */
const OF_NUMBERS: readonly Form[] = ["median", "cdf", "icdf"];

const noKl = "no elementary divergence";
const wrapped = "sums over what is mixed, or integrals over a part of the base";

/** What is absent, by the case's name or its family's: the forms, and why. */
const absent: Readonly<Record<string, readonly [forms: string, why: string]>> = {
  Categorical: ["mean variance", "categories are names, not numbers"],
  Logistic: ["kl", noKl],
  Cauchy: ["mean variance", "the integrals do not exist"],
  StudentT: ["kl", noKl],
  HalfCauchy: ["mean variance", "the integrals are infinite"],
  LogitNormal: ["mean variance mode entropy", "no elementary integral, and up to two modes"],
  Poisson: ["entropy", "a series"],
  NegativeBinomial: ["entropy kl", "series"],
  "Binomial totals": ["entropy kl", "known only for a single total"],
  Multinomial: ["mode entropy", "a search and a sum over all splits"],
  HiddenMarkov: [
    "mean variance mode entropy kl",
    "sums over all courses; viterbi gives the most probable one",
  ],
  Mixture: ["mode entropy kl", wrapped],
  TableRow: ["kl", "rows with missing cells"],
  VonMises: ["mean variance", "an angle has a direction and no mean"],
  Delta: ["kl", "infinite, or 0"],
  "Delta logDensity": ["entropy median cdf icdf kl", "the density is the user's"],
  RelaxedBernoulli: ["mean variance mode entropy kl", "no elementary integral"],
  "RelaxedBernoulli straight-through": ["", "that of the Bernoulli"],
  RelaxedOneHotCategorical: ["mean variance mode entropy kl", "no elementary integral"],
  "RelaxedOneHotCategorical straight-through": ["", "that of the categorical"],
  BetaBinomial: ["mode kl", "up to two modes; a sum over all counts"],
  "BetaBinomial totals": ["mode entropy median cdf icdf kl", "summed only for a single total"],
  OrderedLogistic: [
    "mean variance kl",
    "categories have no distances; the divergence is that of categoricals",
  ],
  OrderedProbit: ["mean variance kl", "categories have no distances; the divergence is that of categoricals"],
  LKJCholesky: ["mean variance mode entropy", "known of the matrix: LKJ"],
  TruncatedNormal: ["kl", "the supports differ"],
  truncate: ["mean variance mode entropy kl", wrapped],
  censor: ["mean variance mode entropy kl", wrapped],
  GaussianRandomWalk: ["kl", "of the increments: that of normals"],
  ZeroInflated: ["mode entropy kl", wrapped],
  SkewNormal: ["mode entropy kl", "no elementary integral"],
  AsymmetricLaplace: ["kl", noKl],
  GeneralizedPareto: ["kl", "the supports differ"],
  GeneralizedExtremeValue: ["kl", "the supports differ"],
  InverseGaussian: ["entropy", "an exponential integral"],
  Horseshoe: ["mean variance entropy kl", "no mean; no elementary integral"],
  MultivariateStudentT: ["kl", noKl],
  DirichletMultinomial: ["mode entropy kl", "a search and sums over all splits"],
  LinearGaussianStateSpace: ["kl", "of the joint normals, cubic in the length"],
  ARMA: ["kl", "of the joint normals, cubic in the length"],
  Skellam: ["mode entropy kl", "sums over all pairs of counts"],
  Hurdle: ["mode entropy kl", wrapped],
};

test("what a family has not is absent for a reason", () => {
  for (const c of distributionCases) {
    const d = symbolic(c);
    const has = (form: Form): boolean => {
      if (form !== "kl") return d.has(form);
      try {
        return kl(d, d) !== undefined;
      } catch (error) {
        if (error instanceof ClosedFormError) return false;
        throw error;
      }
    };
    const [forms] = absent[c.name] ?? absent[c.name.split(" ")[0]] ?? [""];
    const missing = FORMS.filter((form) => !has(form));
    const listed = FORMS.filter(
      (form) => forms.split(" ").includes(form) || (d.eventShape.length > 0 && OF_NUMBERS.includes(form)),
    );
    expect(missing, c.name).toEqual(listed);
  }
});

describe.each(distributionCases.filter((c) => symbolic(c).has("mode")).map((c) => [c.name, c] as const))(
  "%s",
  (_, c) => {
    test("no draw has a higher density than the mode", async () => {
      const found = await evaluate(c, (d) => {
        const x = d.sample("x", [200]);
        return {
          mode: d.logProb(isFloat(d.dtype) ? cast(d.mode(), d.dtype) : d.mode()),
          draws: d.logProb(x),
        };
      });
      const n = found.mode.length;
      found.draws.forEach((l, i) => {
        const top = found.mode[i % n];
        // NaN: the mode is not a single point.
        if (!Number.isNaN(top))
          expect(l, `draw ${i}`).toBeLessThanOrEqual(top + 1e-9 * Math.max(1, Math.abs(top)));
      });
    });
  },
);
