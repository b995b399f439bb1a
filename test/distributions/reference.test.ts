import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { kl } from "../../src/distributions/index.ts";
import { concat, grad, slice, sum, type Tensor, where } from "../../src/tensor/index.ts";
import { testIf } from "./applicable.ts";
import { evaluate, largestError, symbolic } from "./cases.ts";
import { distributionCases } from "./registry/index.ts";

interface Reference {
  readonly parameters: unknown;
  readonly points: unknown;
  readonly logProb: readonly (number | string)[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly valueGradient?: readonly number[];
  readonly mean?: readonly (number | string)[];
  readonly variance?: readonly (number | string)[];
  readonly entropy?: readonly (number | string)[];
  readonly klToRolled?: readonly (number | string)[];
}

// PyTorch 1.13, SciPy 1.10 and mpmath 1.2 in float64: reference.py.
const read = (file: string): Readonly<Record<string, Reference>> =>
  JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
// Later families, mpmath 1.3: reference-families.py and reference-hidden-markov.py.
const references = {
  ...read("reference.json"),
  ...read("reference-families.json"),
  ...read("reference-hidden-markov.json"),
};

const roll = (t: Tensor): Tensor => {
  const n = t.shape[0];
  return concat([slice(t, { axis: 0, start: n - 1 }), slice(t, { axis: 0, start: 0, end: n - 1 })], 0);
};

const drawn = new Set(["LKJ", "InverseWishart"]);

describe.each(distributionCases.map((c) => [c.name, c] as const))("%s against the reference", (name, c) => {
  const reference = references[name];
  const d = symbolic(c);
  // PyTorch clamps probabilities and logs their ratios: it is the one that loses digits there.
  const tolerance = 1e-11;
  const check = (found: readonly number[], expected: readonly (number | string)[]) =>
    expect(largestError(found, expected.map(Number))).toBeLessThan(tolerance);

  test("the reference was made from these parameters and points", () => {
    expect(reference.parameters).toEqual(c.parameters);
    expect(reference.points).toEqual(c.points);
  });

  test("log density, in the tails too, and its gradients in parameters and value", async () => {
    const found = await evaluate(c, (p, x, parameters) => {
      const logProb = p.logProb(x);
      const finite = sum(where(logProb.greater(Number.NEGATIVE_INFINITY), logProb, 0));
      const names = Object.keys(parameters);
      const gradients = grad(finite, [...Object.values(parameters), x]);
      return {
        logProb,
        ...Object.fromEntries(names.map((k, i) => [k, gradients[i]])),
        value: gradients[names.length],
      };
    });
    check(found.logProb, reference.logProb);
    for (const k of Object.keys(c.parameters)) check(found[k], reference.gradients[k]);
    if (reference.valueGradient !== undefined) check(found.value, reference.valueGradient);
  });

  test("mean, variance and entropy", async () => {
    const stated = (["mean", "variance", "entropy"] as const).filter((f) => d.has(f));
    // The entropies of LKJ and of an inverse Wishart have no reference here; the conformance tests hold them to draws.
    const forms = stated.filter((f) => f !== "entropy" || f in reference || !drawn.has(c.name));
    // Only an entropy by summing over a finite support, and circular moments, are stated by one side alone.
    expect(forms.filter((f) => !(f in reference))).toEqual([]);
    const found = await evaluate(c, (p) => Object.fromEntries(forms.map((f) => [f, p[f]()])));
    for (const f of forms) check(found[f], reference[f] ?? []);
  });

  testIf(reference.klToRolled !== undefined)(
    "closed-form KL to the case with its parameters rolled by one",
    async () => {
      const found = await evaluate(c, (p, _, parameters) => ({
        kl: kl(p, c.make(Object.fromEntries(Object.entries(parameters).map(([k, t]) => [k, roll(t)])))),
      }));
      check(found.kl, reference.klToRolled ?? []);
    },
  );
});
