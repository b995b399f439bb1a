import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { MemoryPlan } from "../../src/kernels/index.ts";
import { normal32, normal64, uniform32, uniform64 } from "../../src/random/draws.ts";
import { split, stream } from "../../src/random/keys.ts";
import { philox4x32 } from "../../src/random/philox.ts";
import { fillBits, fillNormal, fillUniform } from "../../src/random/streams.ts";

const source = stream(42, "pixels");

/** Word `i` of the stream, by the definition. */
const word = (i: number, step: number): number => {
  const block = philox4x32([...split(Math.floor(i / 4)), ...split(step)], source.key);
  return block[i % 4] ?? Number.NaN;
};

const words = (first: number, count: number, step: number) =>
  Array.from({ length: count }, (_, i) => word(first + i, step));

describe("bits equal the reference word for word", () => {
  test.each([
    { first: 0, count: 67, step: 0 },
    { first: 0, count: 5000, step: 3 },
    { first: 1, count: 15, step: 9 },
    { first: 5, count: 1, step: 2 ** 32 },
    { first: 13, count: 70, step: 2 ** 53 - 1 },
    // Blocks 2^32 - 8 and on: the low word of the block index wraps.
    { first: 2 ** 34 - 32, count: 64, step: 1 },
    { first: 2 ** 34 - 3, count: 6, step: 1 },
    { first: 2 ** 50 + 7, count: 40, step: 1 },
  ])("first $first, count $count, step $step", ({ first, count, step }) => {
    const out = new Uint32Array(count);
    fillBits(out, source, { first, step });
    expect([...out]).toEqual(words(first, count, step));
  });
});

test("uniforms equal the reference exactly", () => {
  const w = words(3, 2001, 5);
  const f32 = new Float32Array(2001);
  fillUniform(f32, source, { first: 3, step: 5 });
  expect([...f32]).toEqual(w.map(uniform32));
  const f64 = new Float64Array(1001);
  fillUniform(f64, source, { first: 2, step: 5 });
  const v = words(4, 2002, 5);
  expect([...f64]).toEqual(
    Array.from({ length: 1001 }, (_, i) => uniform64(v[2 * i] ?? 0, v[2 * i + 1] ?? 0)),
  );
});

test("normals equal the reference to rounding", () => {
  const n = 50_000;
  const w = new Uint32Array(2 * n);
  fillBits(w, source);
  const f32 = new Float32Array(n);
  const f64 = new Float64Array(n);
  fillNormal(f32, source);
  fillNormal(f64, source);
  let worst32 = 0;
  let worst64 = 0;
  for (let i = 0; i < n; i++) {
    const z32 = normal32(w[i] ?? 0);
    const z64 = normal64(w[2 * i] ?? 0, w[2 * i + 1] ?? 0);
    worst32 = Math.max(worst32, Math.abs((f32[i] ?? 0) / z32 - 1));
    worst64 = Math.max(worst64, Math.abs((f64[i] ?? 0) / z64 - 1));
  }
  // Two polynomials and a dozen roundings in float32; one unit in the last place is up to 2^-23, relative.
  expect(worst32).toBeLessThan(3 * 2 ** -23);
  // The same formula in float64; only the two logarithms and the order of products differ.
  expect(worst64).toBeLessThan(8 * 2 ** -52);
});

/** The kernels' maps on chosen words. */
const mapped = (raw: readonly number[]) => {
  const plan = new MemoryPlan();
  const slot = plan.reserve("words", raw.length, "uint32");
  const memory = plan.allocate();
  const view = memory.view(slot);
  const as = (map: "toUniform32" | "toNormal32" | "toUniform64" | "toNormal64"): number[] => {
    view.set(raw);
    const wide = map.endsWith("64");
    memory.kernels[map](slot.byteOffset, wide ? raw.length / 2 : raw.length);
    return [
      ...(wide
        ? new Float64Array(memory.buffer, slot.byteOffset, raw.length / 2)
        : new Float32Array(memory.buffer, slot.byteOffset, raw.length)),
    ];
  };
  return as;
};

describe("extreme words", () => {
  test("uniforms stay strictly inside (0, 1)", () => {
    expect(mapped([0, 0xffffffff, 0x1ff, 0x80000000])("toUniform32")).toEqual([
      2 ** -24,
      1 - 2 ** -24,
      2 ** -24,
      0.5 + 2 ** -24,
    ]);
    expect(mapped([0, 0, 0xffffffff, 0xffffffff, 0, 0xfff])("toUniform64")).toEqual([
      2 ** -53,
      1 - 2 ** -53,
      2 ** -53,
    ]);
    expect(uniform64(0, 0)).toBe(2 ** -53);
    expect(uniform64(0xffffffff, 0xffffffff)).toBe(1 - 2 ** -53);
  });

  // √2 erfinv((s + ½)/2³¹) by mpmath 1.2.1 with 40 digits.
  const exact: readonly (readonly [number, number])[] = [
    [0, 2.918099372916623e-10],
    [1, 8.754298118749868e-10],
    [1000, 5.839116845206494e-7],
    [2 ** 30, 0.6744897505624251],
    [2 ** 31 - 2 ** 20, 3.4871042316372285],
    [2 ** 31 - 2, 6.166429517819751],
    [2 ** 31 - 1, 6.3379577545537895],
  ];
  test.each(exact)("float32 normal of the words %s and its mirror", (s, z) => {
    const mirror = ~s >>> 0;
    const [plus = 0, minus = 0] = mapped([s, mirror])("toNormal32");
    expect(Math.abs(plus / z - 1)).toBeLessThan(3 * 2 ** -23);
    expect(minus).toBe(-plus);
    expect(Math.abs(normal32(s) / z - 1)).toBeLessThan(1e-15);
    expect(normal32(mirror)).toBe(-normal32(s));
  });

  // √2 erfinv((s + ½)/2⁶³) by mpmath 1.2.1 with 60 digits; s = 2³²·high + low.
  test.each([
    [0, 0, 6.794229552421306e-20],
    [2 ** 8, 0, 1.4940668789339957e-7],
    [2 ** 30, 0, 0.6744897501960817],
    [2 ** 31 - 1, 2 ** 32 - 2 ** 30, 6.4439345266092],
    [2 ** 31 - 1, 2 ** 32 - 1, 9.155293772686072],
  ])("float64 normal of the words (%s, %s) and their mirror", (high, low, z) => {
    const [plus = 0, minus = 0] = mapped([high, low, ~high >>> 0, ~low >>> 0])("toNormal64");
    // PPND16 claims about 1 part in 10^16; a few roundings come on top.
    expect(Math.abs(plus / z - 1)).toBeLessThan(1e-15);
    expect(minus).toBe(-plus);
    expect(Math.abs(normal64(high, low) / z - 1)).toBeLessThan(1e-15);
  });
});

describe("an element does not depend on", () => {
  test.each([fillUniform, fillNormal])(
    "the length asked for, nor on where the request starts (%o)",
    (fill) => {
      for (const make of [(n: number) => new Float32Array(n), (n: number) => new Float64Array(n)]) {
        const all = make(9000);
        fill(all, source, { step: 2 });
        for (const [first, count] of [
          [0, 1],
          [0, 6],
          [3, 4],
          [1023, 5000],
          [4095, 4097],
        ] as const) {
          const part = make(count);
          fill(part, source, { step: 2, first });
          expect(part).toEqual(all.subarray(first, first + count));
        }
      }
    },
  );

  test("whether the array views planned memory, and its neighbours there are left alone", () => {
    const plan = new MemoryPlan();
    const slot = plan.reserve("noise", 6000, "float32");
    const view = plan.allocate().view(slot);
    view.fill(7);
    const inside = view.subarray(1, 5998);
    fillNormal(inside, source, { step: 1 });
    const outside = new Float32Array(5997);
    fillNormal(outside, source, { step: 1 });
    expect(inside).toEqual(outside);
    expect([view[0], view[5998], view[5999]]).toEqual([7, 7, 7]);
  });

  test("the offset of an ordinary array in its buffer", () => {
    const buffer = new ArrayBuffer(4 * 12);
    const part = new Float32Array(buffer, 8, 9);
    fillUniform(part, source);
    const whole = new Float32Array(9);
    fillUniform(whole, source);
    expect(part).toEqual(whole);
    expect(new Float32Array(buffer)[1]).toBe(0);
  });
});

test("steps, sites and seeds give different numbers", () => {
  const draw = (seed: number, site: string, step: number) => {
    const out = new Uint32Array(4);
    fillBits(out, stream(seed, site), { step });
    return out.join();
  };
  const draws = [draw(0, "a", 0), draw(1, "a", 0), draw(0, "b", 0), draw(0, "a", 1), draw(0, "a", 2 ** 32)];
  expect(new Set(draws).size).toBe(draws.length);
});

test("impossible positions are refused", () => {
  const out = new Float64Array(2);
  expect(() => fillUniform(out, source, { step: -1 })).toThrow(
    new UsageError("random stream: step must be an integer from 0 to 2^53 - 1, found -1"),
  );
  expect(() => fillUniform(out, source, { first: 0.5 })).toThrow(
    new UsageError("random stream: first must be an integer from 0 to 2^53 - 1, found 0.5"),
  );
  expect(() => fillUniform(out, source, { first: 2 ** 52 })).toThrow(
    "random stream: the last word must be an integer from 0 to 2^53 - 1, found 9007199254740996",
  );
});
