import { describe, expect, expectTypeOf, test } from "vitest";
import { build, type Executor } from "../../src/compile/compile.ts";
import { simplify } from "../../src/compile/simplify.ts";
import { ShapeError } from "../../src/errors.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import {
  type EinsumOperands,
  einsum,
  grad,
  input,
  matmul,
  mul,
  nodesOf,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";

const SIZES: Readonly<Record<string, number>> = { a: 2, b: 3, c: 2, d: 4, e: 3, f: 1 };
const valuesOf = (t: Tensor): Float64Array => {
  const out = new Float64Array(t.size);
  fillUniform(out, stream(7, String(t.attributes.name)));
  return out.map((u) => 2 * u - 1);
};

async function evaluate(outputs: readonly Tensor[], executor: Executor = "host"): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const out = outputs.map((t) => new Float64Array(t.size));
  await program.bind(program.leaves.map(valuesOf), out)();
  await program.release();
  return out.map((o) => [...o]);
}

const leaves = (parts: readonly string[]): Tensor[] =>
  parts.map((part, i) =>
    input(
      `x${i}`,
      [...part].map((letter) => SIZES[letter]),
      "float64",
    ),
  );

/** The sum as it is written: a loop over every value of every letter. */
function byHand(parts: readonly string[], output: string, tensors: readonly Tensor[]): number[] {
  const letters = [...new Set([...output, ...parts.join("")])];
  const numbers = tensors.map(valuesOf);
  const out = new Array<number>([...output].reduce((n, l) => n * SIZES[l], 1)).fill(0);
  const at = (part: string, index: ReadonlyMap<string, number>): number =>
    [...part].reduce((place, l) => place * SIZES[l] + (index.get(l) ?? 0), 0);
  const total = letters.reduce((n, l) => n * SIZES[l], 1);
  for (let k = 0; k < total; k++) {
    const index = new Map<string, number>();
    let rest = k;
    for (const l of letters) {
      index.set(l, rest % SIZES[l]);
      rest = Math.floor(rest / SIZES[l]);
    }
    out[at(output, index)] += parts.reduce((p, part, i) => p * numbers[i][at(part, index)], 1);
  }
  return out;
}

const close = (found: readonly number[], expected: readonly number[]): void => {
  expect(found.length).toBe(expected.length);
  found.forEach((v, i) => {
    expect(v).toBeCloseTo(expected[i], 10);
  });
};

/** Drawn specifications: one to five operands of up to three letters. */
const drawn = Array.from({ length: 60 }, (_, k) => {
  const u = new Float64Array(40);
  fillUniform(u, stream(11, `einsum ${k}`));
  let at = 0;
  const pick = (n: number): number => Math.floor(u[at++ % 40] * n);
  const parts = Array.from({ length: 1 + pick(5) }, () =>
    Array.from({ length: pick(4) }, () => "abcdef"[pick(6)]).join(""),
  );
  const all = [...new Set(parts.join(""))];
  return {
    parts,
    output: all
      .filter(() => pick(2) === 1)
      .sort(() => pick(3) - 1)
      .join(""),
  };
});

describe("drawn sums of products are the loops that they stand for", () => {
  test.each(drawn.map((d) => [`${d.parts.join()}->${d.output}`, d] as const))(
    "%s",
    async (spec, { parts, output }) => {
      const tensors = leaves(parts);
      const result = einsum(spec as string, ...tensors);
      const [found] = await evaluate([result]);
      close(found, byHand(parts, output, tensors));
      if (spec.length % 3 !== 0) return;
      const [native] = await evaluate([result], "native");
      close(native, found);
    },
  );
});

test("gradients are sums of products too", async () => {
  const [a, b, c] = leaves(["ab", "bd", "da"]);
  const weight = input("w", [], "float64");
  const total = mul(einsum("ab,bd,da->", a, b, c), weight);
  const found = await evaluate(grad(total, [a, b, c]));
  const expected = await evaluate([
    mul(einsum("bd,da->ab", b, c), weight),
    mul(einsum("ab,da->bd", a, c), weight),
    mul(einsum("ab,bd->da", a, b), weight),
  ]);
  found.forEach((v, i) => {
    close(v, expected[i]);
  });
});

test("without an arrow, letters that occur once remain, in order", () => {
  const [a, b] = leaves(["db", "ba"]);
  expect(einsum("db,ba", a, b).shape).toEqual([SIZES.a, SIZES.d]);
  expect(einsum("aa", input("s", [3, 3])).shape).toEqual([]);
});

test("chains are combined in the cheapest order, as matrix products", () => {
  const n = 50;
  const [a, b, v] = [input("a", [n, n]), input("b", [n, n]), input("v", [n])];
  const [result] = simplify([einsum("ij,jk,k->i", a, b, v)]);
  // Matrix times vector twice, never matrix times matrix.
  const products = [...nodesOf(result)].filter((t) => matmul.is(t));
  expect(products.map((t) => t.size)).toEqual([n, n]);
  const [one] = simplify([einsum("bij,bjk->bik", input("x", [4, 2, 3]), input("y", [4, 3, 5]))]);
  expect(matmul.is(one)).toBe(true);
});

test("whole numbers are added up exactly", async () => {
  const a = input("a", [3, 2], "int64");
  expect(einsum("ij,ij->j", a, a).dtype).toBe("int64");
  expect(sum(einsum("ij->i", a)).dtype).toBe("int64");
});

test("the number of tensors is part of the type, and mistakes are refused with the place", () => {
  expectTypeOf<EinsumOperands<"ij,jk->ik">["length"]>().toEqualTypeOf<2>();
  expectTypeOf<EinsumOperands<"i,i,i">["length"]>().toEqualTypeOf<3>();
  const [a, b] = leaves(["ab", "bd"]);
  // @ts-expect-error one tensor is missing
  expect(() => einsum("ab,bd->ad", a)).toThrow(/2 operands, and 1 tensors/);
  expect(() => einsum("ab,ad->bd", a, b)).toThrow(/'a' is 2 in one operand and 3 in operand 1/);
  expect(() => einsum("abc->a", a)).toThrow(/operand 0 has 3 letters and shape \[2, 3\]/);
  expect(() => einsum("ab->z", a)).toThrow(/'z' is in no operand/);
  expect(() => einsum("ab->aa", a)).toThrow(ShapeError);
  expect(() => einsum("...b->b", a)).toThrow(/letters, commas/);
});
