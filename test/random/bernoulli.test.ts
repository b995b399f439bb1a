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

/** Mostly 0 and 1, as pixels are, so that whole groups of sixteen are decided without a word; some in between. */
const pixels = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (i % 64 < 40 ? Number(i % 3 === 0) : (i % 11) / 10));

describe("drawBernoulli", () => {
  test.each([1, 15, 16, 17, 100, 1000, 12_345])(
    "element i of %d compares uniform i of the stream",
    (count) => {
      const p = pixels(count);
      const u = new Float32Array(count);
      const source = stream(3, "binarize");
      fillUniform(u, source, { step: 9 });
      const expected = p.map((value, i) => (u[i] < value ? 1 : 0));
      const inPlace = planned(p);
      drawBernoulli(inPlace, source, { step: 9 });
      expect([...inPlace]).toEqual([...expected]);
      const ordinary = p.slice();
      drawBernoulli(ordinary, source, { step: 9 });
      expect([...ordinary]).toEqual([...expected]);
    },
  );

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
