/** The incomplete beta function, its derivatives and its inverse against mpmath (incomplete-beta.py): both tails, both executors, both precisions. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { inverseLogBetainc, logBetainc } from "../../../src/distributions/implicit/incomplete-beta.ts";
import { betainc } from "../../../src/distributions/index.ts";
import { grad, sum, type Tensor, tensor } from "../../../src/tensor/index.ts";

interface Row {
  readonly a: number;
  readonly b: number;
  readonly u: number;
  readonly lower: number;
  readonly upper: number;
  readonly byA: number;
  readonly byB: number;
  readonly byU: number;
}

const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL("./incomplete-beta.json", import.meta.url), "utf8"),
);

const column = (key: keyof Row, dtype: "float32" | "float64"): Float32Array | Float64Array => {
  const values = rows.map((r) => r[key]);
  return dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
};

// Units in the last place of the exponent: u is given, and its rounding moves ln I by u ∂ln I/∂u.
test.each([
  ["host", "float64", 2e-14, 1e-11],
  ["native", "float64", 1e-12, 1e-11],
  ["native", "float32", 1e-5, 1e-4],
] as const)("on the %s executor in %s", async (executor, dtype, value, slope) => {
  const program = compile(
    (a: Tensor, b: Tensor, u: Tensor) => {
      const lower = logBetainc(a, b, u);
      const [byA, byB, byU] = grad(sum(lower), [a, b, u]);
      return { lower, upper: logBetainc(b, a, u.neg()), byA, byB, byU };
    },
    { executor, threads: 1 },
  );
  const found = await program(column("a", dtype), column("b", dtype), column("u", dtype));
  // Below the smallest float32 a tail is 0, and its complement's slope with it.
  const smallest = dtype === "float32" ? -80 : -650;
  rows.forEach((r, i) => {
    if (Math.min(r.lower, r.upper) < smallest) return;
    const moved = Math.abs(r.u * r.byU);
    const other = moved * Math.exp(r.lower - r.upper);
    const at = `row ${i}: ${JSON.stringify(r)}`;
    const off = (k: keyof typeof found, e: number): number => Math.abs(Number(found[k].data[i]) - e);
    expect(off("lower", r.lower), at).toBeLessThanOrEqual(value * (Math.abs(r.lower) + moved));
    expect(off("upper", r.upper), at).toBeLessThanOrEqual(value * (Math.abs(r.upper) + other));
    for (const k of ["byA", "byB", "byU"] as const)
      expect(off(k, r[k]), `${k} at ${at}`).toBeLessThanOrEqual(slope * (1 + Math.abs(r.u)) * Math.abs(r[k]));
  });
});

test("the inverse finds the place again, and knows its derivatives", async () => {
  const program = compile(
    (a: Tensor, b: Tensor, l: Tensor) => {
      const u = inverseLogBetainc(a, b, l);
      const [byA, byL] = grad(sum(u), [a, l]);
      return { u, byA, byL };
    },
    { executor: "host" },
  );
  const found = await program(column("a", "float64"), column("b", "float64"), column("lower", "float64"));
  rows.forEach((r, i) => {
    const at = `row ${i}: ${JSON.stringify(r)}`;
    // l has an error of its own size's last place, which the slope magnifies.
    const allowed = 1e-13 * (Math.abs(r.u) + Math.abs(r.lower / r.byU));
    expect(Math.abs(Number(found.u.data[i]) - r.u), at).toBeLessThanOrEqual(allowed);
    const byL = 1 / r.byU;
    if (r.lower > -1e-10) return;
    expect(Math.abs(Number(found.byL.data[i]) - byL), at).toBeLessThanOrEqual(1e-9 * Math.abs(byL));
    const byA = -r.byA / r.byU;
    expect(Math.abs(Number(found.byA.data[i]) - byA), at).toBeLessThanOrEqual(1e-8 * Math.abs(byA));
  });
});

test("betainc: a closed form, the ends, and what lies outside", async () => {
  const x = tensor([-0.5, 0, 0.25, 0.5, 1, 1.5, Number.NaN], { dtype: "float64" });
  // x² at (2, 1); 0 and 1 at the ends, NaN outside.
  const found = (await betainc(2, 1, x).value({ executor: "host" })) as { readonly data: Float64Array };
  expect(Array.from(found.data)).toEqual([
    Number.NaN,
    0,
    expect.closeTo(0.0625, 14),
    expect.closeTo(0.25, 14),
    1,
    Number.NaN,
    Number.NaN,
  ]);
  // 2x inside.
  const inner = x.slice({ axis: 0, start: 2, end: 4 });
  const [g] = grad(sum(betainc(2, 1, inner)), [inner]);
  const slope = (await g.value({ executor: "host" })) as { readonly data: Float64Array };
  expect(Array.from(slope.data)).toEqual([expect.closeTo(0.5, 13), expect.closeTo(1, 13)]);
});
