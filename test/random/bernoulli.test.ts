import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryPlan } from "../../src/kernels/index.ts";
import { drawBernoulli, fillUniform, stream } from "../../src/random/index.ts";

/** An array in planned memory, where the kernels work in place. */
function planned(values: Float32Array): Float32Array {
  const plan = new MemoryPlan();
  const slot = plan.reserve("x", values.length, "float32");
  const view = plan.allocate().view(slot);
  view.set(values);
  return view;
}

/** Pixels of digits: 0 and 1 in runs that end anywhere in a block of four, grey between them. How much is grey differs. */
const pixels = (count: number, grey = 0.3, seed = 0): Float32Array => {
  const u = new Float32Array(2 * count);
  fillUniform(u, stream(seed, "pixels"));
  let isGrey = false;
  return Float32Array.from({ length: count }, (_, i) => {
    if (u[2 * i] < 0.2) isGrey = u[2 * i] < 0.2 * grey;
    return isGrey ? u[2 * i + 1] : Number(u[2 * i + 1] < 0.3);
  });
};

/** Parts of a stream: whole blocks of four, parts of one, from anywhere in it and across its first 2³² elements and blocks. */
const parts = fc.record({
  count: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 41, max: 9000 })),
  first: fc.oneof(
    fc.integer({ min: 0, max: 70 }),
    fc.integer({ min: 0, max: 600 * 784 }),
    fc.integer({ min: 2 ** 32 - 50, max: 2 ** 32 + 50 }),
    fc.integer({ min: 2 ** 34 - 9000, max: 2 ** 34 + 50 }),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 9000 }),
  ),
  step: fc.oneof(fc.nat(99), fc.maxSafeNat()),
  grey: fc.constantFrom(0, 0.01, 0.3, 0.9, 1),
  seed: fc.nat(1000),
});

describe("drawBernoulli", () => {
  test("element i compares uniform first + i of the stream, in memory of the kernels and in any other", () => {
    const source = stream(3, "binarize");
    const room = planned(new Float32Array(12_000));
    const holds = fc.property(parts, ({ count, first, step, grey, seed }) => {
      const p = pixels(count, grey, seed);
      const u = new Float32Array(count);
      fillUniform(u, source, { step, first });
      const expected = [...p.map((value, i) => (u[i] < value ? 1 : 0))];
      // The arrays beside it, in which draws were made before, are left alone.
      const inPlace = room.fill(0.5).subarray(count % 7, (count % 7) + count);
      inPlace.set(p);
      drawBernoulli(inPlace, source, { step, first });
      expect([...inPlace]).toEqual(expected);
      expect(room.reduce((sum, value) => sum + Number(value === 0.5), 0)).toBe(room.length - count);
      const ordinary = p.slice();
      drawBernoulli(ordinary, source, { step, first });
      expect([...ordinary]).toEqual(expected);
    });
    fc.assert(holds, { seed: 1, numRuns: 400 });
  });

  test.each([-1, 0.5, 2 ** 53])(
    "first = %d is refused, in memory of the kernels and in any other",
    (first) => {
      for (const x of [planned(pixels(20)), pixels(20)]) {
        expect(() => drawBernoulli(x, stream(3, "binarize"), { first })).toThrow("first must be an integer");
      }
    },
  );

  test("a part of a stream costs what its beginning costs", () => {
    const x = planned(new Float32Array(400_000).fill(0.5));
    const source = stream(0, "binarize");
    const cost = (first: number): number => {
      const from = process.cpuUsage().user;
      for (let i = 0; i < 16; i++) {
        x.fill(0.5);
        drawBernoulli(x, source, { first });
      }
      return process.cpuUsage().user - from;
    };
    cost(0);
    const turns = Array.from({ length: 9 }, () => cost(400_003) / cost(0)).sort((a, b) => a - b);
    // Without the kernel it was 4 times as much.
    expect(turns[4]).toBeLessThan(1.5);
  });

  test("0 stays 0 and 1 stays 1; another step draws otherwise", () => {
    const draw = (step: number) => {
      const x = planned(new Float32Array(4000).fill(0.5));
      x.fill(0, 0, 1000);
      x.fill(1, 1000, 2000);
      drawBernoulli(x, stream(0, "binarize"), { step });
      return x;
    };
    const first = draw(0);
    expect(first.subarray(0, 1000).every((v) => v === 0)).toBe(true);
    expect(first.subarray(1000, 2000).every((v) => v === 1)).toBe(true);
    expect([...draw(1)]).not.toEqual([...first]);
    // 2000 fair coins: standard deviation 22.4; beyond 5 of them with probability 6e-7.
    const heads = first.subarray(2000).reduce((a, b) => a + b, 0);
    expect(Math.abs(heads - 1000)).toBeLessThan(112);
  });
});
