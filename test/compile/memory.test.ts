import { expect, test } from "vitest";
import { memoryBytes } from "#platform/machine";
import { compile } from "../../src/compile/index.ts";
import { checkTogether, checkValues, peakBytes } from "../../src/compile/memory.ts";
import { UsageError } from "../../src/errors.ts";
import {
  add,
  exp,
  expand,
  full,
  input,
  matmul,
  reshape,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";

test("the most that is held at once: leaves, and values until their last use", () => {
  const x = input("x", [10, 10]);
  // 400 bytes each. exp writes a new value, tanh over it.
  expect(peakBytes([tanh(exp(x))])).toBe(800);
  // Both operands are there until the sum, which is written over one of them.
  expect(peakBytes([add(exp(x), tanh(x))])).toBe(1200);
  // A product needs a place of its own.
  expect(peakBytes([matmul(exp(x), tanh(x))])).toBe(1600);
  // A view is no copy.
  expect(peakBytes([sum(reshape(exp(x), [100]))])).toBe(804);
  // A chain is as long as two of its values.
  let long: Tensor = x;
  for (let i = 0; i < 50; i++) long = matmul(long, long);
  expect(peakBytes([long])).toBe(1200);
});

test("what does not fit is refused before anything of its size is made", async () => {
  const x = input("x", [1000, 1000]);
  expect(() => checkValues([exp(x)], 3e6)).toThrow(
    new UsageError(
      "A value of shape [1000, 1000] takes 0.004 GB of memory, and there are 0.003 GB. Use fewer rows at a time (batch), fewer samples " +
        "or particles, or a smaller model.",
    ),
  );
  expect(() => checkTogether([matmul(exp(x), tanh(x))], 12e6)).toThrow(
    "The computation takes about 0.016 GB of memory, and there are 0.012 GB.",
  );
  expect(() => checkTogether([matmul(exp(x), tanh(x))], 16e6)).not.toThrow();
  expect(memoryBytes()).toBeGreaterThan(1e8);
  const before = process.memoryUsage().arrayBuffers;
  for (const executor of ["native", "host"] as const) {
    const outer = compile((a: Tensor) => sum(exp(expand(reshape(a, [2, 1, 1]), [2, 1e6, 1e6]))), {
      executor,
    });
    await expect(outer([1, 2])).rejects.toThrow(
      "expand: shape [2, 1000000, 1000000] has 2000000000000 elements; an array has at most 2^32.",
    );
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
  expect(() => full([1e6, 1e6], 1)).toThrow("an array has at most 2^32");
});
