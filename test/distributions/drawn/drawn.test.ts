/**
 * Densities, entropies, variances and divergences at drawn parameters over many decades, each on the host, natively in float64
 * and natively in float32, against mpmath (reference.py).
 *
 * What is allowed: `units` rounding errors of size 1, of the result, and of the result's own condition (what rounding the
 * numbers that go in would move it by, to the second order). A variance has no size 1: its error is relative.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ArrayValue, compile, type Executor } from "../../../src/compile/index.ts";
import * as families from "../../../src/distributions/index.ts";
import { type Distribution, kl } from "../../../src/distributions/index.ts";
import { convert } from "../../../src/tensor/dtype.ts";
import type { Nested, Tensor } from "../../../src/tensor/index.ts";

type Row = Readonly<Record<string, Nested>>;
type Result = readonly [value: number | string, condition: number | string];
interface Drawn {
  readonly parameters: readonly Row[];
  readonly values: readonly Nested[];
  readonly logProb: readonly Result[];
  readonly entropy?: readonly Result[];
  readonly variance?: readonly Result[];
  readonly others?: readonly Row[];
  readonly kl?: readonly Result[];
}
type Quantity = "logProb" | "entropy" | "variance" | "kl";

const read = (file: string): Readonly<Record<string, Drawn>> =>
  JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
// more.json is made by more.py.
const drawn = { ...read("reference.json"), ...read("more.json") };

const executors = [
  { name: "host", executor: "host", dtype: "float64", epsilon: 2 ** -52, units: 100 },
  { name: "native float64", executor: "native", dtype: "float64", epsilon: 2 ** -52, units: 400 },
  { name: "native float32", executor: "native", dtype: "float32", epsilon: 2 ** -23, units: 40 },
] as const satisfies readonly {
  readonly name: string;
  readonly executor: Executor;
  readonly dtype: "float32" | "float64";
  readonly epsilon: number;
  readonly units: number;
}[];

const makers: ReadonlyMap<string, unknown> = new Map(Object.entries(families));

/** The family of a case, from parameters by their names: `Binomial probs` is Binomial(total, { probs }). What follows # is the dimension. */
function make(name: string, p: Readonly<Record<string, Tensor>>): Distribution {
  const [family, kind] = name.split("#")[0].split(" ");
  const maker = makers.get(family) as unknown as (...args: unknown[]) => Distribution;
  const positional = Object.entries(p).flatMap(([k, t]) => (k === kind ? [] : [t]));
  return kind === undefined ? maker(...positional) : maker(...positional, { [kind]: p[kind] });
}

const arrayOf = (rows: readonly Nested[], dtype: "float32" | "float64"): ArrayValue => {
  const event = typeof rows[0] === "object" ? [rows[0].length] : [];
  return new ArrayValue([rows.length, ...event], dtype, convert(rows.flat(2) as number[], dtype));
};

async function evaluate(name: string, c: Drawn, executor: Executor, dtype: "float32" | "float64") {
  const keys = Object.keys(c.parameters[0]);
  const columns = (rows: readonly Row[]) =>
    keys.map((k) =>
      arrayOf(
        rows.map((r) => r[k]),
        dtype,
      ),
    );
  const feeds = [...columns(c.parameters), ...(c.others ? columns(c.others) : []), arrayOf(c.values, dtype)];
  const run = compile(
    (...inputs: Tensor[]): Readonly<Record<string, Tensor>> => {
      const named = (from: number) => Object.fromEntries(keys.map((k, i) => [k, inputs[from + i]]));
      const p = make(name, named(0));
      return {
        logProb: p.logProb(inputs[inputs.length - 1]),
        ...(c.entropy && { entropy: p.entropy() }),
        ...(c.variance && { variance: p.variance() }),
        ...(c.kl && { kl: kl(p, make(name, named(keys.length))) }),
      };
    },
    { executor, threads: 1 },
  );
  const out = await run(...feeds);
  // A vector's variance is tested at its first element.
  const width = keys.length === 1 && typeof c.parameters[0][keys[0]] === "object" ? 3 : 1;
  return Object.fromEntries(
    Object.entries(out).map(([k, v]) => [
      k,
      Array.from(v.data, Number).filter((_, i) => k !== "variance" || i % width === 0),
    ]),
  );
}

const counted = { values: 0, beyond: 0 };

describe.each(executors)("$name", ({ executor, dtype, epsilon, units }) => {
  test.each(Object.keys(drawn))("%s", async (name) => {
    const c = drawn[name];
    const found = await evaluate(name, c, executor, dtype);
    const beyond: unknown[] = [];
    for (const quantity of ["logProb", "entropy", "variance", "kl"] as const satisfies readonly Quantity[]) {
      c[quantity]?.forEach(([right, condition], i) => {
        const [f, e] = [found[quantity][i], Number(right)];
        // A concentration c that is off by ε moves a divergence of 0 by c ε²/2.
        const numbers = [Object.values(c.parameters[i])].flat(2).map((v) => Math.abs(Number(v)));
        const second = quantity === "variance" ? 0 : epsilon * Math.max(...numbers);
        const scale = Number(condition) + Math.abs(e) + (quantity === "variance" ? 0 : 1) + second;
        const allowed = units * epsilon * scale;
        counted.values++;
        if (Object.is(f, e) || f === e || Math.abs(f - e) <= allowed) return;
        // What float32 cannot hold is infinite or 0 there.
        if (dtype === "float32" && (Math.abs(e) > 3e38 || Math.abs(e) < 1e-37) && quantity === "variance")
          return;
        beyond.push({
          quantity,
          ...c.parameters[i],
          x: c.values[i],
          other: c.others?.[i],
          found: f,
          right: e,
          units: Math.abs(f - e) / (epsilon * scale),
        });
      });
    }
    counted.beyond += beyond.length;
    expect(beyond).toEqual([]);
  });
});

test("how many values that was", () => {
  expect(counted.values).toBeGreaterThan(10_000);
  expect(counted.beyond).toBe(0);
});
