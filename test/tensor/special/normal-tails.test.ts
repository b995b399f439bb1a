import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { build } from "../../../src/compile/index.ts";
import {
  erfc,
  erfcx,
  erfinv,
  grad,
  input,
  logNormalCdf,
  normalCdf,
  normalLogQuantile,
  normalQuantile,
  sum,
  type Tensor,
} from "../../../src/tensor/index.ts";

// mpmath 1.3: normal-tails.py.
const table: Readonly<Record<string, { readonly x: readonly number[]; readonly y: readonly number[] }>> =
  JSON.parse(readFileSync(new URL("./normal-tails.json", import.meta.url), "utf8"));

const functions = {
  erfc,
  erfcx,
  erfinv,
  logNormalCdf,
  normalQuantile,
  normalLogQuantile,
  normalCdf,
} as const;
const executors = [
  ["host", "float64", 1e-14],
  ["native", "float64", 1e-12],
  ["native", "float32", 1e-6],
] as const;

async function run(
  f: (x: Tensor) => Tensor,
  xs: readonly number[],
  executor: "host" | "native",
  dtype: "float32" | "float64",
): Promise<ArrayLike<number>> {
  const points = dtype === "float32" ? Float32Array.from(xs) : Float64Array.from(xs);
  const program = await build([f(input("x", [xs.length], dtype))], { executor, threads: 1 });
  const out = executor === "host" ? new Float64Array(xs.length) : points.slice();
  await program.bind([points], [out])();
  return out;
}

describe.each(executors)("the normal's tails on the %s executor in %s", (executor, dtype, bound) => {
  test.each(Object.entries(functions))(
    "%s agrees with mpmath, relatively, in both tails",
    async (name, f) => {
      // Below 1e-37 a float32 has lost digits.
      const rows = table[name].x.map((x, i) => [x, table[name].y[i]] as const);
      const kept = rows.filter(([, y]) => dtype === "float64" || (Math.abs(y) > 1e-37 && Math.abs(y) < 3e38));
      expect(kept.length).toBeGreaterThan(70);
      const found = await run(
        f,
        kept.map(([x]) => x),
        executor,
        dtype,
      );
      const errors = kept.map(([x, y], i) => ({ x, y, found: found[i], error: Math.abs(found[i] / y - 1) }));
      const worst = errors.reduce((a, b) => (b.error <= a.error ? a : b));
      expect(worst.error, `${JSON.stringify(worst)}`).toBeLessThan(bound);
    },
  );

  test("ends, and NaN", async () => {
    const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
    const at = async (f: (x: Tensor) => Tensor, xs: readonly number[]) =>
      Array.from(await run(f, xs, executor, dtype));
    expect(await at(erfc, [-inf, inf, nan])).toEqual([2, 0, nan]);
    expect(await at(erfcx, [-inf, inf, nan])).toEqual([inf, 0, nan]);
    expect(await at(erfinv, [-1, 1, 1.5, -1.5, nan])).toEqual([-inf, inf, nan, nan, nan]);
    expect((await at(logNormalCdf, [-inf, inf, nan])).map((x) => x + 0)).toEqual([-inf, 0, nan]);
    expect(await at(normalQuantile, [0, 1, 0.5, -0.1, 1.1, nan])).toEqual([-inf, inf, 0, nan, nan, nan]);
    expect(await at(normalLogQuantile, [-inf, 0, 1, inf, nan])).toEqual([-inf, inf, nan, nan, nan]);
  });
});

// f'(x) in terms of another column's oracle would say little: central differences of the host's own values, which the table holds to 4e-15.
test.each(Object.entries(functions))("the derivative of %s is that of its values", async (name, f) => {
  const xs = table[name].x.filter(
    (x) => Math.abs(x) > 1e-3 && Math.abs(x) < 8 && !(name === "erfinv" && Math.abs(x) > 0.999),
  );
  const h = xs.map(
    (x) =>
      1e-4 *
      Math.min(Math.abs(x), name.endsWith("uantile") || name === "erfinv" ? Math.abs(1 - Math.abs(x)) : 1),
  );
  const slope = await run((x) => grad(sum(f(x)), [x])[0], xs, "host", "float64");
  const at = (k: number) =>
    run(
      f,
      xs.map((x, i) => x + k * h[i]),
      "host",
      "float64",
    );
  const [a, b, c, d] = [await at(-2), await at(-1), await at(1), await at(2)];
  xs.forEach((x, i) => {
    const central = (8 * (c[i] - b[i]) - (d[i] - a[i])) / (12 * h[i]);
    const rounding = (1e-14 * Math.abs(c[i])) / h[i];
    expect(Math.abs(slope[i] - central), `at ${x}`).toBeLessThan(1e-6 * Math.abs(central) + rounding);
  });
});
