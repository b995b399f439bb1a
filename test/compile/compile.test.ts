import { describe, expect, test } from "vitest";
import { ArrayValue, type CompileOptions, compile, type Executor } from "../../src/compile/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { initializers } from "../../src/nn/index.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";
import {
  add,
  cast,
  constant,
  exp,
  greater,
  input,
  matmul,
  mul,
  noise,
  parameter,
  reshape,
  softmax,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";

const executors: readonly Executor[] = ["host", "native"];
const on = (executor: Executor): CompileOptions => ({ executor, threads: 1 });

describe.each(executors)("compile on %s", (executor) => {
  test("traces once for each set of shapes and dtypes", async () => {
    const traced: string[] = [];
    const f = compile((x) => {
      traced.push(`${x.dtype} ${x.shape}`);
      return x.mul(2);
    }, on(executor));
    expect((await f([1, 2])).toArray()).toEqual([2, 4]);
    expect((await f([3, 4])).toArray()).toEqual([6, 8]);
    expect((await f([[3], [4]])).toArray()).toEqual([[6], [8]]);
    expect((await f(5)).item()).toBe(10);
    expect((await f(Float64Array.of(5, 6))).toArray()).toEqual([10, 12]);
    expect((await f([7, 8])).toArray()).toEqual([14, 16]);
    expect(traced).toEqual(["float32 2", "float32 2,1", "float32 ", "float64 2"]);
  });

  test("the example of its docstring", async () => {
    const f = compile((x, w) => softmax(matmul(x, w)), on(executor));
    const y = await f(
      [[1, 2]],
      [
        [1, 0],
        [0, 1],
      ],
    );
    // 1 / (1 + e) and e / (1 + e)
    expect(y.toArray()).toEqual([[expect.closeTo(0.2689414, 6), expect.closeTo(0.7310586, 6)]]);
  });

  test("results come in the structure that was returned, and stay as they are", async () => {
    const record = compile((x) => ({ twice: x.mul(2), total: x.sum() }), on(executor));
    const first = await record([1, 2]);
    const second = await record([5, 6]);
    expect([first.twice.toArray(), first.total.item()]).toEqual([[2, 4], 3]);
    expect([second.twice.toArray(), second.total.item()]).toEqual([[10, 12], 11]);
    const list = await compile((x) => [x.mul(2), x.sum()] as const, on(executor))([1, 2]);
    expect(list.map((v) => v.toArray())).toEqual([[2, 4], 3]);
  });

  test("outputs that are arguments, constants, views of one another, or one value twice", async () => {
    const f = compile((x) => {
      const y = x.mul(2);
      const flat = reshape(y, [4]);
      return [x, y, y, flat, reshape(x, [4]), constant([7, 8], [2]), constant([7, 8], [2]), exp(y).log()];
    }, on(executor));
    for (const k of [1, 10]) {
      const x = [
        [k, 2 * k],
        [3 * k, 4 * k],
      ];
      const twice = x.map((r) => r.map((v) => 2 * v));
      const values = (await f(x)).map((v) => v.toArray());
      expect(values.slice(0, 7)).toEqual([x, twice, twice, twice.flat(), x.flat(), [7, 8], [7, 8]]);
      expect((await f(x)).map((v) => v.shape.length)).toEqual([2, 2, 2, 1, 1, 1, 1, 2]);
    }
  });

  test("bool and integer arguments and results", async () => {
    const f = compile(
      (x, n) => ({
        positive: greater(x, 0),
        whole: cast(x, "int32"),
        long: add(n, 1),
        both: cast(n, "float64"),
      }),
      on(executor),
    );
    const out = await f([-1.5, 2.5], BigInt64Array.of(2n ** 40n, -3n));
    expect(Object.values(out).map((v) => v.dtype)).toEqual(["bool", "int32", "int64", "float64"]);
    expect(out.positive.data).toEqual(Uint8Array.of(0, 1));
    expect(out.whole.data).toEqual(Int32Array.of(-1, 2));
    expect(out.long.data).toEqual(BigInt64Array.of(2n ** 40n + 1n, -2n));
    expect(out.both.toArray()).toEqual([2 ** 40, -3]);
    const flags = compile((b) => cast(b, "float32"), on(executor));
    const fed = await flags(new ArrayValue([2], "bool", Uint8Array.of(1, 0)));
    expect(fed.toArray()).toEqual([1, 0]);
    const integers = compile((i) => mul(i, 3), on(executor));
    expect((await integers(Int32Array.of(5))).data).toEqual(Int32Array.of(15));
  });

  test("calls that overlap do not mix", async () => {
    const f = compile((x) => x.mul(x).sum(), on(executor));
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map((v) => f([v, v])));
    expect(results.map((r) => r.item())).toEqual([2, 8, 18, 32, 50, 72]);
  });

  test("an overlapping call keeps the argument that it was given", async () => {
    const f = compile((x) => x.sum(), on(executor));
    const x = Float32Array.of(1, 2);
    const first = f(x);
    x.set([10, 20]);
    const second = f(x);
    expect([(await first).item(), (await second).item()]).toEqual([3, 30]);
  });

  test("a failed call leaves later ones alone", async () => {
    const f = compile((x) => x.add(constant([1, 2], [2])), on(executor));
    await expect(f([1, 2, 3])).rejects.toThrow(ShapeError);
    expect((await f([1, 2])).toArray()).toEqual([2, 4]);
    await expect(f([1, 2, 3])).rejects.toThrow("add: shapes [3] and [2] do not broadcast");
  });

  test("arguments that the function does not use are taken and ignored", async () => {
    expect((await compile((_, y) => y.mul(2), on(executor))([1, 2, 3], 4)).item()).toBe(8);
  });

  test("an input of somewhere else is refused by name", async () => {
    const stray = input("weights", [2]);
    await expect(compile((x) => x.mul(stray), on(executor))([1, 2])).rejects.toThrow(
      new UsageError(
        "compile: input 'weights' is not an argument of the function and has no value; pass it in.",
      ),
    );
  });

  test("parameters: given values are read live, others are initialised from the seed", async () => {
    const w = parameter([3], initializers.normal());
    const values = Float32Array.of(1, 2, 3);
    const f = compile(() => w.mul(2), { ...on(executor), parameters: new Map([[w, values]]) });
    expect((await f()).toArray()).toEqual([2, 4, 6]);
    values[0] = 10;
    expect((await f()).toArray()).toEqual([20, 4, 6]);
    const draw = async (seed: number) =>
      (await compile(() => w.mul(1), { ...on(executor), seed })()).toArray();
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  test("call n draws step n of the site's stream", async () => {
    const f = compile(() => ({ z: noise("normal", "z", [5]), u: noise("uniform", "u", [2, 3]) }), {
      ...on(executor),
      seed: 42,
    });
    for (const step of [0, 1, 2]) {
      const { z, u } = await f();
      const [normal, uniform] = [new Float32Array(5), new Float32Array(6)];
      fillNormal(normal, stream(42, "z"), { step });
      fillUniform(uniform, stream(42, "u"), { step });
      expect([z.data, u.data]).toEqual([normal, uniform]);
    }
  });

  test("two draws under one name are refused, one draw used twice is not", async () => {
    const twice = compile(() => noise("normal", "z", [2]).add(noise("normal", "z", [2])), on(executor));
    await expect(twice()).rejects.toThrow(
      new UsageError(
        "noise: two different draws are named 'z', so they would have the same numbers; " +
          "give each sample site and dropout layer its own name.",
      ),
    );
    const z = noise("normal", "z", [2]);
    await expect(compile(() => z.mul(z), on(executor))()).resolves.toBeDefined();
  });
});

test("both executors see the same float32 draws, bit for bit", async () => {
  const of = async (executor: Executor) =>
    (await compile(() => noise("normal", "site", [1000]), { ...on(executor), seed: 7 })()).data;
  expect(await of("native")).toEqual(await of("host"));
});

describe("value", () => {
  test("computes an expression at once", async () => {
    expect((await tensor([1, 2, 3]).mul(2).value()).toArray()).toEqual([2, 4, 6]);
    expect((await tensor([1, 2, 3]).sum().value({ executor: "native" })).item()).toBe(6);
    expect((await sum(tensor([0.1, 0.2], { dtype: "float64" })).value()).item()).toBe(0.1 + 0.2);
  });

  test("an input has no value", async () => {
    await expect(input("x", [2]).mul(2).value()).rejects.toThrow(
      "input 'x' is not an argument of the function",
    );
  });
});

describe("ArrayValue and feeds", () => {
  test("item, toArray and their shapes", () => {
    const v = new ArrayValue([2, 1, 2], "int64", BigInt64Array.of(1n, 2n, 3n, 4n));
    expect(v.toArray()).toEqual([[[1, 2]], [[3, 4]]]);
    expect(() => v.item()).toThrow(
      new ShapeError("item: expected one element, found shape [2, 1, 2]; use toArray()."),
    );
    expect(() => new ArrayValue([2, 2], "float32", new Float32Array(3))).toThrow(
      new ShapeError("array of shape [2, 2]: expected 4 values, found 3."),
    );
    expect(new ArrayValue([0, 2], "float32").toArray()).toEqual([]);
  });

  test.each([
    [[[1, 2], [3]] as const],
    // Six values, as [3, 2] holds.
    [[[1, 2], [3], [4, 5, 6]] as const],
    [[[1, 2], 3] as const],
  ])("a ragged argument is refused: %j", async (ragged) => {
    await expect(compile((x: Tensor) => x.mul(1))(ragged)).rejects.toThrow(ShapeError);
  });
});
