import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { type Index, newIndex } from "../../../src/inference/cavi/atoms.ts";
import { contract, type Operand } from "../../../src/inference/cavi/contract.ts";
import { constant, grad, sum, type Tensor } from "../../../src/tensor/index.ts";

/** Distinct whole numbers, so that sums of products are exact. */
const filled = (indices: readonly Index[], from: number): Tensor => {
  const shape = indices.map((i) => i.size);
  const size = shape.reduce((a, b) => a * b, 1);
  return constant(
    Array.from({ length: size }, (_, n) => ((n * 7 + from) % 11) - 5),
    shape,
    "float64",
  );
};

const valuesOf = (t: Tensor): number[] =>
  Array.from((t.attributes as { readonly values: Float64Array }).values);

/** The same by loops over all indices. */
function byLoops(
  operands: readonly { readonly values: readonly number[]; readonly indices: readonly Index[] }[],
  output: readonly Index[],
): number[] {
  const all = [...new Set(operands.flatMap((o) => o.indices))];
  const out = new Array<number>(output.reduce((n, i) => n * i.size, 1)).fill(0);
  const total = all.reduce((n, i) => n * i.size, 1);
  const at = new Map<Index, number>();
  const place = (indices: readonly Index[]): number =>
    indices.reduce((n, i) => n * i.size + (at.get(i) ?? 0), 0);
  for (let flat = 0; flat < total; flat++) {
    let rest = flat;
    for (const i of all) {
      at.set(i, rest % i.size);
      rest = Math.floor(rest / i.size);
    }
    out[place(output)] += operands.reduce((p, { values, indices }) => p * values[place(indices)], 1);
  }
  return out;
}

const [i, j, k, n] = [2, 3, 4, 5].map(newIndex);

const cases: Readonly<Record<string, readonly [readonly (readonly Index[])[], readonly Index[]]>> = {
  "a matrix product": [
    [
      [i, j],
      [j, k],
    ],
    [i, k],
  ],
  "transposed on the left": [
    [
      [j, i],
      [j, k],
    ],
    [k, i],
  ],
  "in a batch": [
    [
      [n, i, j],
      [n, k, j],
    ],
    [n, i, k],
  ],
  "data and moments": [[[n, i], [n, j], [i, j], [n]], []],
  "an outer product": [
    [[i], [j]],
    [j, i],
  ],
  "a diagonal": [[[i, i, j], [j]], [i]],
  "a trace of a product": [
    [
      [i, j],
      [j, i],
    ],
    [],
  ],
  "a vector by a matrix": [[[n], [n, k]], [k]],
  "indices that one alone has": [[[i, j], [k]], [k]],
  "one operand": [[[i, j, k]], [k, i]],
  "four operands around a ring": [
    [
      [i, j],
      [j, k],
      [k, n],
      [n, i],
    ],
    [],
  ],
};

describe("contractions are what loops over all indices give", () => {
  test.each(Object.entries(cases))("%s", async (_, [operands, output]) => {
    const tensors = operands.map((indices, at) => filled(indices, at));
    const found = await compile(
      () =>
        contract(
          operands.map((indices, at) => ({ tensor: tensors[at], indices })),
          output,
        ),
      { executor: "host" },
    )();
    expect(found.shape).toEqual(output.map((o) => o.size));
    const values = operands.map((indices, at) => ({
      values: valuesOf(tensors[at]),
      indices,
    }));
    expect(Array.from(found.data, Number)).toEqual(byLoops(values, output));
  });
});

describe("known indicators", () => {
  const at = [2, 0, 2, 1, 0];
  const places = constant(at, [5], "int64");
  const chosen: Operand = { at: places, indices: [n, j] };
  const oneHot = { values: at.flatMap((a) => [0, 1, 2].map((c) => (c === a ? 1 : 0))), indices: [n, j] };

  test.each<readonly [string, readonly Index[], readonly Index[], readonly string[]]>([
    ["read rows", [i, j], [i, n], ["gather"]],
    ["add rows", [n, k], [j, k], ["scatterAdd"]],
    ["are written out where both vary", [n, j], [n], []],
  ])("%s", async (_, indices, output, ops) => {
    const tensor = filled(indices, 3);
    const expression = contract([chosen, { tensor, indices }], output);
    const found = await compile(() => expression, { executor: "host" })();
    expect(Array.from(found.data, Number)).toEqual(
      byLoops([oneHot, { values: valuesOf(tensor), indices }], output),
    );
    const used = new Set<string>();
    const walk = (t: Tensor): void => {
      used.add(t.op.name);
      t.inputs.forEach(walk);
    };
    walk(expression);
    for (const op of ops) expect(used).toContain(op);
    expect(used.has("equal")).toBe(ops.length === 0);
  });

  test("meet others of the same rows in a table of counts", async () => {
    // −1 is the last of four.
    const other: Operand = { at: constant([1, 3, 1, 0, -1], [5], "int32"), indices: [n, k] };
    const expression = contract([chosen, other], [k, j]);
    const found = await compile(() => expression, { executor: "host" })();
    // Pairs (2, 1), (0, 3), (2, 1), (1, 0), (0, 3), by the second.
    expect(Array.from(found.data, Number)).toEqual([0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0]);
  });

  test("alone are counted", async () => {
    const found = await compile(() => contract([chosen], [j]), { executor: "host" })();
    expect(Array.from(found.data, Number)).toEqual([2, 1, 2]);
  });

  test("a reading has a gradient that adds", async () => {
    const tensor = filled([i, j], 0);
    const [g] = grad(sum(contract([chosen, { tensor, indices: [i, j] }], [i, n])), [tensor]);
    const found = await compile(() => g, { executor: "host" })();
    expect(Array.from(found.data, Number)).toEqual([2, 1, 2, 2, 1, 2]);
  });
});

test("any product of up to four operands, indicators among them, summed over any indices", async () => {
  const index = fc.constantFrom(i, j, k, n);
  const operand = fc.record({
    indices: fc.array(index, { maxLength: 3 }),
    chosen: fc.boolean(),
    from: fc.nat(10),
  });
  const property = fc.asyncProperty(
    fc.array(operand, { minLength: 1, maxLength: 4 }),
    fc.uniqueArray(index, { maxLength: 3 }),
    async (parts, wanted) => {
      const present = new Set(parts.flatMap((p) => p.indices));
      const output = wanted.filter((o) => present.has(o));
      const operands: Operand[] = [];
      const values: { readonly values: readonly number[]; readonly indices: readonly Index[] }[] = [];
      for (const { indices, chosen, from } of parts) {
        const category = indices.at(-1);
        const rows = indices.slice(0, -1);
        if (chosen && category !== undefined && new Set(indices).size === indices.length) {
          const size = rows.reduce((count, r) => count * r.size, 1);
          const at = Array.from({ length: size }, (_, r) => (r * 5 + from) % category.size);
          operands.push({
            at: constant(
              at,
              rows.map((r) => r.size),
              "int64",
            ),
            indices,
          });
          const ones = at.flatMap((a) => Array.from({ length: category.size }, (_, c) => (c === a ? 1 : 0)));
          values.push({ values: ones, indices });
        } else {
          const tensor = filled(indices, from);
          operands.push({ tensor, indices });
          values.push({ values: valuesOf(tensor), indices });
        }
      }
      const found = await compile(() => contract(operands, output), { executor: "host" })();
      // A zero has no sign here.
      expect(Array.from(found.data, Number).map((v) => v + 0)).toEqual(byLoops(values, output));
    },
  );
  await fc.assert(property, { numRuns: 200, seed: 1 });
});

test("nothing at all is 1, of size 1 along each axis", async () => {
  const found = await compile(() => contract([], [i, undefined]), { executor: "host" })();
  expect([found.shape, found.data[0]]).toEqual([[1, 1], 1]);
});
