/** Functions and products in float32 against JavaScript's float64. */
import { describe, expect, test } from "vitest";
import { type Float32Kernels, float32Kernels, PANEL } from "../../src/kernels/float32.ts";
import { MemoryPlan } from "../../src/kernels/index.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";

function memoryOf(sizes: Readonly<Record<string, number>>) {
  const plan = new MemoryPlan();
  const slots = Object.entries(sizes).map(
    ([name, size]) => [name, plan.reserve(name, size, "float32")] as const,
  );
  const memory = plan.allocate();
  const arrays = new Map(slots.map(([name, slot]) => [name, memory.view(slot)]));
  const arrayOf = (name: string): Float32Array => arrays.get(name) ?? new Float32Array(0);
  return { arrayOf, kernels: float32Kernels(memory.memory as WebAssembly.Memory) };
}

type Function32 = "exp32" | "log32" | "sigmoid32" | "softplus32" | "tanh32";

/** Each in float64, as exact as is needed there. */
const exact: Readonly<Record<Function32, (x: number) => number>> = {
  exp32: Math.exp,
  log32: Math.log,
  sigmoid32: (x) => (x > 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  softplus32: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  tanh32: Math.tanh,
};

const names = Object.keys(exact) as readonly Function32[];

/** Every exponent, both signs, several mantissas of each; and numbers near 0, near 1, and where functions leave the range. */
function* arguments32(): Generator<number> {
  const random = new Float64Array(4096);
  fillUniform(random, stream(11, "mantissas"));
  let next = 0;
  for (let exponent = -149; exponent <= 127; exponent++)
    for (let i = 0; i < 6; i++) {
      const x = 2 ** exponent * (1 + random[next++ % random.length]);
      yield Math.fround(x);
      yield Math.fround(-x);
    }
  const near = new Float64Array(40_000);
  fillUniform(near, stream(12, "near"));
  for (const u of near) yield Math.fround(220 * u - 110);
  for (const u of near) yield Math.fround(2 * u - 1);
  for (const u of near) yield Math.fround(1 + (u - 0.5) / 1000);
  yield* [
    0, -0, 1, -1, 0.625, -0.625, 88.72283, 88.72284, -87.33655, -103.97208, -103.97209, -104, 89, 3.4e38,
  ];
  yield* [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -126, 2 ** -149];
}

/** The distance of neighbouring floats at `x`. */
const ulp = (x: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x) || 2 ** -126))) - 23);

test.each(names)(
  "%s: within three units in the last place, and exact where there is no finite one",
  (name) => {
    const values = Float32Array.from(arguments32());
    const { arrayOf, kernels } = memoryOf({ x: values.length, y: values.length });
    arrayOf("x").set(values);
    kernels[name](arrayOf("y").byteOffset, arrayOf("x").byteOffset, values.length);
    let worst = 0;
    arrayOf("y").forEach((found, i) => {
      const expected = exact[name](values[i]);
      const rounded = Math.fround(expected);
      if (!Number.isFinite(rounded) || rounded === 0) {
        // A number that is halfway to what the type holds may go either way.
        const isEdge = Math.abs(expected) > 3.4028e38 || (expected !== 0 && Math.abs(found) <= 2 ** -149);
        if (!isEdge || !Number.isFinite(expected)) expect([values[i], found]).toEqual([values[i], rounded]);
        return;
      }
      worst = Math.max(worst, Math.abs(found - expected) / ulp(expected));
    });
    expect(worst).toBeLessThan(3);
  },
);

test.each(names)("%s: every length around the vector width, apart and in place", (name) => {
  for (let length = 0; length <= 13; length++) {
    const { arrayOf, kernels } = memoryOf({ x: 16, y: 16 });
    const values = Float32Array.from({ length: 16 }, (_, i) => 0.3 * i + 0.1);
    arrayOf("x").set(values);
    arrayOf("y").fill(7);
    kernels[name](arrayOf("y").byteOffset, arrayOf("x").byteOffset, length);
    expect(Array.from(arrayOf("x"))).toEqual(Array.from(values));
    kernels[name](arrayOf("x").byteOffset, arrayOf("x").byteOffset, length);
    values.forEach((x, i) => {
      const [apart, inPlace] = [arrayOf("y")[i], arrayOf("x")[i]];
      if (i >= length) expect([apart, inPlace]).toEqual([7, x]);
      else expect(Math.abs(apart - exact[name](x)) / ulp(exact[name](x))).toBeLessThan(3);
      if (i < length) expect(inPlace).toBe(apart);
    });
  }
});

interface Product {
  readonly sizes: readonly [number, number, number];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function multiply(kernels: Float32Kernels, arrayOf: (name: string) => Float32Array, one: Product): void {
  const [rows, inner, columns] = one.sizes;
  const [rowOfA, columnOfA] = one.transposeA ? [4, 4 * rows] : [4 * inner, 4];
  const [rowOfB, columnOfB] = one.transposeB ? [4, 4 * inner] : [4 * columns, 4];
  const [out, a, b, panel] = ["out", "a", "b", "panel"].map((name) => arrayOf(name).byteOffset);
  kernels.timesMatrix32(out, a, b, panel, rows, inner, columns, rowOfA, columnOfA, rowOfB, columnOfB);
}

describe("products", () => {
  const choices = new Float64Array(400);
  fillUniform(choices, stream(5, "products"));
  let next = 0;
  const below = (n: number): number => Math.floor(choices[next++] * n);
  const drawn = Array.from(
    { length: 40 },
    (): Product => ({
      sizes: [1 + below(40), 1 + below(60), 1 + below(40)],
      transposeA: below(2) === 0,
      transposeB: below(2) === 0,
    }),
  );
  // Beyond one block of inner sums (512) and of rows (192).
  const large: Product[] = [
    { sizes: [7, 1030, 9], transposeA: false, transposeB: true },
    { sizes: [390, 20, 12], transposeA: true, transposeB: false },
    { sizes: [193, 513, 8], transposeA: false, transposeB: false },
  ];
  test.each([...drawn, ...large])("$sizes, transposed $transposeA and $transposeB", (one) => {
    const [m, k, n] = one.sizes;
    const { arrayOf, kernels } = memoryOf({
      before: 16,
      out: m * n,
      after: 16,
      a: m * k,
      b: k * n,
      panel: PANEL,
    });
    for (const name of ["out", "a", "b"]) fillNormal(arrayOf(name), stream(3, name));
    for (const name of ["before", "after"]) arrayOf(name).fill(7);
    const start = Float64Array.from(arrayOf("out"));
    multiply(kernels, arrayOf, one);
    const [a, b, out] = [arrayOf("a"), arrayOf("b"), arrayOf("out")];
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let [value, size] = [start[i * n + j], Math.abs(start[i * n + j])];
        for (let p = 0; p < k; p++) {
          const term = a[one.transposeA ? p * m + i : i * k + p] * b[one.transposeB ? j * k + p : p * n + j];
          value += term;
          size += Math.abs(term);
        }
        // Each of k + 1 sums and k products rounds by at most half a unit of what is added.
        expect(Math.abs(out[i * n + j] - value)).toBeLessThanOrEqual((k + 2) * 2 ** -24 * size);
      }
    for (const name of ["before", "after"]) expect(Array.from(arrayOf(name))).toEqual(new Array(16).fill(7));
  });
});
