/** Errors for programs that are not conditionally conjugate. They name the site and the term that prevents it, and say what to do. */
import { UsageError } from "../../errors.ts";
import type { RandomSite } from "../../program/index.ts";
import type { Atom } from "./atoms.ts";
import { isKnown, sitesOf } from "./atoms.ts";
import type { ConjugateSite } from "./expected-log-joint.ts";
import { conjugateNames } from "./families.ts";
import type { Factor } from "./polynomial.ts";

const WAYS_OUT =
  "Ways out: svi(model, guide) with a guide such as autoNormal(model) needs no conjugacy; or write the model in a conjugate form: " +
  "a Gamma on a precision τ (scale 1/√τ) or an InverseGamma on a variance v (scale √v), a Beta or Dirichlet on probabilities.";

/** @returns the refusal of a site whose family has no factor. */
export const unknownFamily = (program: string, { name, distribution }: RandomSite): UsageError =>
  new UsageError(
    `${program}: coordinate ascent has no factor for site '${name}', ${article(distribution.name)}: there are ${conjugateNames}. ${WAYS_OUT}`,
  );

const article = (name: string): string => `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;

const superscripts = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];

const raised = (c: number): string => {
  if (c === 1) return "";
  return Number.isInteger(c) && c >= 0 && c < 10 ? superscripts[c] : `^${c}`;
};

/** A factor in ordinary notation. */
function inWords({ atom, exponent }: Factor): string {
  return `${nameOf(atom)}${raised(exponent)}`;
}

function nameOf(atom: Atom): string {
  switch (atom.kind) {
    case "value":
    case "indicator":
      return atom.of.site;
    case "complement":
      return `(1 − ${atom.of.site})`;
    case "log":
      return `ln ${nameOf(atom.of)}`;
    case "exp":
      return `exp(${nameOf(atom.of)})`;
    case "opaque":
      return `${atom.what} of ${atom.sites.map((s) => `'${s}'`).join(" and ")}`;
    default:
      return "a known number";
  }
}

/**
 * The error for a term.
 * @param factors either factors of one site whose product is not one of its statistics, or opaque functions
 */
export function notConjugate(
  program: string,
  owner: RandomSite,
  factors: readonly Factor[],
  sites: ReadonlyMap<string, ConjugateSite>,
): UsageError {
  const [culprit] = factors.flatMap((f) => sitesOf(f.atom));
  const site = sites.get(culprit);
  const { name = "", statistics = [] } = site?.conjugacy ?? {};
  const whose = `the log density of site '${owner.name}' (${owner.distribution.name})`;
  const linear = `its statistics ${statistics.map((s) => s.replaceAll("x", culprit)).join(" and ")}`;
  const start = `${program}: site '${culprit}' (${name}) is not conditionally conjugate: `;
  const elements =
    factors.length > 1 && factors.every((f) => f.atom.kind === "value" || f.atom.kind === "indicator");
  if (elements && new Set(factors.map((f) => f.atom.key)).size === 1) {
    return new UsageError(
      `${start}${whose} contains a product of different elements of '${culprit}', but the elements of its factor are independent, so ` +
        `they cannot be updated at once. ${
          name === "Normal"
            ? "If they are one vector, say so with toEvent(1): its factor is then a MultivariateNormal. Or give"
            : "Give"
        } each element a site of its own (a loop with the index in the name); or use svi(model, guide), which needs no conjugacy.`,
    );
  }
  const opaque = factors.find((f) => f.atom.kind === "opaque" || f.atom.kind === "exp");
  const product = factors
    .filter((f) => !isKnown(f.atom))
    .map(inWords)
    .join(" · ");
  if (
    opaque !== undefined &&
    owner.distribution.exponentialFamily === undefined &&
    owner.distribution.name !== "Factor"
  ) {
    const mixture = owner.distribution.name.startsWith("Mixture")
      ? "A mixture is conjugate with its component in a Categorical site, read by gather. "
      : "";
    return new UsageError(
      `${start}it enters ${whose}, which is not an exponential family, so it is not linear in ${linear}. ${mixture}${WAYS_OUT}`,
    );
  }
  const found =
    opaque === undefined
      ? `${whose} contains ${product}, which is not linear in ${linear}`
      : `it enters ${whose} through ${functionIn(opaque.atom)}, which is not linear in ${linear}`;
  return new UsageError(`${start}${found}. ${WAYS_OUT}`);
}

const functionIn = (atom: Atom): string =>
  atom.kind === "opaque" ? atom.what : atom.kind === "exp" ? functionIn(atom.of) : "";
