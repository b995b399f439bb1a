/** Evaluates the registry's cases: parameters and points are fed as inputs, so that nothing is folded away. */
import { ArrayValue, type CompileOptions, compile } from "../../src/compile/index.ts";
import type { Distribution } from "../../src/distributions/index.ts";
import { convert } from "../../src/tensor/dtype.ts";
import { input, type Nested, type Tensor } from "../../src/tensor/index.ts";
import type { DistributionCase } from "./registry/index.ts";

export type Float = "float32" | "float64";
export type Written = Readonly<Record<string, Tensor>>;
type Build = (d: Distribution, points: Tensor, parameters: Written) => Written;

export function arrayOf(value: Nested, dtype: Float): ArrayValue {
  const shape: number[] = [];
  for (let v: Nested = value; typeof v === "object"; v = v[0]) shape.push(v.length);
  return new ArrayValue(shape, dtype, convert([value].flat(9) as number[], dtype));
}

/** A function that runs the case's graph: the same one on each call, with fresh noise. */
export function prepare(
  c: DistributionCase,
  build: Build,
  options: CompileOptions & { readonly dtype?: Float } = {},
) {
  const { dtype = "float64", ...rest } = options;
  const names = Object.keys(c.parameters);
  const feeds = [...names.map((k) => arrayOf(c.parameters[k], dtype)), arrayOf(c.points, dtype)];
  const run = compile(
    (...inputs: Tensor[]) => {
      const parameters = Object.fromEntries(names.map((k, i) => [k, inputs[i]]));
      return build(c.make(parameters), inputs[names.length], parameters);
    },
    { executor: "host", ...rest },
  );
  return async (): Promise<Record<string, number[]>> => {
    const out = await run(...feeds);
    return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, Array.from(v.data, Number)]));
  };
}

export const evaluate = (c: DistributionCase, build: Build, options?: Parameters<typeof prepare>[2]) =>
  prepare(c, build, options)();

/** Symbolic stand-ins for the case's parameters: for what needs shapes and flags alone. */
export const symbolic = (c: DistributionCase): Distribution =>
  c.make(
    Object.fromEntries(
      Object.entries(c.parameters).map(([k, v]) => [k, input(k, arrayOf(v, "float64").shape, "float64")]),
    ),
  );

/** The parameters rolled by one along their first axis: the other distribution of KL tests. */
export const rolled = (c: DistributionCase): DistributionCase => ({
  ...c,
  parameters: Object.fromEntries(
    Object.entries(c.parameters).map(([k, v]) => {
      const rows = v as readonly Nested[];
      return [k, [rows[rows.length - 1], ...rows.slice(0, -1)]];
    }),
  ),
});

/** Largest error, relative where the expected value exceeds 1, absolute elsewhere; infinities and NaN must be equal. */
export function largestError(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  found.forEach((f, i) => {
    const e = expected[i];
    const error = Object.is(f, e) || f === e ? 0 : Math.abs(f - e) / Math.max(1, Math.abs(e));
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  });
  return worst;
}
