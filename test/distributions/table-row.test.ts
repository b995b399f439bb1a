/** Missing columns of a table's row are marginalised exactly: every pattern of them, against sums and integrals. */
import { describe, expect, test } from "vitest";
import { ArrayValue, type CompileOptions, compile } from "../../src/compile/index.ts";
import { Normal, OneHotCategorical, TableRow } from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { convert } from "../../src/tensor/dtype.ts";
import { grad, input, sum, type Tensor } from "../../src/tensor/index.ts";

/** Two numeric columns and two categorical ones, and where the features of each lie. */
const categories = [3, 2] as const;
const columns = [[0], [1], [2, 3, 4], [5, 6]] as const;
const width = 7;
const complete = [0.75, -2, 0, 1, 0, 1, 0] as const;
const parameters = { loc: [0.5, -1.5], logScale: [-0.5, 0.25], logits: [0.1, -2, 1.5, 0.5, -0.25] } as const;

/** Every set of missing columns. */
const patterns = Array.from({ length: 2 ** columns.length }, (_, bits) =>
  columns.map((_, i) => (bits >> i) % 2 === 1),
);

/** The row without those columns. */
const without = (missing: readonly boolean[], row: readonly number[] = complete): number[] =>
  row.map((v, j) => (missing[columns.findIndex((c) => c.some((k) => k === j))] ? Number.NaN : v));

type Options = CompileOptions & { readonly dtype?: "float32" | "float64" };

/** Runs on inputs, so that nothing is folded: [rows, 7], loc, logScale, logits. */
async function run(
  rows: readonly (readonly number[])[],
  build: (x: Tensor, p: readonly Tensor[]) => Record<string, Tensor>,
  { dtype = "float64", ...options }: Options = {},
  values: readonly (readonly number[])[] = Object.values(parameters),
): Promise<Record<string, number[]>> {
  const array = (shape: readonly number[], v: readonly number[]) =>
    new ArrayValue(shape, dtype, convert([...v], dtype));
  const f = compile((x: Tensor, ...p: Tensor[]) => build(x, p), { executor: "host", ...options });
  const out = await f(array([rows.length, width], rows.flat()), ...values.map((v) => array([v.length], v)));
  return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, Array.from(v.data, Number)]));
}

const row = ([loc, logScale, logits]: readonly Tensor[]) => TableRow({ loc, logScale, logits, categories });
const logProb = (x: Tensor, p: readonly Tensor[]) => ({ logProb: row(p).logProb(x) });

describe("marginalisation", () => {
  /** The trapezoid rule over 10 standard deviations either side, exact to rounding for a normal density in steps of a quarter. */
  const steps = 80;
  const grid = (column: number): { readonly at: number; readonly weight: number }[] => {
    const [mean, reach] = [parameters.loc[column], 10 * Math.exp(parameters.logScale[column])];
    return Array.from({ length: steps + 1 }, (_, i) => ({
      at: mean + reach * ((2 * i) / steps - 1),
      weight: (2 * reach) / steps,
    }));
  };
  /** Every value of a column, each with its weight in the sum or integral over them. */
  const values = (column: number): { readonly features: readonly number[]; readonly weight: number }[] =>
    column < 2
      ? grid(column).map(({ at, weight }) => ({ features: [at], weight }))
      : columns[column].map((_, k) => ({
          features: columns[column].map((_, j) => Number(j === k)),
          weight: 1,
        }));

  test.each(patterns.map((p) => [p.map(Number).join(""), p] as const))(
    "columns missing: %s",
    async (_, missing) => {
      let rows: { readonly features: readonly number[]; readonly weight: number }[] = [
        { features: [], weight: 1 },
      ];
      columns.forEach((column, i) => {
        const own = missing[i] ? values(i) : [{ features: column.map((j) => complete[j]), weight: 1 }];
        rows = rows.flatMap((a) =>
          own.map((b) => ({ features: [...a.features, ...b.features], weight: a.weight * b.weight })),
        );
      });
      const each = (
        await run(
          rows.map((r) => r.features),
          logProb,
        )
      ).logProb;
      const total = each.reduce((sum, log, i) => sum + Math.exp(log) * rows[i].weight, 0);
      const [found] = (await run([without(missing)], logProb)).logProb;
      expect(found).toBeCloseTo(Math.log(total), 11);
    },
  );
});

test("complete rows have the density of their columns' own distributions", async () => {
  const { together, apart } = await run([complete, [3, 0.25, 1, 0, 0, 0, 1]], (x, p) => {
    const [loc, logScale, logits] = p;
    const span = (t: Tensor, start: number, end: number) => t.slice({ axis: -1, start, end });
    return {
      together: row(p).logProb(x),
      apart: Normal(loc, { logScale })
        .toEvent(1)
        .logProb(span(x, 0, 2))
        .add(OneHotCategorical({ logits: span(logits, 0, 3) }).logProb(span(x, 2, 5)))
        .add(OneHotCategorical({ logits: span(logits, 3, 5) }).logProb(span(x, 5, 7))),
    };
  });
  together.forEach((v, i) => {
    expect(v).toBeCloseTo(apart[i], 13);
  });
});

describe("gradients with missing values", () => {
  const rows = patterns.map((missing) => without(missing));
  const build = (x: Tensor, p: readonly Tensor[]) => {
    const total = sum(row(p).logProb(x));
    const gradients = grad(total, [...p, x]);
    return { total, ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) };
  };

  test("are finite and equal to central differences; a missing value has none", async () => {
    const found = await run(rows, build);
    const start = Object.values(parameters);
    const h = 1e-5;
    for (const [i, of] of start.entries()) {
      for (const j of of.keys()) {
        const at = async (step: number) => {
          const moved = start.map((v, k) => v.map((w, l) => (k === i && l === j ? w + step : w)));
          return (await run(rows, build, {}, moved)).total[0];
        };
        const slope = ((await at(h)) - (await at(-h))) / (2 * h);
        // Central differences: h² f''' / 6 and rounding of 1e-16 · f / h, f of some 50 nats.
        expect(Math.abs(found[`g${i}`][j] - slope)).toBeLessThan(2e-8);
      }
    }
    rows.flat().forEach((v, k) => {
      const slope = found.g3[k];
      if (Number.isNaN(v)) expect(slope).toBe(0);
      else expect(Number.isFinite(slope)).toBe(true);
    });
  });

  test("natively as on the host", async () => {
    const whole = (x: Tensor, p: readonly Tensor[]) => ({ ...build(x, p), ...logProb(x, p) });
    const host = await run(rows, whole, { dtype: "float32" });
    const native = await run(rows, whole, { dtype: "float32", executor: "native", threads: 1 });
    for (const [k, values] of Object.entries(host)) {
      values.forEach((v, i) => {
        expect(Math.abs(native[k][i] - v), `${k} ${i}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(v)));
      });
    }
  });
});

test("rows with missing values are in the support, half a category or an infinite number is not", async () => {
  const nan = Number.NaN;
  const rows = [
    complete,
    [nan, 1, nan, nan, nan, 1, 0],
    [nan, nan, nan, nan, nan, nan, nan],
    [0, Number.POSITIVE_INFINITY, 0, 1, 0, 1, 0],
    [0, 1, 0, 1, 1, 1, 0],
    [0, 1, 0, 0.5, 0.5, 1, 0],
  ];
  const { inside } = await run(rows, (x, p) => ({ inside: row(p).support.check(x) }));
  expect(inside).toEqual([1, 1, 1, 0, 0, 0]);
});

test("parameters that do not belong together are refused", () => {
  const ways =
    "TableRow: give loc and logScale for numeric columns, logMean and logTotal for counts, logits and categories for categorical ones, or all; found ";
  expect(() => TableRow({})).toThrow(new UsageError(`${ways}none.`));
  expect(() => TableRow({ loc: [0] })).toThrow(new UsageError(`${ways}loc.`));
  expect(() => TableRow({ loc: [0], logScale: [0], categories: [2] })).toThrow(
    new UsageError(`${ways}loc, logScale, categories.`),
  );
  expect(() => TableRow({ logits: input("l", [4, 5]), categories: [2, 2] })).toThrow(
    new ShapeError(
      "TableRow: columns of 2, 2 categories need 4 logits along the last axis; found shape [4, 5].",
    ),
  );
});
