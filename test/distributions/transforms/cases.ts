/** Evaluates the registry's cases: parameters and points are fed as inputs, so that nothing is folded away. */
import { type ArrayValue, type CompileOptions, compile } from "../../../src/compile/index.ts";
import type { Transform } from "../../../src/distributions/index.ts";
import { input, type Tensor } from "../../../src/tensor/index.ts";
import { arrayOf, type Float, type Written } from "../cases.ts";
import type { TransformCase } from "./registry.ts";

export { arrayOf, type Float, largestError, type Written } from "../cases.ts";

type Build = (t: Transform, x: Tensor, parameters: Written) => Written;
type Options = CompileOptions & { readonly dtype?: Float; readonly at?: ArrayValue };

/** Runs one graph of the case: at its points, or at the array `at`. */
export async function evaluate(
  c: TransformCase,
  build: Build,
  { dtype = "float64", at, ...rest }: Options = {},
): Promise<Record<string, number[]>> {
  const names = Object.keys(c.parameters);
  const feeds = [...names.map((k) => arrayOf(c.parameters[k], dtype)), at ?? arrayOf(c.points, dtype)];
  const run = compile(
    (...inputs: Tensor[]) => {
      const parameters = Object.fromEntries(names.map((k, i) => [k, inputs[i]]));
      return build(c.make(parameters, dtype), inputs[names.length], parameters);
    },
    { executor: "host", ...rest },
  );
  const out = await run(...feeds);
  return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, Array.from(v.data, Number)]));
}

/** Symbolic stand-ins: for what needs shapes alone. */
export function symbolic(c: TransformCase): { readonly t: Transform; readonly x: Tensor } {
  const leaf = (name: string, value: TransformCase["points"]) =>
    input(name, arrayOf(value, "float64").shape, "float64");
  const parameters = Object.fromEntries(Object.entries(c.parameters).map(([k, v]) => [k, leaf(k, v)]));
  return { t: c.make(parameters, "float64"), x: leaf("x", c.points) };
}

/** Places, within a flat event of shape `event`, of the numbers that the others follow from. */
export function coordinates(t: Transform, event: readonly number[]): number[] {
  const all = Array.from({ length: event.reduce((a, b) => a * b, 1) }, (_, i) => i);
  if (t.codomain.name === "simplex") return all.slice(0, -1);
  if (t.codomain.name === "lowerCholesky") return all.filter((k) => k % event[1] <= Math.floor(k / event[1]));
  if (t.codomain.name === "correlationCholesky")
    return all.filter((k) => k % event[1] < Math.floor(k / event[1]));
  return all;
}

/** ln |det| of a row-major n × n matrix, by elimination with partial pivoting. */
export function logAbsDet(matrix: readonly number[], n: number): number {
  const a = Array.from({ length: n }, (_, i) => matrix.slice(i * n, (i + 1) * n));
  let total = 0;
  for (let k = 0; k < n; k++) {
    const pivot = a.reduce(
      (best, row, i) => (i >= k && Math.abs(row[k]) > Math.abs(a[best][k]) ? i : best),
      k,
    );
    [a[k], a[pivot]] = [a[pivot], a[k]];
    total += Math.log(Math.abs(a[k][k]));
    for (let i = k + 1; i < n; i++) {
      const factor = a[i][k] / a[k][k];
      for (let j = k; j < n; j++) a[i][j] -= factor * a[k][j];
    }
  }
  return total;
}

/** The numbers of an expression without inputs; parameters have their initial values. */
export async function numbersOf(build: () => Tensor, options: CompileOptions = {}): Promise<number[]> {
  const out = await compile(build, { executor: "host", ...options })();
  return Array.from(out.data, Number);
}
