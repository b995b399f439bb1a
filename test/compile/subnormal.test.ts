import { expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { mul } from "../../src/tensor/index.ts";

const subnormals = () => new ArrayValue([3], "float32", new Float32Array([1e-40, 1e-37, 1]));

test("the native executor leaves the arithmetic of JavaScript as it is, and has subnormal numbers itself", async () => {
  const tiny = Number("1e-310");
  expect(tiny * 1).toBeGreaterThan(0);
  const half = compile((x) => mul(x, 0.5), { executor: "native", threads: 1 });
  const y = (await half(subnormals())).data;
  expect([...y]).toEqual([0.5e-40, 0.5e-37, 0.5].map(Math.fround));
  expect([tiny * 1 > 0, Number.MIN_VALUE > 0, Number("4e-308") / 2 > 0]).toEqual([true, true, true]);
});
