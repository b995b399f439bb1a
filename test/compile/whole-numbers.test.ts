/** Integers at the ends of their range: native and host agree, or the host refuses what float64 does not hold. */
import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/index.ts";
import { UsageError } from "../../src/errors.ts";
import {
  abs,
  add,
  allocate,
  cast,
  convert,
  cumsum,
  input,
  max,
  mod,
  mul,
  neg,
  prod,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { generator } from "../campaigns/random.ts";

type Op = (x: Tensor, y: Tensor) => Tensor;
const ops: Readonly<Record<string, Op>> = {
  add,
  sub,
  mul,
  neg,
  abs,
  square,
  "add to itself, times": (x, y) => mul(add(x, x), sub(y, x)),
  sum: (x) => sum(x),
  "sum of products": (x, y) => sum(mul(x, y)),
  prod: (x) => prod(x),
  cumsum: (x) => cumsum(x, 0),
  "cumsum backwards": (x) => cumsum(x, 0, { reverse: true, exclusive: true }),
  max: (x) => max(x),
  mod: (x) => mod(x, 7),
  "to int64 and back": (x, y) => cast(mul(cast(x, "int64"), cast(mod(y, 1000), "int64")), "int32"),
  "to float64": (x) => cast(x, "float64"),
};

async function evaluate(executor: Executor, of: Op, dtype: "int32" | "int64", values: readonly bigint[][]) {
  const leaves = values.map((v, i) => input(`x${i}`, [v.length], dtype));
  const outcome = of(leaves[0], leaves[1]);
  const program = await build([outcome], { executor, threads: 1 });
  const arrays = program.leaves.map((leaf) => convert(values[leaves.indexOf(leaf)], dtype));
  const out = allocate(outcome.dtype, outcome.size);
  await program.bind(arrays, [out])();
  return Array.from(out as ArrayLike<number | bigint>, String);
}

const pick = generator(3);
/** A whole number below 2^bits, of either sign; every third one is at an end. */
function draw(bits: number): bigint {
  const end = 2n ** BigInt(bits);
  const near = BigInt(pick(3));
  const sign = pick(2) === 0 ? 1n : -1n;
  if (pick(3) === 0) return sign < 0 ? near - end : end - 1n - near;
  return (sign * (2n ** BigInt(pick(bits)) + BigInt(pick(1000)))) % end;
}

describe.each(Object.entries(ops))("%s", (_, of) => {
  test("of 32 bits: the same numbers on both executors", async () => {
    for (let i = 0; i < 6; i++) {
      const values = [0, 1].map(() => Array.from({ length: 7 }, () => draw(31)));
      const found = await evaluate("host", of, "int32", values);
      expect(found, String(values)).toEqual(await evaluate("native", of, "int32", values));
    }
  });

  test("of 64 bits: the same numbers, or the host refuses", async () => {
    let refused = 0;
    for (let i = 0; i < 10; i++) {
      const bits = i < 5 ? 12 : 62;
      const values = [0, 1].map(() => Array.from({ length: i < 5 ? 3 : 7 }, () => draw(bits)));
      try {
        const found = await evaluate("host", of, "int64", values);
        expect(found, String(values)).toEqual(await evaluate("native", of, "int64", values));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        expect(error.message).toContain("whole numbers are exact up to 2⁵³");
        refused++;
      }
    }
    expect(refused).toBeLessThanOrEqual(5);
  });
});

test.each(["int32", "int64"] as const)("constants of %s fold to what they compute", async (dtype) => {
  const number = (value: number) => tensor(value, { dtype });
  const { data } = await add(mul(number(3), number(4)), number(-5)).value();
  expect(Number(data[0])).toBe(7);
});
