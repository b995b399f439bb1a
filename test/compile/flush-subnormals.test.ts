import { expect, test } from "vitest";
import { ArrayValue, compile, flushSubnormals } from "../../src/compile/index.ts";
import { mul } from "../../src/tensor/index.ts";

// A file of its own, and so a process of its own: the mode of the thread is set with the first session, for good.
test("flushSubnormals, asked for, counts numbers below 1e-38 as 0, and those above not", async () => {
  flushSubnormals();
  const half = compile((x) => mul(x, 0.5), { executor: "native", threads: 1 });
  const x = new ArrayValue([3], "float32", new Float32Array([1e-40, 1e-37, 1]));
  expect([...(await half(x)).data]).toEqual([0, Math.fround(1e-37) / 2, 0.5]);
});
