import { expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { mul } from "../../src/tensor/index.ts";

// A product of subnormal numbers costs some hundred cycles each, so the native executor counts them as 0 (`session.ts`).
test("natively, numbers below 1e-38 count as 0, and those above do not", async () => {
  const half = compile((x) => mul(x, 0.5), { executor: "native", threads: 1 });
  const x = new ArrayValue([3], "float32", new Float32Array([1e-40, 1e-37, 1]));
  expect([...(await half(x)).data]).toEqual([0, Math.fround(1e-37) / 2, 0.5]);
});
