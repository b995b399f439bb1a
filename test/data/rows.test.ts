import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDataset, type Dataset, rowsOf } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import { MemoryPlan } from "../../src/kernels/index.ts";

/** The definition, read off one element at a time: the product of a byte and a float32 is exact in float64, so it is rounded once. */
const oracle = ({ x, scale: given, shape }: Dataset, indices: readonly number[]): number[] => {
  const width = shape.reduce((n, d) => n * d, 1);
  const scale = x instanceof Uint8Array ? Math.fround(given) : given;
  return indices.flatMap((row) =>
    Array.from({ length: width }, (_, j) => Math.fround((x[row * width + j] as number) * scale)),
  );
};

/** An array in memory of the kernels, which widen bytes there. */
function planned(length: number): Float32Array {
  const plan = new MemoryPlan();
  const slot = plan.reserve("x", length, "float32");
  return plan.allocate().view(slot);
}

describe("rowsOf", () => {
  test("equals its definition for bytes and floats, any width, alignment, scale and order", () => {
    const input = fc.record({
      bytes: fc.boolean(),
      width: fc.integer({ min: 1, max: 9 }),
      offset: fc.integer({ min: 0, max: 5 }),
      scale: fc.constantFrom(1, 1 / 255, 0.5),
      indices: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 0, maxLength: 12 }),
      consecutive: fc.boolean(),
    });
    fc.assert(
      fc.property(input, ({ bytes, width, offset, scale, indices, consecutive }) => {
        const values = Array.from({ length: offset + 7 * width }, (_, i) => (i * 37) % 256);
        const whole = bytes ? Uint8Array.from(values) : Float32Array.from(values, (v) => v / 3);
        const x = whole.subarray(offset);
        const dataset = createDataset({ name: "d", shape: [width], x, scale });
        const rows = consecutive ? [1, 2, 3, 4] : indices;
        const length = rows.length * width + 2;
        for (const out of [new Float32Array(length), planned(length)]) {
          out.fill(-1);
          expect(rowsOf(dataset, Uint32Array.from(rows), out)).toBe(out);
          // Two floats beyond the rows stay as they were.
          expect([...out]).toEqual([...oracle(dataset, rows), -1, -1]);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("missing values are NaN, whatever the order of the rows", () => {
    const dataset = createDataset({
      name: "d",
      shape: [2],
      x: Float32Array.of(1, 0, 3, 4, 0, 0),
      observed: Uint8Array.of(1, 0, 1, 1, 0, 0),
    });
    const { NaN: nan } = Number;
    expect([...rowsOf(dataset, [0, 1, 2], new Float32Array(7))]).toEqual([1, nan, 3, 4, nan, nan, 0]);
    expect([...rowsOf(dataset, [2, 0], new Float32Array(4))]).toEqual([nan, nan, 1, nan]);
  });

  test("maps the ends of the byte range to 0 and 1 exactly", () => {
    const dataset = createDataset({ name: "d", shape: [1, 4], x: Uint8Array.of(0, 255, 0, 255) });
    expect([...rowsOf(dataset, [0], new Float32Array(4))]).toEqual([0, 1, 0, 1]);
  });

  const small = createDataset({ name: "d", shape: [2], x: Float32Array.of(0, 1, 2, 3) });

  test("refuses a buffer that is too short", () => {
    expect(() => rowsOf(small, [0, 1], new Float32Array(3))).toThrow(
      new UsageError("rowsOf: 2 rows of d need a buffer of 4 floats; found 3."),
    );
  });

  test.each([
    [[2], 2],
    [[-1], -1],
    [[0.5], 0.5],
    [[Number.NaN], Number.NaN],
    // The run 1, 2 begins inside and leaves.
    [[1, 2], 2],
  ])("refuses the indices %j", (indices, found) => {
    expect(() => rowsOf(small, indices, new Float32Array(8))).toThrow(
      new UsageError(`rowsOf: d has rows 0 to 1; found index ${found}.`),
    );
  });
});
