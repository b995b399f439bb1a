/** Loops of the host executor: what is read in place, what is written out, and that neither changes a result. */
import { expect, test } from "vitest";
import { compileHost } from "../../src/compile/host.ts";
import {
  add,
  concat,
  exp,
  expand,
  flip,
  input,
  matmul,
  max,
  mul,
  prod,
  slice,
  squeeze,
  sum,
  type Tensor,
  transpose,
  unsqueeze,
} from "../../src/tensor/index.ts";

const x = input("x", [3, 4], "float64");
const y = input("y", [4, 3], "float64");
const numbers = (size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => Math.sin(1 + i));
const [xs, ys] = [numbers(12), numbers(12).reverse()];

function run(output: Tensor): { readonly values: number[]; readonly stored: number } {
  const program = compileHost([output]);
  const values = new Float64Array(output.size);
  program.bind(
    program.leaves.map((t) => (t === x ? xs : ys)),
    [values],
  )();
  return { values: [...values], stored: program.nodes };
}

test("transposes, slices, flips and repeats are read where they lie, in one loop with what reads them", () => {
  const rows = slice(transpose(flip(x, 1)), { axis: 0, start: 1, end: 4, step: 2 });
  const { values, stored } = run(sum(mul(expand(unsqueeze(rows, 0), [2, 2, 3]), 3), [0, 2]));
  const row = (j: number): number => {
    let total = 0;
    for (let k = 0; k < 2; k++) for (let i = 0; i < 3; i++) total += 3 * xs[4 * i + (3 - j)];
    return total;
  };
  expect(values).toEqual([row(1), row(3)]);
  expect(stored).toBe(1);
});

test("parts are computed in their place in the whole", () => {
  const { values, stored } = run(concat([exp(x), transpose(y), mul(x, 2)], 1));
  const expected = [0, 1, 2].flatMap((i) => [
    ...[0, 1, 2, 3].map((j) => Math.exp(xs[4 * i + j])),
    ...[0, 1, 2, 3].map((j) => ys[3 * j + i]),
    ...[0, 1, 2, 3].map((j) => 2 * xs[4 * i + j]),
  ]);
  expect(values).toEqual(expected);
  expect(stored).toBe(1);
});

test("what a kernel needs in order is stored in order, once", () => {
  const turned = transpose(y);
  const { values, stored } = run(add(matmul(turned, y), sum(turned)));
  const total = Array.from({ length: 12 }, (_, k) => ys[3 * (k % 4) + Math.floor(k / 4)]).reduce(
    (a, b) => a + b,
    0,
  );
  const expected = Array.from({ length: 9 }, (_, k) => {
    let s = 0;
    for (let p = 0; p < 4; p++) s += ys[3 * p + Math.floor(k / 3)] * ys[3 * p + (k % 3)];
    return s + total;
  });
  expect(values.map((v) => v.toFixed(12))).toEqual(expected.map((v) => v.toFixed(12)));
  expect(stored).toBe(4);
});

test("reductions over any axes, of nothing too, written out or not", () => {
  for (const [rows, columns] of [
    [2, 2],
    [5, 3],
    [1, 4],
    [0, 3],
    [3, 0],
  ]) {
    const z = input("z", [rows, columns], "float64");
    const values = numbers(rows * columns);
    for (const axes of [[0], [1], [0, 1]]) {
      for (const [fold, initial, combine] of [
        [sum, 0, (a: number, b: number) => a + b],
        [prod, 1, (a: number, b: number) => a * b],
        [max, Number.NEGATIVE_INFINITY, Math.max],
      ] as const) {
        if (fold === max && rows * columns === 0) continue;
        const output = fold(mul(z, 2), axes);
        const program = compileHost([output]);
        const found = new Float64Array(output.size);
        program.bind([values], [found])();
        const results = new Array<number>(output.size).fill(initial);
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) {
            const to = axes.length === 2 ? 0 : axes[0] === 0 ? j : i;
            results[to] = combine(results[to], 2 * values[i * columns + j]);
          }
        expect([...found]).toEqual(results);
      }
    }
  }
});

test("a slice that loses a dimension is read in place as well", () => {
  const { values, stored } = run(mul(squeeze(slice(x, { axis: 1, start: 2, end: 3 }), 1), 5));
  expect(values).toEqual([2, 6, 10].map((i) => 5 * xs[i]));
  expect(stored).toBe(1);
});
