/** Costly functions of constants with repeated values, computed once for each value. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { onDistinctValues } from "../../src/compile/distinct-values.ts";
import { compileHost, topological } from "../../src/compile/index.ts";
import {
  add,
  constant,
  div,
  exp,
  gather,
  grad,
  input,
  log1p,
  mul,
  neg,
  sin,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";

const a = input("a", [], "float64");
const b = input("b", [1, 1], "float64");
const matrix = input("matrix", [6, 6], "float64");

const steps: Readonly<Record<string, (x: Tensor, source: Tensor) => Tensor>> = {
  exp: (x) => exp(x),
  log1p: (x) => log1p(x),
  tanh: (x) => tanh(x),
  sin: (x) => sin(x),
  softplus: (x) => softplus(x),
  neg: (x) => neg(x),
  square: (x) => square(x),
  divided: (x) => div(x, a),
  scaled: (x) => mul(b, x),
  shifted: (x) => sub(1.5, x),
  again: (x, source) => add(x, source),
  by: (x) => mul(x, matrix),
};

const special = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

test("the same numbers, bit for bit, as without, in value and gradient", () => {
  let changed = 0;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...special, 0.5, -0.3, 2, 1e-9), { minLength: 36, maxLength: 36 }),
      fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 7 }),
      (values, names) => {
        const source = constant(values, [6, 6], "float64");
        const value = names.reduce((x, name) => steps[name](x, source), source);
        const outputs = [value, ...grad(sum(value), [a, b, matrix])];
        if (onDistinctValues(outputs) !== outputs) changed++;
        const [found, expected] = [false, true].map((once) => {
          const program = compileHost(outputs, { once });
          const results = outputs.map((t) => new Float64Array(t.size));
          const given = new Map([
            [a, [0.7]],
            [b, [-1.3]],
            [matrix, Array.from({ length: 36 }, (_, i) => i / 9 - 2)],
          ]);
          const read = program.leaves.map((leaf) => Float64Array.from(given.get(leaf) ?? []));
          program.bind(read, results)();
          return results.map((r) => Array.from(r));
        });
        expect(found).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
  expect(changed).toBeGreaterThan(100);
});

const lookUps = (outputs: readonly Tensor[]): number =>
  topological(onDistinctValues(outputs)).filter(gather.is).length;

test("distances between points are looked at as a triangle, and values that hardly repeat are left alone", () => {
  const points = Array.from({ length: 11 }, (_, i) => i ** 1.1);
  const distances = points.flatMap((x) => points.map((y) => (x - y) ** 2));
  const kernel = (values: readonly number[]): Tensor =>
    exp(neg(div(constant(values, [11, 11], "float64"), a)));
  expect(lookUps([kernel(distances)])).toBe(1);
  expect(lookUps([kernel(distances.map((d, i) => d + i))])).toBe(0);
  expect(lookUps([div(constant(distances, [11, 11], "float64"), a)])).toBe(0);
});
