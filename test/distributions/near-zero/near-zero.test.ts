/**
 * Divergences of nearly equal distributions, and entropies and log masses of what is nearly certain, relative to themselves, on all
 * executors, against mpmath (reference.py).
 *
 * What is allowed: the result's own rounding, and what rounding the numbers that go in would move it by, to the second order. With relative
 * errors e = `units` · ε of each of them, a function f of numbers t moves by e Σ |t f′| + e² Σ t² |f″|. Nothing is allowed for numbers of
 * size 1 on the way: a divergence of 1e-12 has as many digits as its parameters tell it.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../../src/compile/index.ts";
import * as families from "../../../src/distributions/index.ts";
import { type Distribution, kl } from "../../../src/distributions/index.ts";
import { argmax, cast, convert, mul, type Nested, oneHot, type Tensor } from "../../../src/tensor/index.ts";

type Row = Readonly<Record<string, Nested>>;
type Result = readonly [value: number, first: number, second: number];
type Quantity = "kl" | "logMass" | "entropy";
interface Drawn {
  readonly parameters: readonly Row[];
  readonly others?: readonly Row[];
  readonly kl?: readonly Result[];
  readonly logMass?: readonly Result[];
  readonly entropy?: readonly Result[];
}
type Group = Readonly<Record<"divergences" | "certain", Readonly<Record<string, Drawn>>>>;

type Groups = Readonly<Record<"single" | "double", Group>>;
const read = (file: string): Groups => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
// more.json is made by more.py.
const references = [read("reference.json"), read("more.json")];

const executors = [
  { executor: "host", dtype: "float64", epsilon: 2 ** -52, units: 50 },
  { executor: "native", dtype: "float64", epsilon: 2 ** -52, units: 100 },
  { executor: "native", dtype: "float32", epsilon: 2 ** -23, units: 20 },
] as const;
type Float = "float32" | "float64";

const makers: ReadonlyMap<string, unknown> = new Map(Object.entries(families));

/** `Categorical probs` is Categorical({ probs }), `LKJ 2` is LKJ(2, concentration), and the total of multinomials is 5. What follows # is the dimension. */
function make(name: string, p: Readonly<Record<string, Tensor>>): Distribution {
  const [family, kind] = name.split("#")[0].split(" ");
  const maker = makers.get(family) as unknown as (...args: unknown[]) => Distribution;
  if (kind === undefined) return maker(...Object.values(p));
  if (kind === "scaleTril") return maker(p.df ?? p.loc, { scaleTril: p.scaleTril });
  if (kind === "weights") return maker([1, 2, 3, 4], { weights: p.weights });
  if (family.startsWith("LKJ")) return maker(Number(kind), p.concentration);
  return family === "Multinomial" ? maker(5, { [kind]: p[kind] }) : maker({ [kind]: p[kind] });
}

/** The log mass of the most probable value: for a multinomial all of its 5 draws. */
function logMass(name: string, d: Distribution, given: Tensor): Tensor {
  const best = argmax(given, -1);
  if (name.startsWith("Categorical")) return d.logProb(best);
  const vector = oneHot(best, given.shape[given.rank - 1], given.dtype);
  return d.logProb(name.startsWith("Multinomial") ? mul(vector, 5) : cast(vector, given.dtype));
}

const columns = (rows: readonly Row[], dtype: Float): ArrayValue[] =>
  Object.keys(rows[0]).map((k) => {
    const column = rows.map((r) => r[k]);
    const event: number[] = [];
    for (let v = column[0]; typeof v === "object"; v = v[0]) event.push(v.length);
    return new ArrayValue([rows.length, ...event], dtype, convert(column.flat(3) as number[], dtype));
  });

const cases = references.flatMap((reference) =>
  (["single", "double"] as const).flatMap((size) =>
    (["divergences", "certain"] as const).flatMap((what) =>
      Object.keys(reference[size][what]).map(
        (name) => [`${what}, ${size}`, name, reference[size][what][name]] as const,
      ),
    ),
  ),
);

describe.each(executors)("$executor $dtype", ({ executor, dtype, epsilon, units }) => {
  const own = cases.filter(([group]) => dtype === "float64" || group.endsWith("single"));
  test.each(own)("%s: %s", async (_, name, c) => {
    const keys = Object.keys(c.parameters[0]);
    const run = compile(
      (...inputs: Tensor[]): Readonly<Record<string, Tensor>> => {
        const named = (from: number) => Object.fromEntries(keys.map((k, i) => [k, inputs[from + i]]));
        const p = make(name, named(0));
        return {
          ...(c.kl && { kl: kl(p, make(name, named(keys.length))) }),
          ...(c.entropy && { entropy: p.entropy() }),
          ...(c.logMass && { logMass: logMass(name, p, inputs[0]) }),
        };
      },
      { executor, threads: 1 },
    );
    const out = await run(...columns(c.parameters, dtype), ...(c.others ? columns(c.others, dtype) : []));
    const beyond: unknown[] = [];
    for (const quantity of ["kl", "logMass", "entropy"] as const satisfies readonly Quantity[]) {
      c[quantity]?.forEach(([right, first, second], i) => {
        const found = Number(out[quantity].data[i]);
        const e = units * epsilon;
        const allowed = e * (Math.abs(right) + first) + e * e * second;
        // The least float32 numbers have fewer digits.
        if (Math.abs(found - right) <= allowed + (dtype === "float32" ? 1e-37 : 0)) return;
        const units1 = Math.abs(found - right) / (epsilon * (Math.abs(right) + first));
        beyond.push({ quantity, ...c.parameters[i], other: c.others?.[i], found, right, units: units1 });
      });
    }
    expect(beyond).toEqual([]);
  });
});

test.each([1e-9, 1e-5, 0.01])("log scales that differ by %f, in float64", async (d) => {
  const run = compile(
    (a: Tensor, b: Tensor) => kl(families.Normal(0, { logScale: a }), families.Normal(0, { logScale: b })),
    { executor: "native", threads: 1 },
  );
  const found = (await run(Float64Array.of(d), Float64Array.of(0))).data[0];
  // (e²ᵈ − 1)/2 − d = Σ 2ᵏ⁻¹ dᵏ/k! from k = 2 on.
  let [right, term] = [0, d];
  for (let k = 2; k < 12; k++) right += term *= (2 * d) / k;
  expect(Math.abs(Number(found) / right - 1)).toBeLessThan(1e-10 * d + 1e-14);
});
