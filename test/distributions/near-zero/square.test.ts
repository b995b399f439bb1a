/**
 * The divergence of nearby distributions is a square: from parameters t to t · (1 + 10⁻ᵏ c), with a fixed direction c, it is ½ δᵀ F δ with
 * Fisher's information F, so that it is divided by 100 from each k to the next. Every family of the registry that has a divergence from itself, in
 * float64; one that is a difference of larger numbers ends at 1e-16 of these, on either side of 0.
 */
import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { hasKl, kl } from "../../../src/distributions/index.ts";
import type { Nested, Tensor } from "../../../src/tensor/index.ts";
import { generator } from "../../campaigns/random.ts";
import { arrayOf, symbolic } from "../cases.ts";
import { distributionCases } from "../registry/index.ts";

/** Families without such an F, and the reason. */
const irregular: ReadonlyMap<string, string> = new Map([
  ["Uniform", "its support moves with its parameters: infinite, or linear in δ"],
  ["Pareto", "its support moves with its parameters: infinite, or linear in δ"],
  ["Binomial totals", "totals that differ have no closed form"],
  ["Empirical", "values that differ are other values"],
  ["Empirical vectors", "values that differ are other values"],
]);

/** Steps of k. At 10⁻¹² the rounding of the parameters is 1e-4 of what they differ by. */
const STEPS = Array.from({ length: 11 }, (_, i) => i + 2);

const uniform = generator(11);
const coefficients = (x: Nested): Nested =>
  typeof x === "object" ? x.map(coefficients) : uniform(1_000_001) / 500_000 - 1;
const moved = (x: Nested, c: Nested, by: number): Nested =>
  typeof x === "object" && typeof c === "object"
    ? x.map((y, i) => moved(y, c[i], by))
    : Number(x) * (1 + by * Number(c));

const cases = distributionCases.filter((c) => {
  const d = symbolic(c);
  return hasKl(d, d) && !irregular.has(c.name);
});

test.each(cases.map((c) => [c.name, c] as const))("%s", async (_, c) => {
  const names = Object.keys(c.parameters);
  const given = names.map((k) => c.parameters[k]);
  const along = given.map(coefficients);
  const run = compile(
    (...inputs: Tensor[]) => {
      const from = (first: number) => Object.fromEntries(names.map((k, i) => [k, inputs[first + i]]));
      return kl(c.make(from(0)), c.make(from(names.length)));
    },
    { executor: "host" },
  );
  const found: number[][] = [];
  for (const k of STEPS) {
    const others = given.map((x, i) => moved(x, along[i], 10 ** -k));
    const out = await run(...[...given, ...others].map((x) => arrayOf(x, "float64")));
    found.push(Array.from(out.data, Number));
  }
  const wrong: string[] = [];
  for (let i = 0; i < found[0].length; i++) {
    const series = found.map((row) => row[i]);
    // Parameters of 0 do not move, and what is certain in float64 stays so.
    if (series.every((v) => v === 0)) continue;
    // The third order is δ times the second, and times the logit of what is nearly certain: 10⁻² and 10⁻³ are left out.
    const square = series.slice(3).every((v, k) => Math.abs(series[k + 2] / v - 100) < 5);
    if (!square || series.some((v) => !(v >= 0))) wrong.push(`${i}: ${series.join(" ")}`);
  }
  expect(wrong).toEqual([]);
});
