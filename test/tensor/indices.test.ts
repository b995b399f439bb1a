/** Indices at the ends of their types, negative ones and those outside the axis: both executors give the same numbers, or both refuse. */
import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/index.ts";
import { TightboundError, UsageError } from "../../src/errors.ts";
import {
  allocate,
  arange,
  convert,
  gather,
  grad,
  input,
  oneHot,
  reshape,
  scatterAdd,
  sum,
  type Tensor,
  tensor,
  vmap,
} from "../../src/tensor/index.ts";
import { generator } from "../campaigns/random.ts";

const SIZE = 5;
const table = reshape(arange(3 * SIZE, "float64"), [SIZE, 3]);
const fed = input("x", [SIZE, 3], "float64");
const lines = tensor([1, 2, 4, 8], { dtype: "float64" });

/** Each reads or writes at the four indices. */
const ops: Readonly<Record<string, (at: Tensor) => Tensor>> = {
  gather: (at) => gather(fed, at, 0),
  "gather from what is known": (at) => gather(table, at, 0),
  "gather along the last axis": (at) => gather(reshape(fed, [3, SIZE]), at, 1),
  "gather from an axis of size 0": (at) => gather(input("none", [0, 2], "float64"), at, 0),
  scatterAdd: (at) => scatterAdd(reshape(fed, [3 * SIZE]).slice({ axis: 0, end: SIZE }), at, lines),
  "the gradient of gather": (at) => grad(sum(gather(fed, at, 0)), [fed])[0],
  "gather, each from its own row": (at) => {
    const [x, i] = [input("row", [SIZE], "float64"), input("place", [], at.dtype)];
    const rows = reshape(arange(4 * SIZE, "float64"), [4, SIZE]);
    return vmap([gather(x, i, 0)], new Map([[x, rows] as const, [i, at] as const]))[0];
  },
  oneHot: (at) => oneHot(at, SIZE, "float64"),
};

async function evaluate(
  executor: Executor,
  op: (at: Tensor) => Tensor,
  at: bigint[],
  dtype: "int32" | "int64",
) {
  try {
    const indices = input("at", [4], dtype);
    const outcome = op(indices);
    const program = await build([outcome], { executor, threads: 1 });
    const given = Float64Array.from({ length: SIZE * 3 }, (_, i) => i * i);
    const arrays = program.leaves.map((leaf) =>
      leaf === indices ? convert(at, dtype) : given.subarray(0, leaf.size),
    );
    const out = allocate(outcome.dtype, outcome.size);
    await program.bind(arrays, [out])();
    return Array.from(out as Float64Array);
  } catch (error) {
    if (!(error instanceof TightboundError)) throw error;
    return error instanceof UsageError ? "not held in float64" : "refused";
  }
}

const pick = generator(11);

function draw(dtype: "int32" | "int64"): bigint {
  const end = dtype === "int32" ? 2n ** 31n : 2n ** 63n;
  const special = [-end, end - 1n, 2n ** 31n - 1n, -(2n ** 31n), BigInt(SIZE), BigInt(-SIZE - 1)];
  return pick(4) === 0 ? special[pick(special.length)] : BigInt(pick(2 * SIZE) - SIZE);
}

describe.each(["int32", "int64"] as const)("%s", (dtype) => {
  test.each(Object.entries(ops))("%s", async (name, op) => {
    const outcomes = new Set<boolean>();
    for (let i = 0; i < 8; i++) {
      // Half of the draws are inside.
      const at = Array.from({ length: 4 }, () => (i % 2 === 0 ? BigInt(pick(2 * SIZE) - SIZE) : draw(dtype)));
      const host = await evaluate("host", op, at, dtype);
      const native = await evaluate("native", op, at, dtype);
      // No axis is as long as the integers that the host cannot hold; for oneHot they are classes that do not exist.
      if (host !== "not held in float64") expect(native, String(at)).toEqual(host);
      else if (name !== "oneHot") expect(native, String(at)).toBe("refused");
      outcomes.add(typeof host === "string");
    }
    expect(outcomes.size).toBeGreaterThan(0);
  });
});
